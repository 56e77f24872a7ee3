//! What a run holds and works: its peak memory may not grow with its records.

use super::Server;
use crate::plugins;
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

/// What `cargo xtask bench memory` takes.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Records of the long run
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Records in flight
    #[arg(long, default_value_t = 64)]
    parallel: usize,
}

/// Records of the short run, whose peak the long one's is held against.
const RECORDS_SHORT: u64 = 10_000;
/// How much higher the peak of the long run may be.
const GROWTH_MAX: f64 = 1.2;
const CLUSTERS: &str = "{\"id\":\"cards\",\"name\":\"Cards\",\"summary\":\"cards and their delivery\"}\n\
                        {\"id\":\"transfers\",\"name\":\"Transfers\",\"summary\":\"money sent and received\"}\n";

/// What the host told of one run.
#[derive(serde::Deserialize)]
struct Told {
    judged: u64,
    records_per_s: f64,
    cpu_ms_per_record: Option<f64>,
    memory_peak_mb: Option<f64>,
}

/// Judges a short input and a long one against a fake server that answers at once, and compares their peaks.
///
/// # Errors
/// Where something does not build, a run fails, or the long one's peak is beyond its bound.
pub(super) fn run(workspace: &Workspace, flags: &Flags) -> Result<()> {
    plugins::build(workspace)?;
    workspace.run(&mut workspace.cargo(["build", "--release", "-p", "judge-host", "-p", "judge-host-kit"]))?;
    let folder = workspace.target("bench/memory");
    fs::create_dir_all(&folder).context("cannot make the folder of the bench")?;
    let mut peaks = Vec::new();
    for records in [RECORDS_SHORT, flags.records] {
        let mut server = Server::start(workspace, 0, 0)?;
        let told = judge(workspace, &folder, &server.url, records, flags.parallel);
        server.stop();
        let Told { records_per_s, cpu_ms_per_record, memory_peak_mb, .. } = told?;
        let (cpu, peak) = (cpu_ms_per_record.unwrap_or_default(), memory_peak_mb.context("no peak was told")?);
        println!("{records} records: {records_per_s:.0} records/s, CPU {cpu:.2} ms a record, peak memory {peak:.0} MB");
        peaks.push(peak);
    }
    let growth = peaks[1] / peaks[0];
    println!("the peak grew {growth:.2}x, at most {GROWTH_MAX}x");
    ensure!(growth <= GROWTH_MAX, "memory grows with the records");
    Ok(())
}

fn judge(workspace: &Workspace, folder: &Path, url: &str, records: u64, parallel: usize) -> Result<Told> {
    let file = |name: &str| folder.join(name);
    for stale in ["judge.db", "judge.db-wal", "judge.db-shm", "rows.jsonl"] {
        // There may be none.
        let _ = fs::remove_file(file(stale));
    }
    fs::write(file("clusters.jsonl"), CLUSTERS)?;
    let mut input = BufWriter::new(File::create(file("records.jsonl"))?);
    for number in 0..records {
        writeln!(
            input,
            "{{\"id\":\"r{number}\",\"text\":\"where is card number {number}? It was sent two weeks ago\"}}"
        )?;
    }
    input.flush()?;
    let mut judge = workspace.command(workspace.release_host());
    judge.args(["--quiet", "--providers", "plugins", "judge"]).arg(file("records.jsonl"));
    judge.arg("--clusters").arg(file("clusters.jsonl")).arg("--registry").arg(file("judge.db"));
    judge.arg("--out").arg(file("rows.jsonl")).arg("--summary").arg(file("summary.json"));
    judge.args(["--provider", "openai", "--model", "fake", "--endpoint", url, "--parallel", &parallel.to_string()]);
    workspace.run(&mut judge)?;
    let told: Told =
        serde_json::from_slice(&fs::read(file("summary.json"))?).context("the summary is not understood")?;
    ensure!(told.judged == records, "{} of {records} records were judged", told.judged);
    Ok(told)
}
