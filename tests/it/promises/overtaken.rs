//! Records that are judged again because clusters were born meanwhile: nothing paid is thrown away, nothing is asked twice
//! for nothing, and limits are those of the record.

use crate::support::{CLUSTERS, Case, judging};
use judge_host_kit::{Answered, Asked, FakeLlm, FaultRule, Script, Then, When};
use serde_json::json;
use std::sync::Arc;
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

fn case(more: &serde_json::Value) -> Case {
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
    // After the first judgement of each record the account is empty.
    let spent = |call| FaultRule { when: When::Call(call), then: Then::status(402) };
    let faults = (RECORDS as u64 + 1..200).map(spent).collect();
    let server = FakeLlm::start(Script { faults, ..script() }).await;
    let case = case(&json!(null));
    case.run_beside(&args(&server, &[])).await.code(0);
    let rows = crate::support::rows(&case.read("rows.jsonl"));
    assert_eq!(rows.len(), RECORDS);
    assert!(rows.iter().all(|row| row["decision"] == "new_cluster" && row["error"].is_null()), "{rows:#?}");
    let summary: serde_json::Value = serde_json::from_str(&case.read("s.json")).unwrap();
    assert!(summary["rejudged"].as_u64() >= Some(RECORDS as u64 / 2), "they were judged again: {summary}");
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
    let server = FakeLlm::start(script()).await;
    let case = case(&json!(null));
    // Ten records that overtake each other need ten turns of 150 ms; they have three.
    case.run_beside(&args(&server, &["--attempts", "1", "--timeout", "400ms", "--total-timeout", "450ms"]))
        .await
        .code(0);
    let rows = crate::support::rows(&case.read("rows.jsonl"));
    assert!(rows.iter().all(|row| row["attempts"] == 1 && row["decision"] == "new_cluster"), "{rows:#?}");
    let summary: serde_json::Value = serde_json::from_str(&case.read("s.json")).unwrap();
    assert_eq!(summary["retries"], 0);
    let slowest = rows.iter().filter_map(|row| row["latency_ms"].as_f64()).fold(0.0, f64::max);
    assert!(slowest < 1500.0, "{slowest} ms");
}
