//! The publish path under many schedules: whatever the order of commits, groups, births and reads, a reader sees whole
//! epochs only, and never an older one after a newer. Each seed draws other commands; how the threads meet is the system's choice.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
use super::{ClusterDraft, Recorded, Registry};
use crate::model::{Births, Confidence, Decision, Judged, Outcome, Proposal, Usage};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SEEDS: u64 = 12;
const WRITERS: u64 = 6;
const RECORDS_EACH: u64 = 40;
const READERS: u64 = 3;

/// Numbers that look random and are the same for a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn outcome(request_id: String, shown: u64, decision: Decision, name: &str) -> Outcome {
    let proposal = Proposal { name: name.to_owned(), summary: String::new(), criteria: String::new() };
    let judged = Judged {
        decision,
        cluster_id: (decision == Decision::Assign).then(|| name.to_owned()),
        confidence: Confidence::High,
        rationale: String::new(),
        proposal: (decision == Decision::NewCluster).then_some(proposal),
    };
    Outcome {
        batch_id: "b".into(),
        slice_id: 0,
        request_id,
        result: Ok(judged),
        provider: String::new(),
        model: String::new(),
        component_digest: String::new(),
        request_hash: String::new(),
        epoch: shown,
        attempts: 1,
        latency: Duration::ZERO,
        usage: Usage::default(),
        overtaken: false,
    }
}

/// Commits records one after the other: assignments, births, skips; the epoch of each that a cluster counts.
async fn write(registry: Arc<Registry>, writer: u64, mut random: Random) -> Vec<u64> {
    let mut counted = Vec::new();
    for n in 0..RECORDS_EACH {
        for _ in 0..random.below(4) {
            tokio::task::yield_now().await;
        }
        let id = format!("w{writer}-{n}");
        let (decision, name) = match random.below(4) {
            0 => (Decision::Skip, String::new()),
            1 => (Decision::NewCluster, format!("subject {}", random.below(12))),
            _ => (Decision::Assign, format!("c{}", random.below(3))),
        };
        let births = if random.below(2) == 0 { Births::Strict } else { Births::Free };
        let shown = registry.snapshot().epoch;
        let recorded = registry.record(outcome(id, shown, decision, &name), Some("text"), births, None).await.unwrap();
        if let Recorded::Committed(committed) = recorded {
            assert!(registry.snapshot().epoch >= committed.epoch, "published before it was answered");
            if decision != Decision::Skip {
                counted.push(committed.epoch);
            }
        }
    }
    counted
}

/// What a reader saw, by epoch: how many records all clusters together count, and how many clusters there are.
type Seen = BTreeMap<u64, (u64, usize)>;

fn read(registry: &Registry, writing: &AtomicBool, mut random: Random) -> Seen {
    let (mut seen, mut last) = (Seen::new(), 0);
    while writing.load(Ordering::SeqCst) {
        let snapshot = registry.snapshot();
        assert!(snapshot.epoch >= last, "epoch {} after {last}", snapshot.epoch);
        last = snapshot.epoch;
        let counts = snapshot.iter().map(|cluster| cluster.count).sum();
        let now = (counts, snapshot.len());
        assert_eq!(*seen.entry(last).or_insert(now), now, "an epoch is the same whenever it is read");
        assert!(snapshot.iter().all(|cluster| snapshot.get(&cluster.cluster_id).is_some()), "ids lead to clusters");
        for _ in 0..random.below(3) {
            std::thread::yield_now();
        }
    }
    seen
}

#[test]
fn readers_see_whole_epochs_in_their_order() {
    for seed in 0..SEEDS {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let registry = Arc::new(Registry::temporary().unwrap());
        let drafts = (0..3).map(|n| ClusterDraft::new(format!("c{n}"), format!("c{n}"))).collect();
        let first = runtime.block_on(registry.upsert(drafts)).unwrap().epoch;
        let writing = Arc::new(AtomicBool::new(true));
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                let (registry, writing) = (Arc::clone(&registry), Arc::clone(&writing));
                std::thread::spawn(move || read(&registry, &writing, Random(seed * 100 + reader)))
            })
            .collect();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| runtime.spawn(write(Arc::clone(&registry), writer, Random(seed * 1000 + writer))))
            .collect();
        let mut counted = BTreeMap::<u64, u64>::new();
        for writer in writers {
            for epoch in runtime.block_on(writer).unwrap() {
                *counted.entry(epoch).or_default() += 1;
            }
        }
        writing.store(false, Ordering::SeqCst);
        let seen: Vec<(u64, (u64, usize))> = readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect();
        assert!(seen.iter().any(|(epoch, _)| *epoch > first), "seed {seed}: the readers read while it was written");
        for (epoch, (counts, _)) in seen {
            let committed: u64 = counted.range(..=epoch).map(|(_, records)| records).sum();
            assert_eq!(
                counts, committed,
                "seed {seed}: epoch {epoch} is shown with all that was committed, and no more"
            );
        }
    }
}
