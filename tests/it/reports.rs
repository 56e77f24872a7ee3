//! What a run tells beside its rows: the trace of its calls, its servers, and why it ended by itself.

use crate::support::{CLUSTERS, Case, Ran, column, judging, records, rows};
use judge_host_kit::{FakeLlm, FaultRule, Script, Then, When};
use serde_json::Value;
use std::collections::BTreeMap;

fn case(count: usize) -> Case {
    let case = Case::new();
    case.file("records.jsonl", records(count));
    case.file("clusters.jsonl", CLUSTERS);
    case
}

async fn judge(case: &Case, server: &FakeLlm, more: &[&str]) -> Ran {
    let reports = ["--clusters", "clusters.jsonl", "--out", "rows.jsonl", "--summary", "s.json", "--trace", "t.jsonl"];
    let more: Vec<&str> = reports.iter().chain(more).copied().collect();
    case.run_beside(&judging("openai", "records.jsonl", server, &more)).await
}

fn summary(case: &Case) -> Value {
    serde_json::from_str(&case.read("s.json")).unwrap()
}

#[tokio::test]
async fn the_trace_has_a_line_for_each_call() {
    const FIELDS: &str = "t_ms batch_id request_id records provider model server attempt call waited_ms latency_ms result \
                          code status retry_after_ms input_tokens cached_input_tokens output_tokens cost_usd in_flight \
                          limit hedge";
    let faults = vec![FaultRule { when: When::FirstOf { record: "r1".into(), calls: 1 }, then: Then::status(503) }];
    let server = FakeLlm::start(Script { faults, ..Script::default() }).await;
    let case = case(4);
    case.file("t.jsonl", "the trace of another run, which goes");
    judge(&case, &server, &["--parallel", "2"]).await.code(0);
    let text = case.read("t.jsonl");
    let lines = rows(&text);
    assert_eq!(lines.len(), 5, "four records, and a retry: {text}");
    let mut calls: BTreeMap<&str, Vec<(&Value, &Value, &Value)>> = BTreeMap::new();
    for line in &lines {
        let fields: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, FIELDS.split_whitespace().collect::<Vec<_>>());
        assert_eq!((&line["server"], &line["limit"]), (&server.url().into(), &2.into()));
        assert!((1..=2).contains(&line["in_flight"].as_u64().unwrap()), "{line}");
        let call = (&line["attempt"], &line["result"], &line["status"]);
        calls.entry(line["request_id"].as_str().unwrap()).or_default().push(call);
    }
    let (one, two, good) = (Value::from(1), Value::from(2), Value::from(200));
    let (done, full) = (Value::from("done"), Value::from("overloaded"));
    assert!(calls["r1"] == [(&one, &full, &503.into()), (&two, &done, &good)], "{:?}", calls["r1"]);
    assert!(calls["r0"] == [(&one, &done, &good)], "{:?}", calls["r0"]);
    assert!(!text.contains("card number") && !text.contains("Card arrival"), "no prompt: {text}");
    assert_eq!(summary(&case)["retries"], 1);
}

#[tokio::test]
async fn a_run_that_needs_a_person_ends_by_itself_and_says_so() {
    let faults = vec![FaultRule { when: When::Always, then: Then::status(402) }];
    let server = FakeLlm::start(Script { faults, ..Script::default() }).await;
    let case = case(200);
    let ran = judge(&case, &server, &["--parallel", "2"]).await.code(1);
    assert!(ran.stderr.contains("\nstopped: provider `openai` needs a person, not more records: "), "{}", ran.stderr);
    let hint = ran.stderr.lines().last().unwrap();
    assert!(hint.starts_with("hint: ") && hint.ends_with("the same command again goes on where it stopped"), "{hint}");
    let summary = summary(&case);
    assert_eq!((&summary["stopped"], &summary["interrupted"]), (&"person-needed".into(), &false.into()));
    assert_eq!(summary["records"], summary["failed"], "what was not begun is not read");
    assert!(server.stats().calls < 20, "{}", server.stats().calls);
}

#[tokio::test]
async fn a_server_that_is_down_is_told_and_the_summary_has_each_servers_calls() {
    let server = FakeLlm::start(Script::default()).await;
    let gone = FakeLlm::start(Script::default()).await;
    let url = gone.url();
    gone.stop().await;
    let case = case(60);
    let ran = judge(&case, &server, &["--endpoint", &url, "--parallel", "auto:2-8"]).await.code(0);
    let told = format!("note: {url} (`openai`) is left alone until it answers a probe: ");
    assert_eq!(ran.stderr.matches(&told).count(), 1, "{}", ran.stderr);
    let summary = summary(&case);
    assert_eq!(summary["parallel"], "auto:2-8");
    let servers = summary["servers"].as_array().unwrap();
    assert_eq!(column(servers, "origin"), [server.url(), url]);
    assert!(servers[0]["calls"].as_u64() >= Some(60) && servers[1]["calls"].as_u64() >= Some(5), "{servers:?}");
    assert!(servers.iter().all(|server| server["reason"].is_string() && server["limit"].is_u64()), "{servers:?}");
    assert!(ran.stderr.contains("calls to servers"), "{}", ran.stderr);
}
