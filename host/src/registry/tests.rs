#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
use super::*;
use crate::model::{ClusterStatus, Confidence, Fault, FaultKind, Judged, Proposal, Record, Usage};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn outcome(request_id: &str, result: Result<Judged, Fault>) -> Outcome {
    Outcome {
        batch_id: "batch".into(),
        slice_id: 3,
        request_id: request_id.into(),
        result,
        provider: "lexical".into(),
        model: "m".into(),
        component_digest: "d1".into(),
        request_hash: "h1".into(),
        epoch: 7,
        attempts: 2,
        latency: Duration::from_micros(1_234_567),
        usage: Usage { input_tokens: Some(10), cost_micro_usd: Some(0), ..Usage::default() },
        overtaken: false,
    }
}

fn judged(decision: Decision) -> Judged {
    let (cluster_id, rationale, proposal) = (None, "потому\nчто".into(), None);
    Judged { decision, cluster_id, confidence: Confidence::Medium, rationale, proposal }
}

fn assign(request_id: &str, cluster_id: &str) -> Outcome {
    outcome(request_id, Ok(Judged { cluster_id: Some(cluster_id.into()), ..judged(Decision::Assign) }))
}

fn propose(request_id: &str, name: &str) -> Outcome {
    let proposal = Some(Proposal { name: name.into(), summary: "s".into(), criteria: String::new() });
    outcome(request_id, Ok(Judged { proposal, ..judged(Decision::NewCluster) }))
}

fn fault() -> Fault {
    Fault {
        retry_after: Some(Duration::from_millis(1500)),
        usage: Usage { output_tokens: Some(5), ..Usage::default() },
        request_sent: true,
        ..Fault::new(FaultKind::RateLimited, "slow down").code("429").hint("wait")
    }
}

fn count(registry: &Registry, cluster_id: &str) -> u64 {
    registry.get_cluster(cluster_id).unwrap().count
}

fn drafts(ids: &[&str]) -> Vec<ClusterDraft> {
    ids.iter().map(|id| ClusterDraft::new(*id, *id)).collect()
}

