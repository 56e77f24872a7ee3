//! The only build logic: what must be built before what, and what runs with it. Everything is started as plain
//! `cargo` commands, each shown before it runs, so that nobody needs this to build by hand.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

mod bench;
mod demo;
mod deny;
mod fuzz;
mod plugins;
mod servers;
mod test;
mod torture;
mod twins;
mod wasm_target;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use workspace::Workspace;

/// Builds, shows and tests judge-host.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Flags {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build every provider below guest-providers/ into plugins/
    Plugins,
    /// Judge 1,540 real records without any server: builds the providers and the host first
    Demo(demo::Flags),
    /// Build what the tests need, and run all of them
    Test(test::Flags),
    /// Check the licences, sources and advisories of all dependencies against deny.toml
    Deny(deny::Flags),
    /// Fuzz the reading of answers; needs the nightly compiler and cargo-fuzz
    Fuzz(fuzz::Flags),
    /// Kill runs at random moments, and show that nothing is lost, doubled or paid twice
    Torture(torture::Flags),
    /// Show that records judged at once end in the clusters that they make one after the other
    Twins(twins::Flags),
    /// Measure the host against a fake server that answers after 50 ms
    Bench(bench::Flags),
}

fn main() -> ExitCode {
    let workspace = Workspace::of_environment();
    let done = match Flags::parse().task {
        Task::Plugins => plugins::build(&workspace),
        Task::Demo(flags) => demo::run(&workspace, &flags),
        Task::Test(flags) => test::run(&workspace, &flags),
        Task::Deny(flags) => deny::run(&workspace, &flags),
        Task::Fuzz(flags) => fuzz::run(&workspace, &flags),
        Task::Torture(flags) => torture::run(&workspace, &flags),
        Task::Twins(flags) => twins::run(&workspace, &flags),
        Task::Bench(flags) => bench::run(&workspace, &flags),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Flags;
    use clap::CommandFactory;

    #[test]
    fn flags_are_consistent() {
        Flags::command().debug_assert();
    }
}
