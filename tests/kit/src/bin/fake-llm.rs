//! The fake LLM server by itself: prints its URL, then serves until its standard input or the process ends.
//! `fake-llm [--port 0] [--delay-ms 0] [--delay-per-call-us 0] [--model NAME]... [--key KEY]`

use anyhow::{Context, bail};
use judge_host_kit::{FakeLlm, Script};
use std::io::{Read, Write};
use std::str::FromStr;
use std::time::Duration;
use tokio::sync::oneshot;

struct Options {
    port: u16,
    script: Script,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = read_options(std::env::args().skip(1))?;
    let server = FakeLlm::start_on(options.port, options.script).await.context("cannot listen")?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", server.url()).and_then(|()| stdout.flush()).context("cannot tell the URL")?;
    ended().await?;
    server.stop().await;
    Ok(())
}

fn read_options(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Options> {
    let mut options = Options { port: 0, script: Script::default() };
    let mut models = Vec::new();
    while let Some(flag) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("`{flag}` lacks its value"));
        match flag.as_str() {
            "--port" => options.port = number(&flag, &value()?)?,
            "--delay-ms" => options.script.delay = Duration::from_millis(number(&flag, &value()?)?),
            "--delay-per-call-us" => {
                options.script.delay_per_call = Duration::from_micros(number(&flag, &value()?)?);
            }
            "--model" => models.push(value()?),
            "--key" => options.script.key = Some(value()?),
            _ => bail!(
                "unknown argument: `{flag}`; known are --port, --delay-ms, --delay-per-call-us, --model and --key"
            ),
        }
    }
    if !models.is_empty() {
        options.script.models = models;
    }
    Ok(options)
}

fn number<N: FromStr<Err: std::error::Error + Send + Sync + 'static>>(flag: &str, value: &str) -> anyhow::Result<N> {
    value.parse().with_context(|| format!("`{flag}` takes a number: `{value}`"))
}

/// Waits for the end of standard input, or for a signal to stop.
async fn ended() -> anyhow::Result<()> {
    let (closed, input) = oneshot::channel();
    // A thread of its own: a read of standard input cannot be cancelled, and must not hold up the end.
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while matches!(std::io::stdin().read(&mut buffer), Ok(1..)) {}
        let _ = closed.send(());
    });
    tokio::select! {
        _ = input => Ok(()),
        result = signalled() => result,
    }
}

#[cfg(unix)]
async fn signalled() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.context("cannot wait for signals"),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn signalled() -> anyhow::Result<()> {
    tokio::signal::ctrl_c().await.context("cannot wait for signals")
}
