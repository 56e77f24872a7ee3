mod compare;
mod memory;
mod registry;
mod sandbox;

use crate::plugins;
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const RECORDS: &str = "examples/banking77/records.jsonl";
const CLUSTERS: &str = "examples/banking77/clusters.jsonl";

/// What `cargo xtask bench` takes.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Flags {
    /// Limits of records in flight to measure, in this order
    #[arg(long, default_value = "1,5,64,512")]
    parallel: String,
    /// Records to judge at each limit
    #[arg(long, default_value_t = 1000)]
    limit: u32,
    /// How long the fake server takes for an answer, in milliseconds
    #[arg(long, default_value_t = 50)]
    delay_ms: u32,
    /// Further flags for `judge-host bench`, after `--`, such as `--json`
    #[arg(last = true)]
    args: Vec<String>,
    #[command(subcommand)]
    other: Option<Other>,
}

/// What else there is to measure.
#[derive(clap::Subcommand)]
enum Other {
    /// Measure the memory and the work of a run of a million records against one of ten thousand
    Memory(memory::Flags),
    /// Measure the registry by its size, up to a million clusters and ten million assignments
    Registry(registry::Flags),
    /// Measure what the sandbox costs: calls beside the same code native, instances, limits, and the start of a host
    Sandbox,
}

/// Runs one of the other benches where that was asked for. Else builds all that is needed, runs `judge-host bench` against
/// a fake server of this machine, and then compares the host with a plain `reqwest` loop at the highest limit.
///
/// # Errors
/// Where something does not build, the server does not start, the host fails, or a figure is beyond its bound.
pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Result<()> {
    match &flags.other {
        Some(Other::Memory(flags)) => return memory::run(workspace, flags),
        Some(Other::Registry(flags)) => return registry::run(workspace, flags),
        Some(Other::Sandbox) => return sandbox::run(workspace),
        None => {}
    }
    plugins::build(workspace)?;
    workspace.run(&mut workspace.cargo(["build", "--release", "-p", "judge-host", "-p", "judge-host-kit"]))?;

    let mut server = Server::start(workspace, flags.delay_ms)?;
    let measured = workspace
        .run(
            host(workspace, &server.url, RECORDS.as_ref(), CLUSTERS.as_ref())
                .args(["--limit", &flags.limit.to_string(), "--parallel", &flags.parallel])
                .args(&flags.args),
        )
        .and_then(|()| compare::run(workspace, &server.url, &flags.parallel));
    server.stop();
    measured
}

/// `judge-host bench` with the provider that the fake server understands.
fn host(workspace: &Workspace, url: &str, records: &Path, clusters: &Path) -> Command {
    let mut bench = workspace.command(workspace.release_host());
    bench.args(["--quiet", "--providers", "plugins", "bench"]).arg(records).arg("--clusters").arg(clusters);
    bench.args(["--provider", "openai", "--model", "fake", "--endpoint", url]);
    bench
}

/// The kit's fake server, running.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    /// Starts it on a free port. It ends by itself when its input does, so it cannot outlive us.
    fn start(workspace: &Workspace, delay_ms: u32) -> Result<Self> {
        let mut process = workspace
            .command(workspace.release_binary("fake-llm"))
            .args(["--port", "0", "--delay-ms", &delay_ms.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the fake server")?;
        let mut url = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut url).context("cannot read the fake server's address")?;
        }
        ensure!(url.starts_with("http://"), "the fake server ended without telling its address");
        Ok(Server { process, url: url.trim().to_owned() })
    }

    fn stop(&mut self) {
        drop(self.process.stdin.take());
        if let Err(error) = self.process.wait() {
            eprintln!("the fake server did not end: {error}");
        }
    }
}
