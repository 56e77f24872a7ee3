//! One outcome for every record that is read, whatever goes wrong; and an error is never a skip.

use crate::support::{CLUSTERS, Case, column, judging, rows};
use judge_host_kit::{Answered, FakeLlm, FaultRule, Script, Then, When, pick_by_hash};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

const RECORDS: usize = 200;

/// A scripted mix: of ten records five fail at first, four for good.
fn mixed_fault(n: usize) -> Option<FaultRule> {
    let record = format!("r{n}");
    let first = |then| Some(FaultRule { when: When::FirstOf { record: record.clone(), calls: 1 }, then });
    let always = |then| Some(FaultRule { when: When::Record(record.clone()), then });
    let wait = vec![("retry-after-ms".to_owned(), "20".to_owned())];
    match n % 10 {
        1 => first(Then::Status { code: 429, body: None, headers: wait }),
        2 => first(Then::Close),
        3 => first(Then::status(503)),
        4 => first(Then::Garbage("I think it is a card".into())),
        5 => first(Then::ErrorIn200),
        6 => always(Then::status(400)),
        7 => always(Then::Truncate),
        8 => always(Then::Refuse),
        9 => always(Then::ErrorIn200),
        _ => None,
    }
}

fn is_hopeless(n: usize) -> bool {
    n % 10 >= 6
}

/// The records, with bad lines and repeated ids among them; also the ids of the bad lines, and how many ids repeat.
fn mixed_records() -> (String, BTreeSet<String>, usize) {
    const BAD: [&str; 5] = ["{\"request_id\":", "[1]", "{\"id\":\"x\"}", "{\"id\":\"y\",\"text\":\" \"}", "not JSON"];
    let (mut text, mut bad_ids, mut repeated) = (String::new(), BTreeSet::new(), 0);
    for n in 0..RECORDS {
        let _ = writeln!(text, "{{\"request_id\":\"r{n}\",\"text\":\"where is card number {n}\"}}");
        if n % 20 == 7 {
            bad_ids.insert(format!("line-{}", text.lines().count() + 1));
            let _ = writeln!(text, "{}\n", BAD[n / 20 % BAD.len()]);
        }
        if n % 25 == 3 {
            repeated += 1;
            let _ = writeln!(text, "{{\"request_id\":\"r{}\",\"text\":\"another text of the same id\"}}", n / 2);
        }
    }
    (text, bad_ids, repeated)
}

#[tokio::test]
async fn every_record_that_is_read_has_one_outcome() {
    let faults: Vec<FaultRule> = (0..RECORDS).filter_map(mixed_fault).collect();
    let server = FakeLlm::start(Script { faults, ..Script::default() }).await;
    let case = Case::new();
    let (records, bad_ids, repeated) = mixed_records();
    case.file("records.jsonl", records);
    case.file("clusters.jsonl", CLUSTERS);
    let args = ["--clusters", "clusters.jsonl", "--out", "rows.jsonl", "--summary", "summary.json"];
    let args = judging(
        "ollama",
        "records.jsonl",
        &server,
        &[&args[..], &["--parallel", "24", "--attempts", "2", "--retry-budget", "100"]].concat(),
    );
    let hopeless = (0..RECORDS).filter(|n| is_hopeless(*n)).map(|n| format!("r{n}"));
    let failing: BTreeSet<String> = hopeless.chain(bad_ids.iter().cloned()).collect();

    for already_done in [0, RECORDS + bad_ids.len() - failing.len()] {
        let ran = case.run_beside(&args).await.code(1);
        assert_eq!(ran.stdout, "", "the rows went to the file");
        let rows = rows(&case.read("rows.jsonl"));
        let ids = column(&rows, "request_id");
        let distinct: BTreeSet<String> = ids.iter().cloned().collect();
        let expected: BTreeSet<String> = (0..RECORDS).map(|n| format!("r{n}")).chain(bad_ids.clone()).collect();
        assert_eq!(distinct, expected);
        assert_eq!(ids.len(), expected.len(), "no id twice");
        for row in &rows {
            assert_ne!(row["decision"].is_null(), row["error"].is_null(), "either a decision or an error: {row}");
            let id = row["request_id"].as_str().unwrap();
            assert_eq!(row["decision"].is_null(), failing.contains(id), "{row}");
        }
        let summary: Value = serde_json::from_str(&case.read("summary.json")).unwrap();
        let count = |name: &str| usize::try_from(summary[name].as_u64().unwrap()).unwrap();
        assert_eq!(count("records"), expected.len());
        assert_eq!(count("records"), count("judged") + count("failed") + count("already_done"));
        assert_eq!((count("failed"), count("already_done")), (failing.len(), already_done));
        assert_eq!(count("duplicates"), repeated);
    }
    let calls = server.stats().calls_by_record;
    assert_eq!(calls["r0"], 1, "judged at once, and not sent again");
    assert_eq!((calls["r1"], calls["r2"], calls["r6"]), (2, 2, 2), "two attempts, or one in each run");
    assert!(!calls.keys().any(|id| bad_ids.contains(id)), "what is no record is not sent");
}

