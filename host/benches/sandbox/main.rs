//! What the sandbox costs: a pair of calls beside the same code native, an instance, a limit, and the start of a host.
//!
//! `cargo xtask bench sandbox`. What is compared is measured in turns, in batches of many calls on one thread, and told
//! as the median of the rounds: the machine's own moods meet all alike.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

#[path = "../shared/machine.rs"]
mod machine;
mod memory;
#[path = "../shared/numbers.rs"]
mod numbers;
mod pair;
mod start;
mod table;
mod variants;

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use table::Figures;

/// The allocator that the host has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Cargo adds the first to whatever was given.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let done = match args.as_slice() {
        [] => run(),
        [word, component] if word == memory::HOLD => memory::hold(Path::new(component)),
        _ => Err(anyhow::anyhow!("this bench takes no arguments")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let component = plugins()?.join("openai.wasm");
    let mut figures = Figures::default();
    eprintln!("measuring pairs of calls ...");
    pair::measure(&component, &mut figures)?;
    eprintln!("measuring instances and limits ...");
    variants::measure(&component, &mut figures)?;
    eprintln!("measuring memory ...");
    memory::measure(&component, &mut figures)?;
    eprintln!("measuring the start of a host ...");
    start::measure(&plugins()?, &mut figures)?;
    println!("{}\n{figures}", machine::described());
    let beyond = figures.beyond();
    if beyond.is_empty() { Ok(()) } else { bail!("beyond the bound: {}", beyond.join("; ")) }
}

/// The folder of the bundled providers, which `cargo xtask plugins` fills.
fn plugins() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
    folder.canonicalize().context("there are no providers: `cargo xtask plugins` builds them")
}
