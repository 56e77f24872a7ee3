//! Counts are the numbers of the records, whatever comes in which order, whenever the file is opened again or was cut off:
//! random histories, the same for a seed. In tests a fold begins after a few rows, so that it is met at every stage.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
use super::{ClusterDraft, Registry, RegistryError};
use crate::model::{Cluster, ClusterStatus, Confidence, Decision, Fault, FaultKind, Judged, Outcome, Proposal, Usage};
use futures_util::future::join_all;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const SEEDS: u64 = 6;
const STEPS: u32 = 150;
/// Few enough that records are judged again and again.
const RECORDS: u32 = 60;
const CLUSTERS: u32 = 12;

/// A registry, and what its counts have to be beyond its records.
struct History {
    rng: fastrand::Rng,
    folder: tempfile::TempDir,
    registry: Option<Registry>,
    /// What clusters were imported with; a merge moves it.
    imported: BTreeMap<String, u64>,
    copies: u32,
}

impl History {
    fn of(seed: u64) -> History {
        let folder = tempfile::tempdir().unwrap();
        let registry = Some(Registry::open(&folder.path().join("judge.db")).unwrap());
        History { rng: fastrand::Rng::with_seed(seed), folder, registry, imported: BTreeMap::new(), copies: 0 }
    }

    fn registry(&self) -> &Registry {
        self.registry.as_ref().unwrap()
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("judge.db")
    }

    /// A cluster that is there.
    fn cluster(&mut self) -> Option<Arc<Cluster>> {
        let clusters: Vec<_> = self.registry().snapshot().iter().collect();
        (!clusters.is_empty()).then(|| Arc::clone(&clusters[self.rng.usize(..clusters.len())]))
    }

    fn result(&mut self) -> Result<Judged, Fault> {
        let judged = |decision, cluster_id, proposal| Judged {
            decision,
            cluster_id,
            confidence: Confidence::High,
            rationale: String::new(),
            proposal,
        };
        match (self.rng.u32(..10), self.cluster()) {
            (0, _) => Err(Fault::new(FaultKind::Other, "x")),
            (1, _) | (_, None) => Ok(judged(Decision::Skip, None, None)),
            (2, _) => {
                let name = format!("born {}", self.rng.u32(..CLUSTERS));
                let proposal = Proposal { name, summary: String::new(), criteria: String::new() };
                Ok(judged(Decision::NewCluster, None, Some(proposal)))
            }
            (_, Some(cluster)) => Ok(judged(Decision::Assign, Some(cluster.cluster_id.clone()), None)),
        }
    }

    fn outcome(&mut self) -> Outcome {
        Outcome {
            batch_id: "b".into(),
            slice_id: 0,
            request_id: self.rng.u32(..RECORDS).to_string(),
            result: self.result(),
            provider: String::new(),
            model: String::new(),
            component_digest: String::new(),
            request_hash: String::new(),
            epoch: 1,
            attempts: 1,
            latency: Duration::ZERO,
            usage: Usage::default(),
            overtaken: false,
        }
    }

    /// One thing that can happen to a registry.
    async fn go_on(&mut self) {
        match self.rng.u32(..20) {
            0 => self.upsert().await,
            1 => self.merge().await,
            2 => self.registry = None,
            3 => self.cut_off(),
            _ => {
                let outcomes: Vec<_> = (0..self.rng.usize(1..8)).map(|_| self.outcome()).collect();
                let text = self.rng.u32(..4).to_string();
                let record = |outcome| self.registry().record_assignment(outcome, Some(&text));
                join_all(outcomes.into_iter().map(record)).await.into_iter().for_each(|done| drop(done.unwrap()));
            }
        }
        if self.registry.is_none() {
            self.registry = Some(Registry::open(&self.path()).unwrap());
        }
    }

    async fn upsert(&mut self) {
        let id = format!("imported_{}", self.rng.u32(..CLUSTERS));
        let (count, name) = (self.rng.u64(..5), self.rng.u32(..9).to_string());
        let status = Some(if self.rng.u32(..4) == 0 { ClusterStatus::Retired } else { ClusterStatus::Confirmed });
        let updated_at = Some("2024-05-01T10:00:00.000001Z".to_owned());
        let draft = ClusterDraft { count: Some(count), status, updated_at, ..ClusterDraft::new(id.clone(), name) };
        let report = self.registry().upsert(vec![draft]).await.unwrap();
        if report.inserted == 1 {
            self.imported.insert(id, count);
        }
    }

    async fn merge(&mut self) {
        let (Some(from), Some(into)) = (self.cluster(), self.cluster()) else { return };
        match self.registry().merge(&from.cluster_id, &into.cluster_id).await {
            Ok(_) => {
                let moved = self.imported.remove(&from.cluster_id).unwrap_or(0);
                *self.imported.entry(into.cluster_id.clone()).or_default() += moved;
            }
            Err(error) => assert!(matches!(error, RegistryError::Merge { .. }), "{error}"),
        }
    }

    /// Goes on with a copy of the files as they are now, which is what a kill leaves.
    fn cut_off(&mut self) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["judge.db", "judge.db-wal"] {
            std::fs::copy(self.folder.path().join(name), folder.path().join(name)).unwrap();
        }
        self.registry = None;
        self.folder = folder;
        self.copies += 1;
    }

    /// The snapshot, the file and the view for other programs say the same, and it is right.
    fn check(&self, step: u32) {
        let snapshot = self.registry().snapshot();
        let clusters: Vec<_> = snapshot.iter().collect();
        let mut expected = self.imported.clone();
        let counted = self.registry().outcomes::<RegistryError>(None, &mut |outcome| {
            if let Some(id) = outcome.result.ok().and_then(|judged| judged.cluster_id) {
                *expected.entry(id).or_default() += 1;
            }
            Ok(())
        });
        counted.unwrap();
        for cluster in &clusters {
            let records = expected.get(&cluster.cluster_id).copied().unwrap_or(0);
            assert_eq!(cluster.count, records, "step {step}: {}", cluster.cluster_id);
        }
        let other = Registry::open_read_only(&self.path()).unwrap();
        assert_eq!(other.snapshot().iter().collect::<Vec<_>>(), clusters, "step {step}");
        let shown: Vec<_> = clusters
            .iter()
            .map(|cluster| (cluster.cluster_id.clone(), cluster.count, cluster.updated_at.clone()))
            .collect();
        assert_eq!(viewed(&self.path()), shown, "step {step}");
    }
}

/// What another program finds in the view.
fn viewed(path: &Path) -> Vec<(String, u64, String)> {
    let file = Connection::open(path).unwrap();
    let mut view = file.prepare("SELECT cluster_id, count, updated_at FROM clusters ORDER BY ordinal").unwrap();
    let rows = view.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs(), row.get(2)?))).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

#[tokio::test]
async fn counts_are_the_numbers_of_the_records_after_any_history() {
    let (mut copies, mut folded) = (0, 0);
    for seed in 0..SEEDS {
        let mut history = History::of(seed);
        for step in 0..STEPS {
            history.go_on().await;
            history.check(step);
        }
        copies += history.copies;
        let file = Connection::open(history.path()).unwrap();
        folded +=
            file.query_row("SELECT count(*) FROM counts WHERE counted_at > 0", [], |row| row.get::<_, i64>(0)).unwrap();
    }
    assert!(copies > 10 && folded > 10, "cut off {copies} times, {folded} clusters folded");
}
