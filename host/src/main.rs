//! The binary: flags to an exit code. stdout is data, stderr is talk.

#![forbid(unsafe_code)]

mod cli;

/// Records are made of many short strings, and guests take and give them by the hundred: with many in flight the system's
/// allocator shows in a profile, and this one less.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
