//! The same command again, with this and that changed.

use crate::support::{CLUSTERS, Case, column, judging, records, rows};
use judge_host_kit::{Answered, Asked, FakeLlm, FaultRule, Script, Then, When};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn case(count: usize) -> Case {
    let case = Case::new();
    case.file("records.jsonl", records(count));
    case.file("clusters.jsonl", CLUSTERS);
    case
}

fn args(server: &FakeLlm, more: &[&str]) -> Vec<String> {
    let own = ["--clusters", "clusters.jsonl", "--summary", "summary.json"];
    judging("ollama", "records.jsonl", server, &[&own[..], more].concat())
}

async fn assigning_to(cluster: &'static str) -> FakeLlm {
    let judge = move |_: &Asked| Answered::Assign(cluster.to_owned());
    FakeLlm::start(Script { judge: Arc::new(judge), ..Script::default() }).await
}

fn counts(case: &Case) -> BTreeMap<String, u64> {
    let listed = case.run(&["registry", "list", "--json"]).code(0).stdout;
    let clusters: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let count =
        |cluster: &Value| (cluster["cluster_id"].as_str().unwrap().to_owned(), cluster["count"].as_u64().unwrap());
    clusters.iter().map(count).filter(|(_, count)| *count > 0).collect()
}

fn summary(case: &Case, names: [&str; 4]) -> [u64; 4] {
    let summary: Value = serde_json::from_str(&case.read("summary.json")).unwrap();
    names.map(|name| summary[name].as_u64().unwrap())
}

const READ: [&str; 4] = ["records", "judged", "failed", "already_done"];

#[tokio::test]
async fn a_failed_record_is_judged_again_and_its_row_is_a_verdict_then() {
    for out in ["rows.jsonl", "rows.csv"] {
        let case = case(10);
        let failing = |id: &str| FaultRule { when: When::Record(id.into()), then: Then::status(400) };
        let broken = FakeLlm::start(Script { faults: vec![failing("r2"), failing("r7")], ..Script::default() }).await;
        case.run_beside(&args(&broken, &["--out", out])).await.code(1);
        assert_eq!(summary(&case, READ), [10, 8, 2, 0]);
        assert_eq!(case.read(out).matches("invalid-request").count(), 2);

        let mended = FakeLlm::start(Script::default()).await;
        case.run_beside(&args(&mended, &["--out", out])).await.code(0);
        assert_eq!(summary(&case, READ), [10, 2, 0, 8]);
        assert_eq!(mended.stats().calls_by_record.into_keys().collect::<Vec<_>>(), ["r2", "r7"]);
        let text = case.read(out);
        assert_eq!(
            (text.matches("invalid-request").count(), text.matches("assign,").count()),
            (0, if out == "rows.csv" { 10 } else { 0 })
        );
        assert_eq!(text.lines().count(), if out == "rows.csv" { 11 } else { 10 });
        assert_eq!(counts(&case).values().sum::<u64>(), 10);

        // A third time there is nothing to do, nothing to send, and nothing to change.
        case.run_beside(&args(&mended, &["--out", out])).await.code(0);
        assert_eq!((summary(&case, READ), mended.stats().calls), ([10, 0, 0, 10], 2));
        assert_eq!(case.read(out), text);
    }
}

#[tokio::test]
async fn judging_again_replaces_verdicts_and_moves_counts() {
    let case = case(12);
    let first = assigning_to("card_arrival").await;
    case.run_beside(&args(&first, &["--out", "rows.jsonl"])).await.code(0);
    assert_eq!(counts(&case), BTreeMap::from([("card_arrival".to_owned(), 12)]));

    let second = assigning_to("top_up_failed").await;
    case.run_beside(&args(&second, &["--out", "rows.jsonl"])).await.code(0);
    assert_eq!(second.stats().calls, 0, "what is judged is not sent");

    case.run_beside(&args(&second, &["--out", "rows.jsonl", "--rejudge"])).await.code(0);
    assert_eq!((second.stats().calls, summary(&case, READ)), (12, [12, 12, 0, 0]));
    assert_eq!(counts(&case), BTreeMap::from([("top_up_failed".to_owned(), 12)]), "no record counts twice");
    let rows = rows(&case.read("rows.jsonl"));
    assert_eq!(column(&rows, "cluster_id"), ["top_up_failed"; 12], "one row a record, and the later verdict");
}

