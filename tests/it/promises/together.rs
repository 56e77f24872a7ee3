//! Several records in one request: fewer calls, and still one outcome for each record, whatever the model leaves out.

use crate::support::{CLUSTERS, Case, column, judging, records, rows};
use judge_host_kit::{Answered, Asked, FakeLlm, FaultRule, Judge, Script, Stats, Then, When, pick_by_hash};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

const RECORDS: usize = 200;
const TOGETHER: [&str; 2] = ["--records-per-request", "10"];

/// What a run left.
struct Left {
    rows: Vec<Value>,
    summary: Value,
    stderr: String,
    stats: Stats,
}

/// The records with 10 in a request, by a provider and a server that behaves so; the run ends with this code.
async fn judged(provider: &str, script: Script, more: &[&str], code: i32) -> Left {
    let server = FakeLlm::start(script).await;
    let case = Case::new();
    case.file("records.jsonl", records(RECORDS));
    case.file("clusters.jsonl", CLUSTERS);
    let known = ["--clusters", "clusters.jsonl", "--summary", "summary.json"];
    let args = judging(provider, "records.jsonl", &server, &[&known[..], &TOGETHER, more].concat());
    let ran = case.run_beside(&args).await.code(code);
    let summary = serde_json::from_str(&case.read("summary.json")).unwrap();
    let (rows, stats) = (ran.rows(), server.stats());
    let ids: BTreeSet<String> = column(&rows, "request_id").into_iter().collect();
    assert_eq!((rows.len(), ids.len()), (RECORDS, RECORDS), "one outcome for each");
    Left { rows, summary, stderr: ran.stderr, stats }
}

/// What records that were answered so many times are told; the others get the usual answer.
fn first_answers(of: impl Fn(&str) -> bool + Send + Sync + 'static, times: u64, said: Answered) -> Judge {
    let asked_before: Mutex<HashMap<String, u64>> = Mutex::default();
    Arc::new(move |asked: &Asked| {
        let id = asked.record_id.clone().unwrap_or_default();
        let mut before = asked_before.lock().unwrap();
        let count = before.entry(id.clone()).or_default();
        *count += 1;
        if *count <= times && of(&id) { said.clone() } else { pick_by_hash(asked) }
    })
}

#[tokio::test]
async fn ten_records_in_a_request_take_a_tenth_of_the_calls() {
    for provider in ["ollama", "openai"] {
        let left = judged(provider, Script { keep_bodies: true, ..Script::default() }, &["--parallel", "3"], 0).await;
        assert_eq!(left.stats.calls, 20, "{provider}");
        assert!(left.stats.in_flight_peak <= 3, "a permit is for one request");
        assert!(left.stats.calls_by_record.values().all(|calls| *calls == 1));
        let hashes: BTreeSet<String> = column(&left.rows, "request_hash").into_iter().collect();
        assert_eq!(hashes.len(), 20, "each row names the request that it was in");
        let told = &left.summary["records_per_request"];
        assert_eq!((&told["calls_saved"], &told["asked_alone"], &told["mean"]), (&180.into(), &0.into(), &10.0.into()));
        assert!(left.stderr.contains("10 at most, 10.0 on average"), "{}", left.stderr);
        let sum: u64 = left.rows.iter().map(|row| row["input_tokens"].as_u64().unwrap()).sum();
        assert_eq!(sum, left.summary["input_tokens"], "shares add up");
    }
}

#[tokio::test]
async fn records_that_an_answer_leaves_out_are_asked_about_alone() {
    let left_out = |id: &str| id.ends_with('7');
    let script = Script { judge: first_answers(left_out, 1, Answered::Nothing), ..Script::default() };
    let left = judged("openai", script, &[], 0).await;
    assert_eq!(left.stats.calls, 20 + 20);
    for (id, calls) in &left.stats.calls_by_record {
        assert_eq!(*calls, if left_out(id) { 2 } else { 1 }, "{id}");
    }
    assert_eq!(left.summary["records_per_request"]["calls_saved"], 160);
    assert_eq!(left.summary["records_per_request"]["asked_alone"], 20);
}

#[tokio::test]
async fn groups_that_get_nonsense_are_tried_as_a_record_is_and_then_asked_one_by_one() {
    let judge = |asked: &Asked| {
        let several = asked.system.contains("\"verdicts\"");
        if several { Answered::Words("They are all about cards.".into()) } else { pick_by_hash(asked) }
    };
    let script = Script { judge: Arc::new(judge), ..Script::default() };
    let left = judged("ollama", script, &["--retry-budget", "100%"], 0).await;
    assert_eq!(left.stats.calls, 2 * 20 + 200, "one retry for each group, as for a record");
    assert_eq!(left.summary["records_per_request"]["calls_saved"], -40);
}

