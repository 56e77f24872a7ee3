//! One run of the host over the batch, from an empty registry, and what it ended with.

use crate::batch::Batch;
use crate::options::Options;
use anyhow::{Context, Result, ensure};
use judge_host_kit::{FakeLlm, Script};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use tokio::process::Command;

/// What is compared.
pub(crate) struct Made {
    pub(crate) clusters: usize,
    pub(crate) calls: u64,
    pub(crate) rejudged: u64,
    pub(crate) wall_s: f64,
    /// Records in a cluster of another intent than theirs.
    pub(crate) astray: usize,
}

#[derive(Deserialize)]
struct Summary {
    judged: usize,
    calls: u64,
    rejudged: u64,
    wall_s: f64,
}

#[derive(Deserialize)]
struct Row {
    request_id: String,
    cluster_id: Option<String>,
}

#[derive(Deserialize)]
struct Cluster {
    #[serde(rename = "cluster_id")]
    id: String,
    name: String,
    count: usize,
}

/// Runs the host in a folder of its own below this one.
pub(crate) async fn run(
    options: &Options,
    batch: &Batch,
    folder: &Path,
    births: &str,
    parallel: usize,
) -> Result<Made> {
    let oracle = batch.oracle.clone();
    let judge = Arc::new(move |asked: &_| oracle.answer(asked));
    let server = FakeLlm::start(Script { delay: options.delay, judge, ..Script::default() }).await;
    let own = folder.join(format!("{births}-{parallel}"));
    fs::create_dir_all(&own)?;
    fs::write(own.join("records.jsonl"), &batch.input)?;
    let mut judging = host(options, &own);
    judging.args(["--quiet", "judge", "records.jsonl", "--out", "rows.jsonl", "--summary", "summary.json"]);
    judging.args(["--provider", "openai", "--model", "fake", "--endpoint", &server.url(), "--setting", "probe=never"]);
    judging.args(["--births", births, "--parallel", &parallel.to_string()]);
    output(judging).await?;
    let listed = output({
        let mut listing = host(options, &own);
        listing.args(["registry", "list", "--json"]);
        listing
    })
    .await?;
    let made = compare(&own, &listed, batch)?;
    let asked = server.stats().calls;
    ensure!(made.calls == asked, "the host counts {} calls, and the server {asked}", made.calls);
    server.stop().await;
    Ok(made)
}

fn compare(own: &Path, listed: &str, batch: &Batch) -> Result<Made> {
    let summary: Summary = serde_json::from_str(&fs::read_to_string(own.join("summary.json"))?)?;
    let clusters: Vec<Cluster> = serde_json::from_str(listed).context("the list of clusters")?;
    let names: BTreeMap<_, _> = clusters.iter().map(|cluster| (&cluster.id, &cluster.name)).collect();
    let rows = fs::read_to_string(own.join("rows.jsonl"))?;
    let rows = rows.lines().map(serde_json::from_str::<Row>).collect::<Result<Vec<_>, _>>().context("a row")?;
    let is_right = |row: &&Row| {
        let name = row.cluster_id.as_ref().and_then(|id| names.get(id));
        name.is_some_and(|name| batch.oracle.is_right(&row.request_id, name))
    };
    let records = batch.input.lines().count();
    let counted: usize = clusters.iter().map(|cluster| cluster.count).sum();
    ensure!(
        [summary.judged, rows.len(), counted] == [records; 3],
        "of {records} records {} are judged, {} have a row, and {counted} are counted by clusters",
        summary.judged,
        rows.len(),
    );
    Ok(Made {
        clusters: clusters.len(),
        calls: summary.calls,
        rejudged: summary.rejudged,
        wall_s: summary.wall_s,
        astray: rows.len() - rows.iter().filter(is_right).count(),
    })
}

fn host(options: &Options, own: &Path) -> Command {
    let mut host = Command::new(&options.host);
    // Compiled providers are kept for the next run: a sibling of the runs' own folders.
    host.current_dir(own).env_clear().arg("--providers").arg(&options.providers).args(["--cache-dir", "../cache"]);
    host.stdin(Stdio::null()).kill_on_drop(true);
    host
}

async fn output(mut host: Command) -> Result<String> {
    let output = host.output().await.context("cannot start the host")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the host ended with {}: {said}", output.status);
    String::from_utf8(output.stdout).context("the host's output")
}
