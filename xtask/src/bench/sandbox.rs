use crate::plugins;
use crate::workspace::Workspace;
use anyhow::Result;

/// Builds the providers and the bench, and runs it.
///
/// # Errors
/// Where something does not build, or a figure is beyond its bound.
pub(super) fn run(workspace: &Workspace) -> Result<()> {
    plugins::build(workspace)?;
    workspace.run(&mut workspace.cargo(["bench", "-p", "judge-host", "--bench", "sandbox"]))
}
