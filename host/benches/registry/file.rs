//! Registries on the disk, of any size within a minute: written by SQL in one transaction rather than commit by commit.
//! They stay in the build folder for the next time.

use super::made::Maker;
use anyhow::{Context, Result};
use judge_host::registry::{Registry, recent_counts_min};
use rusqlite::{Connection, params};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What the connection that writes may keep of the file in memory: ids come in no order, and their index should not be
/// read from the disk over and over.
const CACHE_KIB: i64 = 2 * 1024 * 1024;

/// The batch that all assignments are of.
pub(crate) const BATCH: &str = "bench";

/// What stands for a component's and a request's SHA-256.
pub(crate) const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

const CLUSTER: &str = "INSERT INTO cluster_texts (ordinal, cluster_id, name, summary, criteria, sample_requests, created_at, \
    updated_at, status, batch_id, llm_reasoning, revision, birth_epoch) \
    VALUES (?, ?, ?, '', '', ?, ?, ?, 'confirmed', '', '', 1, 1)";

/// With a time, as each has that was ever assigned to: without one the row would grow by the first count that is folded,
/// and its page be divided.
const COUNT: &str = "INSERT INTO counts (ordinal, count, counted_at) VALUES (?, ?, 1767225600000)";

/// Counts that are still to be folded, as many as a fold begins with: so what is measured has its share of one.
const RECENT: &str = "INSERT INTO recent_counts (seq, counted_at, counts) VALUES (?, 1767225600000, ?)";

/// Counts that a group of commits appends in one row.
const RECENT_A_ROW: u64 = 256;

const OUTCOME: &str = "INSERT INTO outcomes (batch_id, request_id, slice_id, decision, cluster_id, confidence, rationale, \
    provider, model, component_digest, request_hash, epoch, attempts, latency_us, input_tokens, output_tokens) \
    SELECT ?1, ?2, 0, 'assign', cluster_id, 'high', 'asks for what the samples ask for', 'openai', 'gpt', ?3, ?3, 1, 1, \
    50000, 900, 40 FROM cluster_texts WHERE ordinal = ?4";

/// The folder of the bench's files, beside the program in cargo's build folder.
pub(crate) fn folder() -> Result<PathBuf> {
    let program = std::env::current_exe().context("where is this program?")?;
    // It lies in `<target>/release/deps`.
    let target = program.ancestors().nth(3).context("this program lies in no build folder")?;
    let folder = target.join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// A registry of so many clusters and assignments: the one from last time if it still has today's layout, else a new one.
pub(crate) fn registry(maker: &Maker, clusters: u64, assignments: u64) -> Result<PathBuf> {
    let path = folder()?.join(format!("counted-{clusters}-{assignments}.db"));
    if path.exists() && layout(&path)? == layout_today()? {
        return Ok(path);
    }
    eprintln!("making {} ...", path.display());
    let unfinished = path.with_extension("unfinished.db");
    let outdated = [&path, &unfinished].map(|path| ["", "-wal", "-shm", ".lock"].map(|end| beside(path, end)));
    for file in outdated.iter().flatten().filter(|file| file.exists()) {
        fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    drop(Registry::open(&unfinished)?);
    fill(&unfinished, maker, clusters, assignments).context("cannot write a registry by SQL")?;
    fs::rename(&unfinished, &path).context("cannot rename the registry that was made")?;
    fs::remove_file(beside(&unfinished, ".lock")).context("cannot remove the lock of the registry that was made")?;
    Ok(path)
}

/// A copy to change, gone with its folder.
pub(crate) fn copy(path: &Path) -> Result<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir_in(folder()?).context("cannot make a temporary folder")?;
    let copy = folder.path().join("registry.db");
    fs::copy(path, &copy).with_context(|| format!("cannot copy {}", path.display()))?;
    // Else the first commits would wait until the system has written the copy.
    fs::File::open(&copy).and_then(|copied| copied.sync_all()).context("cannot sync the copy")?;
    Ok((folder, copy))
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// What is laid out in the file, as SQLite tells it.
fn layout(path: &Path) -> rusqlite::Result<Option<String>> {
    Connection::open(path)?.query_row("SELECT group_concat(sql, ';') FROM sqlite_schema", [], |row| row.get(0))
}

fn layout_today() -> Result<Option<String>> {
    Ok(layout(Registry::temporary()?.path())?)
}

fn fill(path: &Path, maker: &Maker, clusters: u64, assignments: u64) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // Nobody else has this file, and a half-written one is made anew.
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    let transaction = connection.transaction()?;
    let mut rng = fastrand::Rng::with_seed(assignments);
    let assigned: Vec<u64> = (0..assignments).map(|_| rng.u64(..clusters)).collect();
    fill_clusters(&transaction, maker, clusters, &assigned)?;
    fill_outcomes(&transaction, &assigned)?;
    transaction.execute("UPDATE registry SET epoch = 1", [])?;
    transaction.commit()?;
    connection.pragma_update(None, "journal_mode", "WAL")
}

fn fill_clusters(connection: &Connection, maker: &Maker, clusters: u64, assigned: &[u64]) -> rusqlite::Result<()> {
    let mut counts = HashMap::<u64, u64>::new();
    for ordinal in assigned {
        *counts.entry(*ordinal).or_default() += 1;
    }
    let (mut insert, mut insert_count) = (connection.prepare(CLUSTER)?, connection.prepare(COUNT)?);
    for ordinal in 0..clusters {
        let cluster = maker.cluster(ordinal);
        let samples = serde_json::Value::from(cluster.sample_requests).to_string();
        let (created, updated) = (cluster.created_at, cluster.updated_at);
        let count = signed(counts.get(&ordinal).copied().unwrap_or(0));
        insert.execute(params![signed(ordinal), cluster.cluster_id, cluster.name, samples, created, updated])?;
        insert_count.execute(params![signed(ordinal), count])?;
    }
    let mut insert_recent = connection.prepare(RECENT)?;
    let mut rng = fastrand::Rng::with_seed(clusters);
    let mut appended = 0;
    while appended < recent_counts_min(clusters) {
        let counted = (0..RECENT_A_ROW).map(|_| rng.u64(..clusters));
        let row = counted.map(|ordinal| (ordinal.to_string(), counts.get(&ordinal).copied().unwrap_or(0).into()));
        let row: serde_json::Map<String, serde_json::Value> = row.collect();
        appended += row.len() as u64;
        insert_recent.execute(params![signed(appended), serde_json::Value::from(row).to_string()])?;
    }
    Ok(())
}

fn fill_outcomes(connection: &Connection, assigned: &[u64]) -> rusqlite::Result<()> {
    let mut insert = connection.prepare(OUTCOME)?;
    for (number, ordinal) in assigned.iter().enumerate() {
        insert.execute(params![BATCH, format!("earlier-{number:08}"), DIGEST, signed(*ordinal)])?;
    }
    Ok(())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("no file holds more")
}
