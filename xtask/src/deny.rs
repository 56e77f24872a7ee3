use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use std::process::Command;

/// The cargo-deny that the rules were written for.
const VERSION: &str = "0.20.2";

/// What can be checked from the lock file and the crates alone.
const OFFLINE: [&str; 3] = ["bans", "licenses", "sources"];

/// What cargo-deny says where the database of advisories cannot be had.
const NOT_FETCHED: &str = "failed to fetch advisory database";

/// What `cargo xtask deny` takes.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Go on where the database of advisories cannot be fetched from github.com: then they are not checked
    #[arg(long)]
    without_advisories: bool,
}

/// Checks the dependencies against deny.toml: licences, bans, sources and advisories. Takes the cargo-deny that is installed,
/// or builds one into the build folder, once.
///
/// # Errors
/// Where a rule is broken, the advisories cannot be had, or cargo-deny cannot be built.
pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Result<()> {
    let deny = provide(workspace)?;
    workspace.run(workspace.command(&deny).args(["check"]).args(OFFLINE))?;
    let mut advisories = workspace.command(&deny);
    let output = advisories.args(["check", "advisories"]).output().context("cannot start cargo-deny")?;
    let told = String::from_utf8_lossy(&output.stderr);
    if flags.without_advisories && !output.status.success() && told.contains(NOT_FETCHED) {
        eprintln!("note: advisories are not checked: their database, on github.com, cannot be fetched from here");
        return Ok(());
    }
    eprint!("{told}");
    ensure!(
        output.status.success(),
        "an advisory stands against a dependency, or their database cannot be fetched (`--without-advisories` goes on)"
    );
    Ok(())
}

/// The program, built where there is none.
fn provide(workspace: &Workspace) -> Result<PathBuf> {
    let installed = Command::new("cargo-deny").arg("--version").output();
    if installed.is_ok_and(|output| output.status.success()) {
        return Ok("cargo-deny".into());
    }
    let root = workspace.target("tools");
    let built = root.join("bin/cargo-deny").with_extension(std::env::consts::EXE_EXTENSION);
    if !built.is_file() {
        let mut install = workspace.command("cargo");
        // It runs for seconds, so it is not worth minutes of optimising.
        install.args(["install", "--locked", "--debug", "cargo-deny", "--version", VERSION, "--root"]).arg(&root);
        workspace.run(&mut install)?;
    }
    Ok(built)
}
