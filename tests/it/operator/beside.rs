//! What is read of a registry while a run writes to it.

use crate::support::{Case, Running, column, judging};
use judge_host::registry::{Registry, RegistryError};
use judge_host_kit::{Answered, Asked, FakeLlm, Script};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// Records that are handed in before the registry is read again, and how often.
const ROUND: usize = 25;
const ROUNDS: usize = 6;
/// Of each round so many are surely committed when it is read; the others are on their way.
const SURE: usize = 5;

/// Clusters in the order of their birth, with their counts.
type Counts = Vec<(String, u64)>;

/// Every tenth record makes a cluster, the others go to all that there are.
async fn server() -> FakeLlm {
    let judge = |asked: &Asked| {
        let number: usize = asked.record_id.as_deref().and_then(|id| id[1..].parse().ok()).unwrap_or_default();
        match asked.candidate_ids.len() {
            known if known > 0 && !number.is_multiple_of(10) => {
                Answered::Assign(asked.candidate_ids[number % known].clone())
            }
            _ => Answered::NewCluster {
                name: format!("Subject {number}"),
                summary: String::new(),
                criteria: String::new(),
            },
        }
    };
    FakeLlm::start(Script { judge: Arc::new(judge), delay: Duration::from_millis(10), ..Script::default() }).await
}

/// What the records of the first outcomes, as many as are counted, make: the clusters as they were at one moment.
fn is_of_one_moment(clusters: &Counts, outcomes: &[String]) -> bool {
    let counted: u64 = clusters.iter().map(|(_, count)| count).sum();
    let mut made = Counts::new();
    for id in outcomes.iter().take(usize::try_from(counted).unwrap()) {
        match made.iter_mut().find(|(known, _)| known == id) {
            Some((_, count)) => *count += 1,
            None => made.push((id.clone(), 1)),
        }
    }
    made == *clusters
}

/// The clusters of one handle, and the outcomes that it reads after them.
async fn read(case: &Case) -> (Counts, Vec<String>) {
    let path = case.path("judge.db");
    // Beside the server, which has this thread.
    let read = move || {
        let registry = Registry::open_read_only(&path).unwrap();
        let clusters = registry.snapshot().iter().map(|cluster| (cluster.cluster_id.clone(), cluster.count)).collect();
        let mut outcomes = Vec::new();
        let each = &mut |outcome: judge_host::model::Outcome| {
            outcomes.extend(outcome.result.ok().and_then(|judged| judged.cluster_id));
            Ok(())
        };
        registry.outcomes::<RegistryError>(None, each).unwrap();
        (clusters, outcomes)
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

async fn exported(case: &Case) -> Counts {
    let rows = case.run_beside(&["registry", "export", "-"]).await.code(0).rows();
    let count = |row: &serde_json::Value| row["count"].as_u64().unwrap();
    column(&rows, "cluster_id").into_iter().zip(rows.iter().map(count)).collect()
}

#[tokio::test]
async fn clusters_read_beside_a_run_are_those_of_one_moment_of_it() {
    let (case, server) = (Case::new(), server().await);
    let args = ["--births", "free", "--parallel", "4", "--batch-id", "records"];
    let mut running = Running::start(&case, &judging("ollama", "-", &server, &args));
    let mut stdin = running.stdin.take().unwrap();
    let mut exports = Vec::new();
    for round in 0..ROUNDS {
        let record = |n| format!("{{\"id\":\"r{n}\",\"text\":\"subject of number {n}\"}}\n");
        let text: String = (round * ROUND..(round + 1) * ROUND).map(record).collect();
        stdin.write_all(text.as_bytes()).await.unwrap();
        running.read_rows(if round == 0 { SURE } else { ROUND }).await;
        for _ in 0..3 {
            let (clusters, outcomes) = read(&case).await;
            assert!(is_of_one_moment(&clusters, &outcomes), "{clusters:?} of {outcomes:?}");
        }
        exports.push(exported(&case).await);
    }
    drop(stdin);
    running.end().await.code(0);

    let rows =
        case.run_beside(&["registry", "export", "-", "--outcomes", "--batch-id", "records"]).await.code(0).rows();
    let outcomes = column(&rows, "cluster_id");
    assert_eq!(outcomes.len(), ROUND * ROUNDS);
    for (round, export) in exports.iter().enumerate() {
        assert!(is_of_one_moment(export, &outcomes), "{export:?} of {outcomes:?}");
        let counted: u64 = export.iter().map(|(_, count)| count).sum();
        let (sure, handed_in) = (round * ROUND + SURE, (round + 1) * ROUND);
        assert!((sure..=handed_in).contains(&usize::try_from(counted).unwrap()), "round {round}: {counted}");
    }
    // Two moments in one list are told from one: the older counts of clusters with the newer ones after them.
    let (first, last) = (&exports[0], &exports[ROUNDS - 1]);
    let torn = first.iter().chain(&last[first.len()..]).cloned().collect();
    assert!(!is_of_one_moment(&torn, &outcomes), "{torn:?} of {outcomes:?}");
}
