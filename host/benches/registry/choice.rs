//! What choosing a record's candidates costs, and whether the right one is among them.

use super::example;
use super::file;
use super::made::Maker;
use anyhow::{Result, anyhow, ensure};
use judge_host::model::{Fault, Record};
use judge_host::registry::{Registry, Snapshot};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Candidates to choose: as many as a prompt holds by default.
pub(crate) const CANDIDATES: usize = 20;
/// Of the example's records every so many-th is asked for, which is two of each intent or three: enough for a median.
const STEP: usize = 8;
/// Questions asked first, so that the rest find the index in the cores' caches as far as it fits.
const WARM_UP: usize = 20;
/// No cluster is born in a run here.
const BORN_AFTER: u64 = u64::MAX;

/// Asked where any question will do: it has rare words and frequent ones.
const QUESTION: &str = "When will my new card arrive?";

/// Chooses the candidates of one record, which builds the index of words or waits until it is built.
pub(crate) fn choose(snapshot: &Snapshot) -> Result<()> {
    let candidates = chosen(snapshot, &Record::new("1", QUESTION))?;
    ensure!(candidates.len() == CANDIDATES, "the registry has too few clusters: {}", snapshot.len());
    Ok(())
}

/// The time of each choice out of so many clusters.
pub(crate) fn times(maker: &Maker, clusters: u64) -> Result<Vec<Duration>> {
    let registry = Registry::open_read_only(&file::registry(maker, clusters, 0)?)?;
    let (snapshot, records) = (registry.snapshot(), records()?);
    records.iter().take(WARM_UP).try_for_each(|(record, _)| chosen(&snapshot, record).map(drop))?;
    let time = |(record, _): &(Record, String)| {
        let begun = Instant::now();
        black_box(chosen(&snapshot, record)?);
        Ok(begun.elapsed())
    };
    records.iter().step_by(STEP).map(time).collect()
}

/// How many of the example's records are shown the intent that people gave them among the candidates, and how many
/// records there are.
pub(crate) async fn found() -> Result<(usize, usize)> {
    let registry = Registry::temporary()?;
    registry.upsert(example::clusters()?).await?;
    let (snapshot, records) = (registry.snapshot(), records()?);
    let mut found = 0;
    for (record, label) in &records {
        found += usize::from(chosen(&snapshot, record)?.contains(label));
    }
    Ok((found, records.len()))
}

/// The ids of a record's candidates.
fn chosen(snapshot: &Snapshot, record: &Record) -> Result<Vec<String>> {
    let chosen = snapshot.candidates(record, CANDIDATES, BORN_AFTER).map_err(|fault: Fault| anyhow!(fault.message))?;
    Ok(chosen.iter().map(|cluster| cluster.cluster_id.clone()).collect())
}

/// The example's records as a source reads them, and their labels.
fn records() -> Result<Vec<(Record, String)>> {
    let labelled = example::records()?.into_iter();
    Ok(labelled.map(|record| (Record::new(record.request_id, record.text), record.label)).collect())
}
