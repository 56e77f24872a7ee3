use crate::plugins;
use crate::workspace::Workspace;
use anyhow::Result;

/// What `cargo xtask torture` takes.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Kills in all
    #[arg(long, default_value_t = 1000)]
    kills: u32,
    /// What the moments of the kills are drawn from; the same seed draws the same
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Further flags for the program, after `--`: --records N, --parallel N, --durability fast
    #[arg(last = true)]
    args: Vec<String>,
}

/// Kills in the short form, which is part of the tests.
const KILLS_BRIEF: u32 = 25;

/// The short form, with the debug build that the tests have made.
///
/// # Errors
/// Where anything is lost, doubled or paid too often.
pub(crate) fn briefly(workspace: &Workspace) -> Result<()> {
    let debug = |name: &str| workspace.target(&format!("debug/{name}")).with_extension(std::env::consts::EXE_EXTENSION);
    let mut torture = workspace.command(debug("torture"));
    torture.arg("--host").arg(debug("judge-host")).args(["--providers", "plugins"]);
    workspace.run(torture.args(["--kills", &KILLS_BRIEF.to_string()]))
}

/// Builds all that is needed, and kills runs at random moments until they are done.
///
/// # Errors
/// Where something does not build, or anything is lost, doubled or paid too often.
pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Result<()> {
    plugins::build(workspace)?;
    workspace.run(&mut workspace.cargo(["build", "--release", "-p", "judge-host", "-p", "judge-host-kit"]))?;
    let mut torture = workspace.command(workspace.release_binary("torture"));
    torture.arg("--host").arg(workspace.release_host()).args(["--providers", "plugins"]);
    torture.args(["--kills", &flags.kills.to_string(), "--seed", &flags.seed.to_string()]);
    workspace.run(torture.args(&flags.args))
}
