//! What the registry costs by its size, as one table with the bounds beside the figures.
//!
//! `cargo xtask bench registry`, or `cargo bench -p judge-host --bench registry -- candidates` for one part of it. A plain
//! program rather than a framework's: what is compared are medians of whole scenes (readers beside a writer, a process
//! that starts), at several sizes in turns, and the growth between sizes is what the bounds are on.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod choice;
mod example;
mod file;
#[path = "../shared/machine.rs"]
mod machine;
mod made;
#[path = "../shared/numbers.rs"]
mod numbers;
mod parts;
mod readers;
mod rivals;
mod start_up;
mod table;

use anyhow::{Result, bail};
use made::Maker;
use std::path::Path;
use std::process::ExitCode;
use table::Figures;

/// The allocator that the host has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A part, and what measures it.
type Part = (&'static str, fn(&Maker, &mut Figures) -> Result<()>);

const PARTS: [Part; 4] = [
    ("readers", parts::readers),
    ("candidates", parts::candidates),
    ("recall", parts::recall),
    ("start-up", parts::start_up),
];

fn main() -> ExitCode {
    // Cargo adds the first to whatever was given.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let done = match args.as_slice() {
        [word, path] if word == start_up::OPEN => start_up::open(Path::new(path)).map(|told| println!("{told}")),
        wanted => run(wanted),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures these parts, or all where none is named.
fn run(wanted: &[String]) -> Result<()> {
    if let Some(unknown) = wanted.iter().find(|name| PARTS.iter().all(|(part, _)| part != name)) {
        bail!("no part of this bench: `{unknown}`; there are {}", PARTS.map(|(part, _)| part).join(", "));
    }
    let maker = Maker::of_example()?;
    let mut figures = Figures::default();
    for (name, measure) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|part| part == name) {
            eprintln!("measuring {name} ...");
            measure(&maker, &mut figures)?;
        }
    }
    println!("{}\n{figures}", machine::described());
    let beyond = figures.beyond();
    if beyond.is_empty() { Ok(()) } else { bail!("beyond the bound: {}", beyond.join("; ")) }
}
