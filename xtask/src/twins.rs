use crate::plugins;
use crate::workspace::Workspace;
use anyhow::Result;

/// What `cargo xtask twins` takes.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Records; past the example's 1,540 they come again under other ids
    #[arg(long, default_value_t = 2000)]
    records: u32,
    /// Records in flight at once, where they are not judged one after the other
    #[arg(long, default_value_t = 64)]
    parallel: u32,
    /// Milliseconds that the fake server takes for an answer
    #[arg(long, default_value_t = 20)]
    delay_ms: u32,
}

/// Builds all that is needed, and compares the clusters that runs end with, sequential and parallel.
///
/// # Errors
/// Where something does not build, or a parallel run ends with other clusters than the sequential one.
pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Result<()> {
    plugins::build(workspace)?;
    workspace.run(&mut workspace.cargo(["build", "--release", "-p", "judge-host", "-p", "judge-host-kit"]))?;
    let mut twins = workspace.command(workspace.release_binary("twins"));
    twins.arg("--host").arg(workspace.release_host()).args(["--providers", "plugins"]);
    for (flag, number) in [("--records", flags.records), ("--parallel", flags.parallel), ("--delay-ms", flags.delay_ms)]
    {
        twins.args([flag, &number.to_string()]);
    }
    workspace.run(&mut twins)
}
