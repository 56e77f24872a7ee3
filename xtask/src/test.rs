use crate::plugins;
use crate::servers;
use crate::torture;
use crate::wasm_target::WASI_TARGET;
use crate::workspace::Workspace;
use anyhow::Result;

/// The component that misbehaves on command.
const MISBEHAVING: &str = "guest-misbehaving";

/// A provider outside the workspace, as somebody else would write it.
const CUSTOM: &str = "examples/custom-provider/Cargo.toml";

/// What `cargo xtask test` takes.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Leave out the tests against real servers, which come from PyPI
    #[arg(long)]
    no_servers: bool,
    /// Further arguments for `cargo test`, after `--`: a name to filter by, `-p PACKAGE`, `-- --nocapture`
    #[arg(last = true)]
    args: Vec<String>,
}

/// Builds components and binaries, then runs all tests: units, documentation and end to end.
///
/// # Errors
/// Where something does not build, or a test fails.
pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Result<()> {
    plugins::build(workspace)?;
    let guests = workspace.target("test-guests");
    plugins::build_with_wasi(workspace, MISBEHAVING, &guests.join("guest_misbehaving.wasm"))?;
    workspace.run(&mut workspace.cargo(["build", "--release", "--target", WASI_TARGET, "--manifest-path", CUSTOM]))?;
    let custom = workspace.target(&format!("{WASI_TARGET}/release/custom_provider.wasm"));
    plugins::install_file(&custom, &guests.join("custom_provider.wasm"))?;

    // The end-to-end tests run these; cargo does not build another package's binaries for a test by itself. With the
    // tests in the same call both are built of the same dependencies, once.
    workspace.run(&mut workspace.cargo(["build", "--workspace", "--bins", "--tests"]))?;
    let mut test = workspace.cargo(["test", "--workspace"]);
    test.env("JUDGE_HOST_TEST_PLUGINS", workspace.path("plugins")).env("JUDGE_HOST_TEST_GUESTS", guests);
    test.env(
        "JUDGE_HOST_TEST_BIN",
        workspace.target("debug/judge-host").with_extension(std::env::consts::EXE_EXTENSION),
    );
    if flags.no_servers {
        servers::leave_out(&mut test);
    } else {
        servers::provide(workspace, &mut test);
    }
    workspace.run(test.args(&flags.args))?;
    // Part of the whole, and of nothing that was asked for by name.
    if flags.args.is_empty() { torture::briefly(workspace) } else { Ok(()) }
}
