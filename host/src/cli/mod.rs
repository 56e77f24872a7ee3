//! The command line: flags to config, config to a judge, a judge to an exit code.

mod advice;
mod alarm;
mod args;
mod bench;
mod bodies;
mod conformance;
mod dry_run;
mod estimate;
mod facts;
mod footprint;
mod found;
mod gauges;
mod judge;
mod outputs;
mod providers;
mod registry;
mod seating;
mod setup;
mod show;
mod signals;
mod stdout;
mod trace;
mod watch;

use anyhow::Context;
use args::{Cli, Command};
use clap::Parser;
use judge_host::config::{Environment, Layers};
use judge_host::report::Console;
use std::process::ExitCode;

/// How a command ended, where it could run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Everything asked for is done.
    Done,
    /// Some records failed; their rows carry the error.
    SomeFailed,
    /// It ended by itself before its input did: a person is needed, a server is down, or the budget is used up.
    Stopped,
    /// The operator ended it before its input did.
    Interrupted,
}

/// Could not run: config, provider, store or sink.
const EXIT_COULD_NOT_RUN: u8 = 2;
/// As shells report an end by Ctrl-C.
const EXIT_INTERRUPTED: u8 = 130;

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> ExitCode {
        match ending {
            Ending::Done => ExitCode::SUCCESS,
            Ending::SomeFailed | Ending::Stopped => ExitCode::FAILURE,
            Ending::Interrupted => ExitCode::from(EXIT_INTERRUPTED),
        }
    }
}

/// Runs what the process was started with.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    let console = Console::stderr(cli.quiet);
    match run(cli, &console) {
        Ok(ending) => ending.into(),
        Err(error) => {
            console.error(&error);
            ExitCode::from(EXIT_COULD_NOT_RUN)
        }
    }
}

/// Help and version are data; a slip in the flags ends like any other, with a hint in the place of clap's last line.
fn not_understood(error: &clap::Error) -> ExitCode {
    const LAST_LINE: &str = "For more information, try '--help'.";
    let text = error.render().to_string();
    if !error.use_stderr() {
        // There is nowhere to say that stdout is gone.
        let _ = stdout::text(&text);
        return ExitCode::SUCCESS;
    }
    let console = Console::stderr(false);
    console.line(text.trim_end().trim_end_matches(LAST_LINE).trim_end());
    console.line("hint: the same command with `--help` shows what it takes");
    ExitCode::from(EXIT_COULD_NOT_RUN)
}

fn run(cli: Cli, console: &Console) -> anyhow::Result<Ending> {
    let folder = std::path::Path::new(".");
    let environment = Environment::of_process(folder);
    for note in environment.notes() {
        console.note(note);
    }
    let layers = advice::of(Layers::read(cli.flags(), environment, folder))?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let console = console.clone();
    // On a worker thread: the scheduler would be woken across threads for every record otherwise.
    let running = runtime.spawn(async move { dispatch(&cli, &layers, &console).await });
    let ending = runtime.block_on(running).unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    // A thread may still wait for a silent stdin; it must not hold the end back.
    runtime.shutdown_background();
    ending
}

async fn dispatch(cli: &Cli, layers: &Layers, console: &Console) -> anyhow::Result<Ending> {
    match &cli.command {
        Some(Command::Judge(args)) => judge::run(layers, args, console).await,
        Some(Command::Bench(args)) => bench::run(layers, args, console).await,
        Some(Command::Providers(args)) => providers::run(layers, args, console).await,
        Some(Command::Registry(args)) => registry::run(layers, args, console).await,
        None => providers::welcome(layers, console).await,
    }
}
