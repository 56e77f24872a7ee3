//! The yardstick of the bench: a plain `reqwest` loop that sends one request over and over, with a bound on those under
//! way, and does nothing with the answers. Reads the request as `judge-host judge --dry-run` prints it.
//! `judge-host … --dry-run | bare-loop COUNT PARALLEL`; prints the wall time in seconds.

use anyhow::{Context, ensure};
use reqwest::{Client, RequestBuilder};
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number =
        |name| arguments.next().with_context(|| format!("{name} is missing"))?.parse::<usize>().context(name);
    let (count, parallel) = (number("COUNT")?, number("PARALLEL")?);
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read the request")?;
    // A client wants one, though nothing here is encrypted; it is there already only where this ran before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // As the host's client is set up, so that the two differ in what they do and not in how they connect.
    let client = Client::builder().no_proxy().pool_max_idle_per_host(usize::MAX).build()?;
    let request = request(&client, &text)?;

    let begun = Instant::now();
    let permits = Arc::new(Semaphore::new(parallel.max(1)));
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let permit = Arc::clone(&permits).acquire_owned().await?;
        let call = request.try_clone().context("a body that can be sent once only")?;
        calls.spawn(async move {
            let body = call.send().await?.error_for_status()?.bytes().await?;
            drop(permit);
            Ok::<_, reqwest::Error>(body.len())
        });
    }
    while let Some(call) = calls.join_next().await {
        ensure!(call?? > 0, "an empty answer");
    }
    writeln!(std::io::stdout(), "{}", begun.elapsed().as_secs_f64()).context("cannot tell the time")
}

/// Request line, headers, an empty line, the body.
fn request(client: &Client, text: &str) -> anyhow::Result<RequestBuilder> {
    let (head, body) = text.split_once("\n\n").context("no empty line between head and body")?;
    let mut lines = head.lines();
    let (method, url) = lines.next().and_then(|line| line.split_once(' ')).context("no request line")?;
    let mut request = client.request(method.parse()?, url).body(body.trim_end().to_owned());
    for line in lines {
        let (name, value) = line.split_once(": ").with_context(|| format!("no header: `{line}`"))?;
        request = request.header(name, value);
    }
    Ok(request)
}
