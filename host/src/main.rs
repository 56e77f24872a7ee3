//! The binary: flags to an exit code. stdout is data, stderr is talk.

#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
