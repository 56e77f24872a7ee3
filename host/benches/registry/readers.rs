//! What a reader and a writer pay while both are at work, by the number of clusters.
//!
//! Readers pause between batches of loads, as jobs wait for their servers between theirs: eight that never pause would
//! measure how the system shares few cores. A batch is timed whole, and the median taken, so that one that the system
//! interrupted does not count.

use super::choice;
use super::file;
use super::made::Maker;
use super::numbers::median;
use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use judge_host::model::{Cluster, Confidence, Decision, Judged, Outcome, Usage};
use judge_host::registry::Registry;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Loads that are timed together.
const LOADS: u32 = 1000;
/// A reader's pause between two batches.
pub(crate) const PAUSE: Duration = Duration::from_millis(1);

/// A registry with so many clusters, to be written to and read from.
pub(crate) struct Bed {
    registry: Registry,
    clusters: Vec<Arc<Cluster>>,
    /// Assignments so far: each is a record of its own.
    assignments: u64,
    rng: fastrand::Rng,
    runtime: Runtime,
    _folder: TempDir,
}

/// How assignments come in one measurement.
#[derive(Clone, Copy)]
pub(crate) struct Traffic {
    /// Those that wait for their answers at any time.
    pub(crate) in_flight: usize,
    /// All together.
    pub(crate) assignments: u32,
}

/// One measurement.
#[derive(Clone, Copy)]
pub(crate) struct Costs {
    /// Of one `snapshot()`.
    pub(crate) snapshot: Duration,
    /// Of one assignment, from the first that is handed in to the last that is answered.
    pub(crate) assignment: Duration,
}

impl Bed {
    pub(crate) fn of(maker: &Maker, clusters: u64) -> Result<Bed> {
        let (folder, path) = file::copy(&file::registry(maker, clusters, 0)?)?;
        let registry = Registry::open(&path)?;
        // Else the index would be built in the background of the first rounds.
        choice::choose(&registry.snapshot())?;
        let clusters = registry.snapshot().iter().collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let rng = fastrand::Rng::with_seed(0);
        Ok(Bed { registry, clusters, assignments: 0, rng, runtime, _folder: folder })
    }

    pub(crate) fn clusters(&self) -> &[Arc<Cluster>] {
        &self.clusters
    }

    /// Commits assignments to clusters drawn evenly, beside so many readers. Evenly is the hardest: of many clusters,
    /// hardly two assignments of a group meet the same.
    pub(crate) fn measure(&mut self, readers: usize, traffic: Traffic) -> Result<Costs> {
        let Traffic { in_flight, assignments } = traffic;
        let outcomes: Vec<Outcome> = (0..assignments).map(|_| self.assignment()).collect();
        let (registry, runtime) = (&self.registry, &self.runtime);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let reading: Vec<_> = (0..readers).map(|_| scope.spawn(|| loads(registry, &is_over))).collect();
            let begun = Instant::now();
            let committing = stream::iter(outcomes)
                .map(|outcome| registry.record_assignment(outcome, None))
                .buffer_unordered(in_flight)
                .try_for_each(|_| std::future::ready(Ok(())));
            let committed = runtime.block_on(committing);
            let wall = begun.elapsed();
            is_over.store(true, Ordering::Relaxed);
            let batches = reading.into_iter().flat_map(|reader| reader.join().expect("a reader does not panic"));
            let snapshot = median(batches.collect()) / LOADS;
            committed?;
            Ok(Costs { snapshot, assignment: wall / assignments })
        })
    }

    fn assignment(&mut self) -> Outcome {
        self.assignments += 1;
        let cluster = &self.clusters[self.rng.usize(..self.clusters.len())];
        let judged = Judged {
            decision: Decision::Assign,
            cluster_id: Some(cluster.cluster_id.clone()),
            confidence: Confidence::High,
            rationale: "asks for what the samples ask for".into(),
            proposal: None,
        };
        Outcome {
            batch_id: file::BATCH.into(),
            slice_id: 0,
            request_id: format!("record-{:08}", self.assignments),
            result: Ok(judged),
            provider: "openai".into(),
            model: "gpt".into(),
            component_digest: file::DIGEST.into(),
            request_hash: file::DIGEST.into(),
            epoch: 1,
            attempts: 1,
            latency: Duration::from_millis(50),
            usage: Usage { input_tokens: Some(900), output_tokens: Some(40), ..Usage::default() },
            overtaken: false,
        }
    }
}

/// The times of batches of loads, until it is over; at least one.
fn loads(registry: &Registry, is_over: &AtomicBool) -> Vec<Duration> {
    let mut batches = Vec::new();
    loop {
        let begun = Instant::now();
        for _ in 0..LOADS {
            black_box(registry.snapshot());
        }
        batches.push(begun.elapsed());
        // Relaxed: a batch more or less is no matter.
        if is_over.load(Ordering::Relaxed) {
            return batches;
        }
        thread::sleep(PAUSE);
    }
}
