//! The host beside a plain `reqwest` loop that sends the host's first request over and over: what judging costs above
//! sending. With more candidates than a prompt holds, each record's prompt is another; with fewer, all prompts begin
//! alike. The two cost the host differently, so both are measured.

use super::{CLUSTERS, copies, host};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Rounds of host and bare loop, in turns; the median counts.
const ROUNDS: usize = 5;
/// As many clusters as a prompt holds by default.
const CLUSTERS_THAT_FIT: usize = 20;

/// Measures both at the highest of these limits.
///
/// # Errors
/// Where no limit is a number, or the host or the loop fails.
pub(super) fn run(workspace: &Workspace, url: &str, parallel: &str) -> Result<()> {
    let limits = parallel.split(',').filter_map(|limit| limit.trim().parse::<usize>().ok());
    let highest = limits.max().context("no limit to compare at")?;
    let (records, count) = copies(workspace)?;
    let clusters = records.with_file_name("clusters.jsonl");
    write_first(&workspace.path(CLUSTERS), &clusters)?;
    println!(
        "\nHost and bare reqwest loop at {highest} in flight, {count} records, medians of {ROUNDS} rounds in turns:"
    );
    for (name, clusters) in [("all clusters fit", clusters.as_path()), ("chosen per record", CLUSTERS.as_ref())] {
        let requested = request(workspace, url, &records, clusters)?;
        let mut bare = workspace.command(workspace.release_binary("bare-loop"));
        bare.args([count.to_string(), highest.to_string()]);
        let mut ours = host(workspace, url, &records, clusters);
        ours.args(["--limit", &count.to_string(), "--parallel", &highest.to_string(), "--json"]);
        let rounds = Rounds::measured(workspace, &mut ours, &mut bare, &requested)?;
        println!("  {name:<18} prompts of {:>2} KB: {rounds}", requested.len() / 1024);
    }
    Ok(())
}

fn write_first(example: &Path, first: &Path) -> Result<()> {
    let text = fs::read_to_string(example).with_context(|| format!("cannot read {}", example.display()))?;
    let lines: Vec<&str> = text.lines().take(CLUSTERS_THAT_FIT).collect();
    fs::write(first, lines.join("\n")).with_context(|| format!("cannot write {}", first.display()))
}

/// The first request, as `--dry-run` prints it.
fn request(workspace: &Workspace, url: &str, records: &Path, clusters: &Path) -> Result<Vec<u8>> {
    let mut dry = workspace.command(workspace.release_host());
    dry.args(["--providers", "plugins", "judge"]).arg(records).arg("--clusters").arg(clusters);
    dry.args(["--provider", "openai", "--model", "fake", "--endpoint", url]);
    dry.args(["--registry", "no-such.db", "--dry-run"]);
    workspace.output(&mut dry, &[])
}

/// Wall times in seconds, and the host's records a second as a share of the loop's.
struct Rounds {
    host_s: Vec<f64>,
    bare_s: Vec<f64>,
    shares: Vec<f64>,
}

impl Rounds {
    fn measured(workspace: &Workspace, host: &mut Command, bare: &mut Command, request: &[u8]) -> Result<Self> {
        let mut rounds = Rounds { host_s: Vec::new(), bare_s: Vec::new(), shares: Vec::new() };
        for _ in 0..ROUNDS {
            let report: serde_json::Value =
                serde_json::from_slice(&workspace.output(host, &[])?).context("the bench's JSON")?;
            let host_s = report["levels"][0]["wall_s"].as_f64().context("no wall time in the bench's JSON")?;
            let bare_s: f64 = String::from_utf8(workspace.output(bare, request)?)?.trim().parse()?;
            rounds.host_s.push(host_s);
            rounds.bare_s.push(bare_s);
            rounds.shares.push(bare_s / host_s);
        }
        for values in [&mut rounds.host_s, &mut rounds.bare_s, &mut rounds.shares] {
            values.sort_by(f64::total_cmp);
        }
        Ok(rounds)
    }
}

impl std::fmt::Display for Rounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let middle = ROUNDS / 2;
        write!(
            f,
            "host {:.3} s, bare loop {:.3} s; the host reaches {:.2} of it (from {:.2} to {:.2})",
            self.host_s[middle],
            self.bare_s[middle],
            self.shares[middle],
            self.shares[0],
            self.shares[ROUNDS - 1],
        )
    }
}