fn collect(registry: &Registry, batch_id: Option<&str>) -> Vec<Outcome> {
    let mut all = Vec::new();
    let read: Result<(), RegistryError> = registry.outcomes(batch_id, &mut |outcome| {
        all.push(outcome);
        Ok(())
    });
    read.unwrap();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_commits_share_transactions() {
    const RECORDS: u64 = 400;
    let registry = Arc::new(Registry::temporary().unwrap());
    registry.upsert(drafts(&["a"])).await.unwrap();
    let before = registry.snapshot().epoch;
    let tasks: Vec<_> = (0..RECORDS)
        .map(|n| {
            let registry = Arc::clone(&registry);
            tokio::spawn(async move { registry.record_assignment(assign(&n.to_string(), "a"), None).await })
        })
        .collect();
    for task in tasks {
        let committed = task.await.unwrap().unwrap();
        assert!(registry.snapshot().epoch >= committed.epoch, "published before it was answered");
    }
    let transactions = registry.snapshot().epoch - before;
    assert!(transactions < RECORDS / 2, "{transactions} transactions for {RECORDS} records");
    assert_eq!(count(&registry, "a"), RECORDS);
    assert_eq!(collect(&registry, Some("batch")).len(), 400);
}

#[tokio::test]
async fn what_is_published_is_found_when_the_file_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("judge.db");
    let (epoch, clusters) = {
        let registry = Registry::open(&path).unwrap();
        registry.upsert(drafts(&["b", "a"])).await.unwrap();
        let born = registry.record_assignment(propose("1", "Возврат"), Some("где")).await.unwrap();
        assert_eq!(born.outcome.result.unwrap().cluster_id.as_deref(), Some("vozvrat"));
        // Looked at by another connection, while this one is open: durable means on the disk, not in a cache.
        let other = Registry::open_read_only(&path).unwrap();
        assert_eq!(other.snapshot().epoch, registry.snapshot().epoch);
        assert_eq!(other.get_cluster("vozvrat"), registry.get_cluster("vozvrat"));
        let snapshot = registry.snapshot();
        (snapshot.epoch, snapshot.iter().collect::<Vec<_>>())
    };
    let registry = Registry::open(&path).unwrap();
    assert_eq!(registry.snapshot().epoch, epoch);
    assert_eq!(registry.snapshot().iter().collect::<Vec<_>>(), clusters);
    assert!(registry.judged("batch", "1").unwrap());
    let report = registry.upsert(drafts(&["c"])).await.unwrap();
    assert_eq!((report.inserted, report.epoch), (1, epoch + 1), "epochs go on growing");
    assert_eq!(registry.get_cluster("c").unwrap().birth_epoch, epoch + 1);
    drop(registry);
    let mut left: Vec<_> = dir.path().read_dir().unwrap().map(|file| file.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["judge.db", "judge.db.lock"], "no journal is left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_go_on_while_a_transaction_is_held_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("judge.db");
    let registry = Arc::new(Registry::open(&path).unwrap());
    registry.upsert(drafts(&["a"])).await.unwrap();
    let epoch = registry.snapshot().epoch;
    // The file is locked by somebody else, so the committer stands in the middle of a commit.
    let mut other = Writer::open(&path, Durability::Full).unwrap();
    let held = other.begin().unwrap();
    let waiting = tokio::spawn({
        let registry = Arc::clone(&registry);
        async move { registry.record_assignment(assign("1", "a"), None).await }
    });
    for _ in 0..10_000 {
        let snapshot = registry.snapshot();
        assert_eq!((snapshot.epoch, snapshot.get("a").unwrap().count), (epoch, 0), "nothing is shown early");
        assert!(!waiting.is_finished());
    }
    assert!(!registry.judged("batch", "1").unwrap());
    drop(held);
    assert_eq!(waiting.await.unwrap().unwrap().epoch, epoch + 1);
    assert_eq!(count(&registry, "a"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn epochs_and_counts_only_grow_for_a_reader_that_spins() {
    let registry = Arc::new(Registry::temporary().unwrap());
    registry.upsert(drafts(&["a"])).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let reader = std::thread::spawn({
        let (registry, stop) = (Arc::clone(&registry), Arc::clone(&stop));
        move || {
            let (mut last, mut loads) = ((0, 0), 0_u64);
            // Relaxed: the flag guards nothing, it only ends the loop.
            while !stop.load(Ordering::Relaxed) {
                let snapshot = registry.snapshot();
                let seen = (snapshot.epoch, snapshot.get("a").unwrap().count);
                assert!(seen >= last, "{seen:?} after {last:?}");
                (last, loads) = (seen, loads + 1);
            }
            loads
        }
    });
    for n in 0..50 {
        registry.record_assignment(assign(&n.to_string(), "a"), None).await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    assert!(reader.join().unwrap() > 50);
}

#[tokio::test]
async fn a_record_judged_again_moves_its_count() {
    let registry = Registry::temporary().unwrap();
    registry.upsert(drafts(&["a", "b"])).await.unwrap();
    registry.record_assignment(assign("1", "a"), None).await.unwrap();
    registry.record_assignment(assign("2", "a"), None).await.unwrap();
    registry.record_assignment(assign("1", "b"), None).await.unwrap();
    assert_eq!((count(&registry, "a"), count(&registry, "b")), (1, 1));
    registry.record_assignment(assign("1", "b"), None).await.unwrap();
    assert_eq!((count(&registry, "a"), count(&registry, "b")), (1, 1));
    let order: Vec<_> = collect(&registry, None).into_iter().map(|outcome| outcome.request_id).collect();
    assert_eq!(order, ["2", "1"], "in the order of the last commits");
    registry.record_assignment(outcome("1", Ok(judged(Decision::Skip))), None).await.unwrap();
    assert_eq!((count(&registry, "a"), count(&registry, "b")), (1, 0));
}

#[tokio::test]
async fn a_fault_takes_no_verdict_away() {
    let registry = Registry::temporary().unwrap();
    registry.upsert(drafts(&["a"])).await.unwrap();
    registry.record_assignment(outcome("1", Err(fault())), None).await.unwrap();
    assert!(!registry.judged("batch", "1").unwrap());
    registry.record_assignment(assign("1", "a"), None).await.unwrap();
    registry.record_assignment(outcome("1", Err(fault())), None).await.unwrap();
    assert_eq!(count(&registry, "a"), 1);
    assert!(collect(&registry, None)[0].result.is_ok());
}

#[tokio::test]
async fn outcomes_come_back_as_they_were_committed() {
    let registry = Registry::temporary().unwrap();
    registry.upsert(drafts(&["a"])).await.unwrap();
    let given = [
        assign("1", "a"),
        propose("2", "New one"),
        outcome("3", Ok(judged(Decision::Skip))),
        outcome("4", Err(fault())),
        Outcome { batch_id: "other".into(), ..outcome("1", Err(Fault::new(FaultKind::BadInput, "x"))) },
    ];
    let mut committed = Vec::new();
    for outcome in given.clone() {
        committed.push(registry.record_assignment(outcome, Some("text")).await.unwrap().outcome);
    }
    assert_eq!(committed[1].result.as_ref().unwrap().cluster_id.as_deref(), Some("new_one"));
    assert_eq!((&committed[0], &committed[2..]), (&given[0], &given[2..]));
    assert_eq!(collect(&registry, None), committed);
    assert_eq!(collect(&registry, Some("batch")), committed[..4]);
    assert_eq!(collect(&registry, Some("none")), []);
    for outcome in &committed {
        assert_eq!(registry.outcome(&outcome.batch_id, &outcome.request_id).unwrap().as_ref(), Some(outcome));
        let judged = registry.judged(&outcome.batch_id, &outcome.request_id).unwrap();
        assert_eq!(judged, outcome.result.is_ok(), "a failed record is judged again");
    }
    assert_eq!(registry.outcome("batch", "9").unwrap(), None);
}

#[tokio::test]
async fn whoever_reads_outcomes_may_stop_and_may_ask_the_registry() {
    let registry = Registry::temporary().unwrap();
    for id in ["1", "2"] {
        registry.record_assignment(outcome(id, Ok(judged(Decision::Skip))), None).await.unwrap();
    }
    let mut met = 0;
    let stopped = registry.outcomes(None, &mut |outcome| {
        met += 1;
        assert!(registry.judged("batch", &outcome.request_id)?);
        Err(RegistryError::Stopped)
    });
    assert!(matches!(stopped, Err(RegistryError::Stopped)));
    assert_eq!(met, 1);
}

#[tokio::test]
async fn nothing_changes_where_nothing_differs() {
    let registry = Registry::temporary().unwrap();
    let first = registry.upsert(drafts(&["a", "b"])).await.unwrap();
    assert_eq!(first, UpsertReport { inserted: 2, changed: 0, unchanged: 0, epoch: 1 });
    let second = registry.upsert(drafts(&["a", "b"])).await.unwrap();
    assert_eq!(second, UpsertReport { inserted: 0, changed: 0, unchanged: 2, epoch: 1 });
    assert_eq!(registry.snapshot().epoch, 1);
}

#[tokio::test]
async fn a_failed_transaction_answers_all_publishes_nothing_and_is_not_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("judge.db");
    let registry = Arc::new(Registry::open(&path).unwrap());
    registry.upsert(drafts(&["a"])).await.unwrap();
    let before = registry.snapshot();
    let mut other = Writer::open(&path, Durability::Full).unwrap();
    other.break_table("outcomes");
    // Holds the committer up at its first command, so that all the others wait and become one group.
    let held = other.begin().unwrap();
    let record = |n: u32| {
        let registry = Arc::clone(&registry);
        tokio::spawn(async move { registry.record_assignment(assign(&n.to_string(), "a"), None).await.map(drop) })
    };
    let mut tasks = vec![record(0)];
    tasks.push(tokio::spawn({
        let registry = Arc::clone(&registry);
        async move { registry.upsert(drafts(&["unseen"])).await.map(drop) }
    }));
    tasks.extend((1..50).map(record));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    drop(held);
    for task in tasks {
        let error = task.await.unwrap().unwrap_err();
        assert!(matches!(error, RegistryError::Store { action: "write an outcome", .. }), "{error}");
    }
    assert!(Arc::ptr_eq(&before, &registry.snapshot()));
    assert_eq!(collect(&registry, None), []);
    other.mend();
    registry.record_assignment(assign("1", "a"), None).await.unwrap();
    assert_eq!((count(&registry, "a"), registry.snapshot().epoch), (1, before.epoch + 1));
}

#[tokio::test]
async fn verdicts_that_place_nothing_are_refused_before_they_are_queued() {
    let registry = Registry::temporary().unwrap();
    let refused = async |outcome| registry.record_assignment(outcome, None).await.unwrap_err();
    let unknown = refused(assign("1", "gone")).await;
    assert!(matches!(unknown, RegistryError::UnknownCluster { cluster_id } if cluster_id == "gone"));
    for decision in [Decision::Assign, Decision::NewCluster] {
        let invalid = refused(outcome("1", Ok(judged(decision)))).await;
        assert!(matches!(invalid, RegistryError::Invalid { .. }), "{invalid}");
    }
    let invalid = registry.upsert(drafts(&["a", ""])).await.unwrap_err();
    assert!(matches!(invalid, RegistryError::Invalid { .. }), "{invalid}");
    assert_eq!(registry.snapshot().epoch, 0);
}

#[tokio::test]
async fn proposals_of_parallel_records_share_one_cluster() {
    let registry = Registry::temporary().unwrap();
    let (one, other) = tokio::join!(
        registry.record_assignment(propose("1", "Lost card"), Some("x")),
        registry.record_assignment(propose("2", "lost CARD"), Some("y")),
    );
    for committed in [one.unwrap(), other.unwrap()] {
        let judged = committed.outcome.result.unwrap();
        assert_eq!((judged.decision, judged.cluster_id.as_deref()), (Decision::NewCluster, Some("lost_card")));
    }
    let lost = registry.get_cluster("lost_card").unwrap();
    assert_eq!((lost.count, lost.status, lost.revision), (2, ClusterStatus::Tentative, 2));
    assert_eq!(registry.snapshot().candidates(&Record::new("3", "x"), 20, u64::MAX).unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_queued_is_committed_when_the_registry_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("judge.db");
    let registry = Arc::new(Registry::open(&path).unwrap());
    // On this one thread the task is polled once, hands its command over, and never hears the answer.
    let task = tokio::spawn({
        let registry = Arc::clone(&registry);
        async move { registry.record_assignment(outcome("1", Ok(judged(Decision::Skip))), None).await.map(drop) }
    });
    tokio::task::yield_now().await;
    task.abort();
    let _ = task.await;
    drop(registry);
    assert!(Registry::open_read_only(&path).unwrap().judged("batch", "1").unwrap());
}

#[tokio::test]
async fn a_batch_remembers_its_output() {
    let registry = Registry::temporary().unwrap();
    assert_eq!(registry.sink_of("batch").unwrap(), None);
    registry.set_sink("batch", Path::new("out.jsonl")).unwrap();
    registry.set_sink("batch", Path::new("выход/out.csv")).unwrap();
    assert_eq!(registry.sink_of("batch").unwrap(), Some(PathBuf::from("выход/out.csv")));
}

#[tokio::test]
async fn one_host_writes_and_others_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("judge.db");
    let registry = Registry::open(&path).unwrap();
    let error = Registry::open(&path).unwrap_err();
    assert!(matches!(error, RegistryError::Busy { .. }) && error.hint().is_some(), "{error}");
    #[cfg(unix)]
    {
        let link = dir.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(Registry::open(&link), Err(RegistryError::Busy { .. })), "also by another name");
    }
    let reader = Registry::open_read_only(&path).unwrap();
    assert!(matches!(reader.upsert(drafts(&["a"])).await, Err(RegistryError::ReadOnly { .. })));
    assert!(matches!(reader.set_sink("b", Path::new("x")), Err(RegistryError::ReadOnly { .. })));
    assert!(!reader.judged("batch", "1").unwrap());
    assert_eq!(collect(&reader, None), []);
    drop(registry);
    drop(Registry::open(&path).unwrap());
}

#[test]
fn files_that_cannot_be_a_registry_are_refused_and_nothing_is_made_beside_them() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    std::fs::write(file("text.db"), "id,text\n1,hello\n").unwrap();
    std::fs::write(file("marked.db"), "").unwrap();
    let mut marked = file("marked.db").metadata().unwrap().permissions();
    marked.set_readonly(true);
    std::fs::set_permissions(file("marked.db"), marked).unwrap();
    std::fs::create_dir(file("folder.db")).unwrap();
    let refused = |name: &str| {
        let error = Registry::open(&file(name)).unwrap_err();
        assert!(error.hint().is_some(), "{error}");
        error
    };
    assert!(matches!(refused("text.db"), RegistryError::NotARegistry { .. }));
    assert!(matches!(refused("marked.db"), RegistryError::ReadOnly { .. }), "also for a user whom no mode stops");
    assert!(matches!(refused("folder.db"), RegistryError::Open { .. }));
    assert!(matches!(refused("nowhere/a.db"), RegistryError::Open { .. }));
    let missing = Registry::open_read_only(&file("none.db")).unwrap_err();
    assert!(matches!(missing, RegistryError::Missing { .. }) && missing.hint().is_some());
    assert_eq!(dir.path().read_dir().unwrap().count(), 3);
}

#[test]
fn a_temporary_registry_leaves_nothing_behind() {
    let registry = Registry::temporary().unwrap();
    let folder = registry.path().parent().unwrap().to_owned();
    assert!(folder.exists());
    drop(registry);
    assert!(!folder.exists());
}
