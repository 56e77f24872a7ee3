use crate::workspace::Workspace;
use anyhow::Result;

/// What `cargo xtask bench registry` takes.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Parts to measure: readers, candidates, recall, start-up [default: all]
    parts: Vec<String>,
}

/// Builds the bench and runs it. Its registries stay in the build folder, 5 GB of them, for the next time.
///
/// # Errors
/// Where it does not build, or a figure is beyond its bound.
pub(super) fn run(workspace: &Workspace, flags: &Flags) -> Result<()> {
    let mut bench = workspace.cargo(["bench", "-p", "judge-host", "--bench", "registry", "--"]);
    workspace.run(bench.args(&flags.parts))
}