#[tokio::test]
async fn a_failure_while_judging_again_takes_no_verdict_away() {
    let case = case(6);
    let first = assigning_to("card_arrival").await;
    case.run_beside(&args(&first, &["--out", "rows.jsonl"])).await.code(0);
    let broken = FakeLlm::start(Script {
        faults: vec![FaultRule { when: When::Record("r3".into()), then: Then::status(400) }],
        judge: Arc::new(|_: &Asked| Answered::Assign("top_up_failed".into())),
        ..Script::default()
    });
    case.run_beside(&args(&broken.await, &["--out", "rows.jsonl", "--rejudge"])).await.code(1);
    let rows = rows(&case.read("rows.jsonl"));
    assert_eq!((rows.len(), column(&rows, "decision").concat()), (6, "assign".repeat(6)));
    let counted = [("card_arrival".to_owned(), 1), ("top_up_failed".to_owned(), 5)];
    assert_eq!(counts(&case), BTreeMap::from(counted), "the paid verdict stays, and so does its count");
}

#[tokio::test]
async fn a_limit_stops_early_and_without_it_the_run_goes_on() {
    let (case, server) = (case(30), FakeLlm::start(Script::default()).await);
    for (limit, counted) in
        [(&["--limit", "12"][..], [12, 12, 0, 0]), (&["--limit", "10"], [22, 10, 0, 12]), (&[], [30, 8, 0, 22])]
    {
        case.run_beside(&args(&server, &[&["--out", "rows.jsonl"], limit].concat())).await.code(0);
        assert_eq!(summary(&case, READ), counted, "{limit:?}");
        assert_eq!(rows(&case.read("rows.jsonl")).len() as u64, counted[0], "{limit:?}");
    }
    assert!(server.stats().calls_by_record.values().all(|calls| *calls == 1));
}

#[tokio::test]
async fn another_batch_judges_again_and_has_rows_of_its_own() {
    let (case, server) = (case(6), FakeLlm::start(Script::default()).await);
    for (batch, out) in [("monday", "monday.jsonl"), ("tuesday", "tuesday.jsonl")] {
        case.run_beside(&args(&server, &["--batch-id", batch, "--out", out])).await.code(0);
        assert_eq!(summary(&case, READ), [6, 6, 0, 0], "{batch}");
        let rows = rows(&case.read(out));
        assert_eq!(column(&rows, "batch_id"), [batch; 6]);
    }
    assert_eq!(server.stats().calls, 12);
    assert_eq!(counts(&case).values().sum::<u64>(), 12);
    let refused = case.run_beside(&args(&server, &["--batch-id", "tuesday", "--out", "monday.jsonl"])).await.code(2);
    assert!(refused.stderr.contains("hint:"), "another batch's file is not written over: {}", refused.stderr);
    assert_eq!(column(&rows(&case.read("monday.jsonl")), "batch_id"), ["monday"; 6]);
}

#[tokio::test]
async fn a_grown_input_has_only_its_new_records_judged() {
    let (case, server) = (case(5), FakeLlm::start(Script::default()).await);
    case.run_beside(&args(&server, &[])).await.code(0);
    case.file("records.jsonl", records(8));
    let ran = case.run_beside(&args(&server, &[])).await.code(0);
    let ids = column(&ran.rows(), "request_id");
    assert_eq!(ids.len(), 8, "stdout has a row for each, judged now or before");
    assert_eq!(ids[5..].iter().collect::<BTreeSet<_>>(), ["r5", "r6", "r7"].map(str::to_owned).iter().collect());
    assert!(server.stats().calls_by_record.values().all(|calls| *calls == 1));
    assert_eq!(summary(&case, READ), [8, 3, 0, 5]);
    assert!(ran.rows().iter().all(|row| row["decision"] == json!("assign")));
}