#[tokio::test]
async fn one_bad_record_fails_by_itself_and_a_bad_key_fails_all_at_once() {
    let refused = FaultRule { when: When::Record("r33".into()), then: Then::status(400) };
    let left = judged("openai", Script { faults: vec![refused], ..Script::default() }, &[], 1).await;
    assert_eq!(left.summary["failed"], 1, "{}", left.stderr);
    assert_eq!(left.stats.calls, 20 + 10, "only its group is asked one by one");

    let broke = FaultRule { when: When::Always, then: Then::status(402) };
    let server = FakeLlm::start(Script { faults: vec![broke], ..Script::default() }).await;
    let case = Case::new();
    case.file("records.jsonl", records(10));
    case.file("clusters.jsonl", CLUSTERS);
    let args =
        judging("openai", "records.jsonl", &server, &[&["--clusters", "clusters.jsonl"], &TOGETHER[..]].concat());
    let ran = case.run_beside(&args).await;
    assert_eq!(server.stats().calls, 1, "nobody is asked alone where it is the account's fault");
    assert!(ran.rows().iter().all(|row| row["error"]["kind"] == "quota"), "{}", ran.stdout);
}

#[tokio::test]
async fn records_of_a_group_that_propose_one_name_share_its_cluster() {
    let judge = |asked: &Asked| match &*asked.candidate_ids {
        [] => Answered::NewCluster { name: "Cards".into(), summary: String::new(), criteria: String::new() },
        ids => Answered::Assign(ids[0].clone()),
    };
    let server = FakeLlm::start(Script { judge: Arc::new(judge), ..Script::default() }).await;
    let case = Case::new();
    case.file("records.jsonl", records(30));
    let args = judging("openai", "records.jsonl", &server, &[&["--parallel", "1"], &TOGETHER[..]].concat());
    let rows = case.run_beside(&args).await.code(0).rows();
    assert_eq!(column(&rows, "cluster_id").into_iter().collect::<BTreeSet<_>>().len(), 1);
    assert_eq!(server.stats().calls, 3, "those of the first group are not judged again");
}

#[tokio::test]
async fn a_run_that_goes_on_sends_no_committed_record_again() {
    let refused = FaultRule { when: When::Record("r3".into()), then: Then::status(402) };
    let server = FakeLlm::start(Script { faults: vec![refused], ..Script::default() }).await;
    let case = Case::new();
    case.file("records.jsonl", records(40));
    case.file("clusters.jsonl", CLUSTERS);
    let more = ["--clusters", "clusters.jsonl", "--parallel", "1", "--out", "rows.jsonl", "--limit", "25"];
    let args = judging("ollama", "records.jsonl", &server, &[&more[..], &TOGETHER].concat());
    case.run_beside(&args).await;
    let first = server.stats();
    let healthy = FakeLlm::start(Script::default()).await;
    let args = judging("ollama", "records.jsonl", &healthy, &[&more[..6], &TOGETHER].concat());
    case.run_beside(&args).await.code(0);
    assert_eq!(rows(&case.read("rows.jsonl")).len(), 40);
    let second = healthy.stats().calls_by_record;
    let judged_before = 40 - second.len();
    assert!(second.values().all(|calls| *calls == 1) && second.contains_key("r3"), "{second:?}");
    assert!(judged_before >= 10 || first.calls <= 2, "what the first run committed is not asked about again");
}

/// `cargo xtask test --no-servers -- what_ten_in_a_request_save --no-capture` prints the table of BENCHMARKS.md.
#[tokio::test]
#[expect(clippy::print_stderr, reason = "the table is for whoever asks by `--no-capture`")]
async fn what_ten_in_a_request_save() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/banking77");
    let mut tokens = Vec::new();
    for together in ["1", "10"] {
        let server = FakeLlm::start(Script { keep_bodies: true, ..Script::default() }).await;
        let case = Case::new();
        case.file("records.jsonl", fs::read(examples.join("records.jsonl")).unwrap());
        case.file("clusters.jsonl", fs::read(examples.join("clusters.jsonl")).unwrap());
        let more = ["--clusters", "clusters.jsonl", "--candidates-max", "100", "--limit", "500"];
        let rest = ["--summary", "summary.json", "--out", "rows.jsonl", "--records-per-request", together];
        case.run_beside(&judging("openai", "records.jsonl", &server, &[&more[..], &rest].concat())).await.code(0);
        let summary: Value = serde_json::from_str(&case.read("summary.json")).unwrap();
        let stats = server.stats();
        let count = |name: &str| summary[name].as_u64().unwrap();
        let bytes: usize = stats.bodies.iter().map(String::len).sum();
        let each = |whole: u64| whole as f64 / 500.0;
        eprintln!(
            "| {together} | {} | {:.0} | {:.0} | {:.0} |",
            stats.calls,
            each(count("input_tokens")),
            each(count("output_tokens")),
            each(bytes as u64)
        );
        tokens.push(count("input_tokens"));
        assert_eq!(stats.calls, if together == "1" { 500 } else { 50 });
    }
    assert!(tokens[1] * 5 < tokens[0], "the prompt is paid for once in ten: {tokens:?}");
}
