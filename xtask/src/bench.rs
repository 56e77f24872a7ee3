mod compare;
mod memory;
mod registry;
mod sandbox;

use crate::plugins;
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const RECORDS: &str = "examples/banking77/records.jsonl";
const CLUSTERS: &str = "examples/banking77/clusters.jsonl";

/// The example's records, so often: some seconds at the highest limit, in which starting up does not show.
const COPIES: usize = 6;

/// What `cargo xtask bench` takes.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Flags {
    /// Limits of records in flight to measure, in this order
    #[arg(long, default_value = "1,5,64,512")]
    parallel: String,
    /// Records to judge at each limit, at most 9,240
    #[arg(long, default_value_t = 1000)]
    limit: u32,
    /// How long the fake server takes for an answer, in milliseconds
    #[arg(long, default_value_t = 50)]
    delay_ms: u32,
    /// How much longer it takes for each other call that it works on meanwhile, in microseconds, as a GPU does; then the host
    /// is not compared with a plain loop
    #[arg(long, default_value_t = 0)]
    delay_per_call_us: u32,
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

    let mut server = Server::start(workspace, flags.delay_ms, flags.delay_per_call_us)?;
    let measured = measure(workspace, &server.url, flags);
    server.stop();
    measured
}

fn measure(workspace: &Workspace, url: &str, flags: &Flags) -> Result<()> {
    let (records, _) = copies(workspace)?;
    let mut bench = host(workspace, url, &records, CLUSTERS.as_ref());
    bench.args(["--limit", &flags.limit.to_string(), "--parallel", &flags.parallel]).args(&flags.args);
    workspace.run(&mut bench)?;
    if flags.delay_per_call_us > 0 { Ok(()) } else { compare::run(workspace, url, &flags.parallel) }
}

/// A file of the example's records several times, each time under ids of its own; how many that are.
fn copies(workspace: &Workspace) -> Result<(PathBuf, usize)> {
    let (example, folder) = (workspace.path(RECORDS), workspace.target("bench"));
    let copies = folder.join("records.jsonl");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let text = fs::read_to_string(&example).with_context(|| format!("cannot read {}", example.display()))?;
    let mut lines = Vec::new();
    for copy in 0..COPIES {
        for line in text.lines() {
            let mut record: serde_json::Value = serde_json::from_str(line).context("a record of the example")?;
            record["request_id"] = format!("{}-{copy}", record["request_id"].as_str().unwrap_or_default()).into();
            lines.push(record.to_string());
        }
    }
    fs::write(&copies, lines.join("\n")).with_context(|| format!("cannot write {}", copies.display()))?;
    Ok((copies, lines.len()))
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
    fn start(workspace: &Workspace, delay_ms: u32, delay_per_call_us: u32) -> Result<Self> {
        let mut process = workspace
            .command(workspace.release_binary("fake-llm"))
            .args(["--port", "0", "--delay-ms", &delay_ms.to_string()])
            .args(["--delay-per-call-us", &delay_per_call_us.to_string()])
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