/// What goes wrong, and the fault's kind and code as each provider tells it.
type Row = (&'static str, Then, [(&'static str, &'static str); 2]);

fn answers(name: &'static str, words: &Value, code: &'static str) -> Row {
    let words = words.as_str().map_or_else(|| words.to_string(), str::to_owned);
    (name, Then::Garbage(words), [("malformed", code); 2])
}

fn verdict(changes: &Value) -> Value {
    let mut verdict = json!({
        "rationale": "so", "decision": "skip", "cluster_id": null, "confidence": "high", "new_cluster": null,
    });
    for (name, value) in changes.as_object().unwrap() {
        verdict[name] = value.clone();
    }
    verdict
}

fn faults() -> Vec<Row> {
    let status = |name, code, expected| (name, Then::status(code), expected);
    vec![
        (
            "redirect",
            Then::Status { code: 302, body: Some(String::new()), headers: vec![] },
            [("invalid-request", "302"); 2],
        ),
        status("bad-request", 400, [("invalid-request", "400"), ("invalid-request", "invalid_request_error")]),
        status("wrong-key", 401, [("credentials", "401"), ("credentials", "invalid_api_key")]),
        status("no-money", 402, [("quota", "402"), ("quota", "insufficient_quota")]),
        status("forbidden", 403, [("credentials", "403"), ("credentials", "invalid_request_error")]),
        status("gone", 404, [("invalid-request", "404"), ("model-not-found", "model_not_found")]),
        status("too-long", 413, [("too-long", "413"), ("too-long", "invalid_request_error")]),
        status("slow-down", 429, [("rate-limited", "429"), ("rate-limited", "rate_limit_exceeded")]),
        status("broken", 500, [("other", "500"), ("unavailable", "server_error")]),
        status("busy", 503, [("overloaded", "503"), ("overloaded", "server_error")]),
        ("closed", Then::Close, [("connect", "broken-off"); 2]),
        ("silent", Then::Stall(Duration::from_hours(1)), [("timed-out", "attempt"); 2]),
        ("cut-off", Then::Truncate, [("truncated", "length"); 2]),
        ("declined", Then::Refuse, [("malformed", "not-json"), ("refused", "refusal")]),
        ("error-in-200", Then::ErrorIn200, [("other", "200"), ("unavailable", "server_error")]),
        answers("prose", &json!("I would skip this one."), "not-json"),
        ("nothing", Then::Garbage(String::new()), [("malformed", "empty"), ("unavailable", "empty")]),
        ("half", Then::Garbage("{\"decision\": \"skip\"".to_owned()), [("truncated", "unfinished-json"); 2]),
        answers("list", &json!(["skip"]), "not-object"),
        answers("twice", &json!("{\"decision\":\"skip\"}{\"decision\":\"skip\",\"rationale\":\"so\"}"), "two-objects"),
        answers("no-decision", &verdict(&json!({ "decision": null })), "missing-field"),
        answers("odd-decision", &verdict(&json!({ "decision": "maybe" })), "unknown-decision"),
        answers("odd-confidence", &verdict(&json!({ "confidence": "certain" })), "unknown-confidence"),
        answers("contradiction", &verdict(&json!({ "cluster_id": "card_arrival" })), "contradiction"),
        answers("no-id", &verdict(&json!({ "decision": "assign" })), "missing-field"),
        answers("stranger", &verdict(&json!({ "decision": "assign", "cluster_id": "nowhere" })), "unknown-cluster"),
        answers("nameless", &verdict(&json!({ "decision": "new_cluster" })), "missing-field"),
        answers("number", &verdict(&json!({ "rationale": 1 })), "wrong-type"),
    ]
}

/// All faults in one run, a record each, beside one that really cannot be told.
async fn an_error_is_never_a_skip(provider: &str, place: usize) {
    let table = faults();
    let rules = table.iter().map(|(name, then, _)| {
        let when = When::Record((*name).to_owned());
        FaultRule { when, then: then.clone() }
    });
    let judge = |asked: &judge_host_kit::Asked| match asked.record_id.as_deref() {
        Some("real-skip") => Answered::Skip,
        _ => pick_by_hash(asked),
    };
    let server = FakeLlm::start(Script { faults: rules.collect(), judge: Arc::new(judge), ..Script::default() }).await;
    let case = Case::new();
    let names = table.iter().map(|(name, ..)| *name).chain(["real-skip", "fine"]);
    let records = names.map(|name| json!({ "id": name, "text": "where is my card" }).to_string() + "\n");
    case.file("records.jsonl", records.collect::<String>());
    case.file("clusters.jsonl", CLUSTERS);
    let args = ["--clusters", "clusters.jsonl", "--attempts", "1", "--timeout", "8s", "--parallel", "32"];
    let args = judging(provider, "records.jsonl", &server, &[&args[..], &["--summary", "summary.json"]].concat());
    let ran = case.run_beside(&args).await.code(1);
    let rows: BTreeMap<String, Value> =
        ran.rows().into_iter().map(|row| (row["request_id"].as_str().unwrap().to_owned(), row)).collect();

    for (name, _, expected) in &table {
        let row = &rows[*name];
        let found = (row["error"]["kind"].as_str(), row["error"]["code"].as_str());
        assert_eq!(found, (Some(expected[place].0), Some(expected[place].1)), "{provider}, {name}: {row}");
        assert!(!row["error"]["message"].as_str().unwrap().is_empty(), "{row}");
        let verdict = ["decision", "cluster_id", "confidence", "rationale", "suggested_cluster"];
        assert!(verdict.iter().all(|field| row[field].is_null()), "{row}");
        assert_eq!(row["attempts"], 1, "{row}");
    }
    assert_eq!((&rows["real-skip"]["decision"], &rows["real-skip"]["error"]), (&json!("skip"), &Value::Null));
    assert_eq!((&rows["fine"]["decision"], &rows["fine"]["error"]), (&json!("assign"), &Value::Null));
    let summary: Value = serde_json::from_str(&case.read("summary.json")).unwrap();
    assert_eq!((&summary["skip"], &summary["failed"]), (&json!(1), &json!(table.len())));
}

#[tokio::test]
async fn an_error_is_never_a_skip_with_ollama() {
    an_error_is_never_a_skip("ollama", 0).await;
}

#[tokio::test]
async fn an_error_is_never_a_skip_with_openai() {
    an_error_is_never_a_skip("openai", 1).await;
}

#[tokio::test]
async fn where_nobody_answers_every_record_says_so() {
    let server = FakeLlm::start(Script::default()).await;
    let case = Case::new();
    case.file("records.jsonl", crate::support::records(7));
    case.file("clusters.jsonl", CLUSTERS);
    let more = ["--clusters", "clusters.jsonl", "--attempts", "1", "--setting", "check_model=false"];
    let args = judging("openai", "records.jsonl", &server, &more);
    server.stop().await;
    let rows = case.run_beside(&args).await.code(1).rows();
    assert_eq!(rows.len(), 7);
    for row in rows {
        assert_eq!((&row["decision"], &row["error"]["kind"]), (&Value::Null, &json!("connect")), "{row}");
        assert_eq!(row["error"]["code"], "refused", "{row}");
    }
}
