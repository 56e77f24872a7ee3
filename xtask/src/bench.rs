use crate::plugins;
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const RECORDS: &str = "examples/banking77/records.jsonl";
const CLUSTERS: &str = "examples/banking77/clusters.jsonl";

/// What `cargo xtask bench` takes.
#[derive(clap::Args)]
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
}

/// Rounds of host and bare loop at the highest limit, in turns; the median counts.
const ROUNDS: usize = 5;

/// Builds all that is needed, runs `judge-host bench` against a fake server of this machine, and then compares the
/// host with a plain `reqwest` loop at the highest limit.
///
/// # Errors
/// Where something does not build, the server does not start, or the host fails.
pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Result<()> {
    plugins::build(workspace)?;
    workspace.run(&mut workspace.cargo(["build", "--release", "-p", "judge-host", "-p", "judge-host-kit"]))?;

    let mut server = Server::start(workspace, flags.delay_ms)?;
    let measured = workspace
        .run(host(workspace, &server, flags, &flags.parallel).args(&flags.args))
        .and_then(|()| compare(workspace, &server, flags));
    server.stop();
    measured
}

/// `judge-host bench` on the example.
fn host(workspace: &Workspace, server: &Server, flags: &Flags, parallel: &str) -> Command {
    let mut bench = workspace.command(workspace.release_host());
    bench.args(["--quiet", "--providers", "plugins", "bench", RECORDS, "--clusters", CLUSTERS]);
    bench.args(["--provider", "openai", "--model", "fake", "--endpoint", &server.url]);
    bench.args(["--limit", &flags.limit.to_string(), "--parallel", parallel]);
    bench
}

/// What share of a bare loop's records a second the host reaches at the highest limit.
fn compare(workspace: &Workspace, server: &Server, flags: &Flags) -> Result<()> {
    let highest = flags.parallel.split(',').filter_map(|level| level.trim().parse::<usize>().ok()).max();
    let highest = highest.context("no limit to compare at")?.to_string();
    let mut dry = workspace.command(workspace.release_host());
    dry.args(["--providers", "plugins", "judge", RECORDS, "--clusters", CLUSTERS, "--provider", "openai"]);
    dry.args(["--model", "fake", "--endpoint", &server.url, "--registry", "no-such.db", "--dry-run"]);
    let request = workspace.output(&mut dry, &[])?;
    let mut bare = workspace.command(workspace.release_binary("bare-loop"));
    bare.args([&flags.limit.to_string(), &highest]);
    let (mut ours, mut theirs, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let report = workspace.output(host(workspace, server, flags, &highest).arg("--json"), &[])?;
        let report: serde_json::Value = serde_json::from_slice(&report).context("the bench's JSON")?;
        let host_s = report["levels"][0]["wall_s"].as_f64().context("no wall time in the bench's JSON")?;
        let bare_s: f64 = String::from_utf8(workspace.output(&mut bare, &request)?)?.trim().parse()?;
        ours.push(host_s);
        theirs.push(bare_s);
        shares.push(bare_s / host_s);
    }
    println!(
        "\nat {highest} in flight, {ROUNDS} rounds in turns, medians: host {:.3} s, bare reqwest loop {:.3} s; the host \
         reaches {:.2} of the bare loop (from {:.2} to {:.2})",
        median(&mut ours),
        median(&mut theirs),
        median(&mut shares),
        shares[0],
        shares[ROUNDS - 1],
    );
    Ok(())
}

/// The middle one; sorts on the way.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
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
