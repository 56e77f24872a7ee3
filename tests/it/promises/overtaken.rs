//! Records that are judged again because clusters were born meanwhile: nothing paid is thrown away, nothing is asked twice
//! for nothing, and limits are those of the record.

use crate::support::{CLUSTERS, Case, judging, plugins, rows};
use judge_host::model::{Decision, Record};
use judge_host::registry::{ClusterDraft, Registry};
use judge_host::{Judge, JudgeOptions};
use judge_host_kit::{Answered, Asked, FakeLlm, FaultRule, Script, Then, When};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const RECORDS: usize = 10;

/// A model that proposes a cluster of its own for every record, and takes its time, so that all are judged on one epoch.
fn script() -> Script {
    let judge = |asked: &Asked| Answered::NewCluster {
        name: format!("Subject {}", asked.record_id.clone().unwrap_or_default()),
        summary: String::new(),
        criteria: String::new(),
    };
    Script { judge: Arc::new(judge), delay: Duration::from_millis(150), ..Script::default() }
}

fn case(more: &Value) -> Case {
    let case = Case::new();
    let record = |n| {
        let mut record = json!({ "id": format!("r{n}"), "text": format!("text {n}") });
        record["candidates"] = more.clone();
        record.to_string() + "\n"
    };
    case.file("records.jsonl", (0..RECORDS).map(record).collect::<String>());
    case.file("clusters.jsonl", CLUSTERS);
    case
}

fn args(server: &FakeLlm, more: &[&str]) -> Vec<String> {
    let known = ["--clusters", "clusters.jsonl", "--parallel", "10", "--out", "rows.jsonl", "--summary", "s.json"];
    judging("openai", "records.jsonl", server, &[&known[..], more].concat())
}

#[tokio::test]
async fn a_proposal_that_was_paid_for_stands_where_judging_again_fails() {
    // After the first judgement of each record the server dislikes them all.
    let disliked = |call| FaultRule { when: When::Call(call), then: Then::status(400) };
    let faults = (RECORDS as u64 + 1..200).map(disliked).collect();
    let server = FakeLlm::start(Script { faults, ..script() }).await;
    let case = case(&json!(null));
    case.run_beside(&args(&server, &[])).await.code(0);
    let rows = rows(&case.read("rows.jsonl"));
    assert_eq!(rows.len(), RECORDS);
    assert!(rows.iter().all(|row| row["decision"] == "new_cluster" && row["error"].is_null()), "{rows:#?}");
    let summary: Value = serde_json::from_str(&case.read("s.json")).unwrap();
    assert!(summary["rejudged"].as_u64() >= Some(RECORDS as u64 / 2), "they were judged again: {summary}");
    let (overtaken, others): (Vec<&Value>, Vec<&Value>) = rows.iter().partition(|row| row["overtaken"] == true);
    assert_eq!((&summary["overtaken"], &summary["rejudged"]), (&json!(overtaken.len()), &json!(overtaken.len())));
    assert!(!others.is_empty() && others.iter().all(|row| row.get("overtaken").is_none()), "{rows:#?}");
    let on_the_first = rows.iter().filter(|row| row["epoch"] == 1).count();
    assert!(
        on_the_first >= RECORDS / 2,
        "a row tells of the judgement that stands, not of the one that failed: {rows:#?}"
    );
    exported(&case, &rows);
}

/// What is written in the end, and by an export in either format, is what was written at first.
fn exported(case: &Case, rows: &[Value]) {
    let ids = |rows: &[Value]| -> BTreeSet<String> {
        rows.iter().filter(|row| row["overtaken"] == true).map(|row| row["request_id"].to_string()).collect()
    };
    let export = |format| {
        case.run(&["registry", "export", "-", "--outcomes", "--batch-id", "records", "--format", format]).code(0).stdout
    };
    assert_eq!(ids(&crate::support::rows(&export("jsonl"))), ids(rows));
    let csv = export("csv");
    let marked = csv.lines().filter(|line| line.ends_with(",true")).count();
    assert_eq!((csv.lines().count(), marked), (rows.len() + 1, ids(rows).len()), "{csv}");
}

#[tokio::test]
async fn a_birth_that_is_overtaken_each_time_stands_in_the_end_and_says_so() {
    // Whenever the model is asked, a cluster is born that its judge cannot have seen.
    let registry = Arc::new(OnceLock::<Arc<Registry>>::new());
    let judge = {
        let registry = Arc::clone(&registry);
        Arc::new(move |asked: &Asked| {
            let (registry, born) = (Arc::clone(registry.get().unwrap()), format!("born {}", asked.call_index));
            let upsert = move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(registry.upsert(vec![ClusterDraft::new(born.clone(), born)])).unwrap();
            };
            std::thread::spawn(upsert).join().unwrap();
            Answered::NewCluster { name: "Own subject".into(), summary: String::new(), criteria: String::new() }
        })
    };
    let server = FakeLlm::start(Script { judge, ..Script::default() }).await;
    let host = Judge::open(JudgeOptions {
        providers: plugins(),
        provider: "ollama".to_owned(),
        endpoints: vec![server.url()],
        model: Some("fake".to_owned()),
        cache_dir: Some(crate::support::cache()),
        ..JudgeOptions::default()
    })
    .await
    .unwrap();
    registry.set(Arc::clone(host.registry())).unwrap();
    let outcomes = host.judge_slice(vec![Record::new("r1", "text")], None).await.unwrap();
    assert_eq!(server.stats().calls_by_record.values().sum::<u64>(), 4, "judged once, and again three times");
    let judged = outcomes[0].result.as_ref().unwrap();
    assert_eq!((judged.decision, judged.cluster_id.as_deref()), (Decision::NewCluster, Some("own_subject")));
    assert!(outcomes[0].overtaken);
    let kept = host.registry().outcome(&outcomes[0].batch_id, "r1").unwrap();
    assert!(kept.is_some_and(|outcome| outcome.overtaken), "also in the registry");
    assert_eq!(host.registry().get_cluster("own_subject").unwrap().count, 1);
}

#[tokio::test]
async fn records_that_name_their_candidates_are_asked_once() {
    let server = FakeLlm::start(script()).await;
    let case = case(&json!(["card_arrival", "exchange_rate"]));
    case.run_beside(&args(&server, &[])).await.code(0);
    assert_eq!(server.stats().calls, RECORDS as u64, "no newborn would be shown to them");
}

#[tokio::test]
async fn to_be_judged_again_is_no_retry_and_takes_no_time_beyond_the_records() {
    let server = FakeLlm::start(Script { delay: Duration::from_millis(600), ..script() }).await;
    let case = case(&json!(null));
    // The time of one judgement, and not of a second; what they wait for their turns does not count.
    case.run_beside(&args(&server, &["--attempts", "1", "--timeout", "900ms", "--total-timeout", "1s"])).await.code(0);
    let rows = rows(&case.read("rows.jsonl"));
    assert!(rows.iter().all(|row| row["attempts"] == 1 && row["decision"] == "new_cluster"), "{rows:#?}");
    let summary: Value = serde_json::from_str(&case.read("s.json")).unwrap();
    assert_eq!(summary["retries"], 0);
    assert!(summary["overtaken"].as_u64() > Some(0), "whose time was over stand as they are: {summary}");
    let slowest = rows.iter().filter_map(|row| row["latency_ms"].as_f64()).fold(0.0, f64::max);
    assert!(slowest < 1500.0, "{slowest} ms");
}
