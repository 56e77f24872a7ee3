//! No prompt, no body and no key in an error, a row, the registry or the talk on stderr, whatever a server echoes.

use crate::support::{CLUSTERS, Case, Ran, judging};
use judge_host_kit::{FakeLlm, FaultRule, Script, Then, When};
use serde_json::json;
use std::fs;

/// A record's text, as no word of the host's own.
const TEXT: &str = "my iban is XK05 1212 0123 4567 8906, please help";
const CONTEXT: &str = "caller Zyxwvut Qponmlk, born on a Tuesday";
const INSTRUCTIONS: &str = "We are the bank Hjkl of the isle of Qwertz.";
/// What must not be seen of them; also in another case.
const MARKERS: [&str; 3] = ["0123 4567", "zyxwvut", "qwertz"];
const KEY: &str = "sk-live-0f1e2d3c4b5a69788796a5b4";

/// Bodies that repeat what was sent, in the shapes that servers and models use.
fn echoes() -> Vec<(u16, String)> {
    let words = format!("cannot judge '{TEXT}' of {CONTEXT} under {INSTRUCTIONS}");
    let said =
        |content: &str| json!({ "model": "fake", "choices": [{ "message": { "content": content } }] }).to_string();
    let verdict = |decision: &str, id: &str, confidence: &str| {
        let verdict = json!({ "decision": decision, "cluster_id": id, "confidence": confidence, "rationale": "so" });
        said(&verdict.to_string())
    };
    let key = format!("Incorrect API key provided: {KEY}. Find yours in the dashboard.");
    let refusal = json!({ "choices": [{ "message": { "content": null, "refusal": words } }] }).to_string();
    vec![
        (400, words.clone()),
        (400, words.to_uppercase()),
        (400, json!({ "error": words }).to_string()),
        (400, json!({ "error": { "message": words, "type": "invalid_request_error" } }).to_string()),
        (400, json!({ "error": { "message": "no", "code": TEXT } }).to_string()),
        (400, json!({ "error": { "message": "no", "type": CONTEXT } }).to_string()),
        (400, json!({ "error": { "message": "no", "code": "unsupported_parameter", "param": TEXT } }).to_string()),
        (422, json!({ "detail": [{ "loc": ["body"], "msg": TEXT, "input": words }] }).to_string()),
        (500, json!({ "object": "error", "message": words.to_lowercase(), "code": 500 }).to_string()),
        (401, key.clone()),
        (401, json!({ "error": { "message": key, "code": "invalid_api_key" } }).to_string()),
        (403, json!({ "error": { "message": "no", "code": KEY } }).to_string()),
        (200, json!({ "error": { "message": words, "code": TEXT } }).to_string()),
        (200, json!({ "error": key }).to_string()),
        (200, said(&words)),
        (200, refusal),
        (200, verdict(TEXT, "", "high")),
        (200, verdict("assign", TEXT, "high")),
        (200, verdict("skip", "", CONTEXT)),
        (200, verdict(KEY, "", "high")),
        (200, words),
    ]
}

/// All that a run left, by name.
fn left(case: &Case, ran: &Ran) -> Vec<(String, String)> {
    let mut left = vec![("stdout".to_owned(), ran.stdout.clone()), ("stderr".to_owned(), ran.stderr.clone())];
    let given = ["records.jsonl", "instructions.txt"];
    for entry in fs::read_dir(case.path("")).expect("the case's folder") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_file() && !given.contains(&name.as_str()) {
            left.push((name, String::from_utf8_lossy(&fs::read(&path).expect("readable")).into_owned()));
        }
    }
    left
}

fn judged_beside(case: &mut Case, server: &FakeLlm, records: usize, more: &[&str]) -> Vec<String> {
    let record = |n| json!({ "id": format!("r{n}"), "text": TEXT, "caller": CONTEXT }).to_string() + "\n";
    case.file("records.jsonl", (0..records).map(record).collect::<String>());
    case.file("clusters.jsonl", CLUSTERS);
    case.file("instructions.txt", INSTRUCTIONS);
    case.env("THE_KEY", KEY);
    let args = ["--clusters", "clusters.jsonl", "--instructions", "instructions.txt", "--api-key-env", "THE_KEY"];
    judging("openai", "records.jsonl", server, &[&args[..], &["--attempts", "1"], more].concat())
}

#[tokio::test]
async fn what_a_server_echoes_is_nowhere_to_be_seen() {
    let echoes = echoes();
    let faults = echoes.iter().enumerate().map(|(n, (code, body))| FaultRule {
        when: When::Record(format!("r{n}")),
        then: Then::Status { code: *code, body: Some(body.clone()), headers: vec![] },
    });
    let faults = faults.collect();
    let server = FakeLlm::start(Script { faults, key: Some(KEY.into()), keep_bodies: true, ..Script::default() }).await;
    let mut case = Case::new();
    let args = judged_beside(&mut case, &server, echoes.len(), &["--out", "rows.jsonl", "--summary", "summary.json"]);
    let ran = case.run_beside(&args).await.code(1);
    let stats = server.stats();
    assert_eq!(stats.auth, [Some(KEY.to_owned())], "the key was sent");
    assert!(stats.bodies.iter().all(|body| body.contains("0123 4567") && body.contains("Qwertz")), "so was the prompt");

    let rows = crate::support::rows(&case.read("rows.jsonl"));
    assert_eq!(rows.len(), echoes.len());
    assert!(rows.iter().all(|row| !row["error"].is_null()), "each of them is an error");
    for row in &rows {
        assert_unseen("a row", &row.to_string());
    }
    let left = left(&case, &ran);
    assert!(left.iter().any(|(name, _)| name.starts_with("judge.db")), "the registry is looked at, too");
    for (name, text) in left {
        assert_unseen(&name, &text);
    }
}

#[track_caller]
fn assert_unseen(place: &str, text: &str) {
    let folded = text.to_lowercase();
    for marker in MARKERS {
        let at = folded.find(marker);
        assert!(at.is_none(), "`{marker}` in {place}: {}", around(&folded, at.unwrap_or_default()));
    }
    let at = folded.find(KEY);
    assert!(at.is_none(), "the key in {place}: {}", around(&folded, at.unwrap_or_default()));
}

fn around(text: &str, at: usize) -> &str {
    &text[text.floor_char_boundary(at.saturating_sub(200))..text.ceil_char_boundary((at + 200).min(text.len()))]
}

#[tokio::test]
async fn bodies_are_shown_only_when_asked_for_and_the_key_never() {
    let body = json!({ "error": { "message": format!("Incorrect API key provided: {KEY}") } }).to_string();
    let then = Then::Status { code: 401, body: Some(body), headers: vec![] };
    let faults = vec![FaultRule { when: When::Always, then }];
    let server = FakeLlm::start(Script { faults, ..Script::default() }).await;
    let mut case = Case::new();
    let args = judged_beside(&mut case, &server, 1, &["--log-bodies"]);
    let ran = case.run_beside(&args).await.code(1);
    assert!(ran.stderr.contains("0123 4567"), "{}", ran.stderr);
    assert!(ran.stderr.contains("Incorrect API key"), "{}", ran.stderr);
    assert!(!ran.stderr.contains(KEY) && !ran.stdout.contains(KEY), "{}\n{}", ran.stderr, ran.stdout);
}

#[tokio::test]
async fn a_key_that_does_not_let_in_is_not_told() {
    let server = FakeLlm::start(Script { key: Some("another".into()), ..Script::default() }).await;
    let mut case = Case::new();
    let args = judged_beside(&mut case, &server, 1, &[]);
    let ran = case.run_beside(&args).await.code(2);
    assert_eq!((ran.stdout.as_str(), server.stats().calls), ("", 0), "it ends before the first record");
    assert!(ran.stderr.contains("credentials") && ran.stderr.contains("hint:"), "{}", ran.stderr);
    assert_unseen("stderr", &ran.stderr);
}

#[tokio::test]
async fn a_record_is_kept_only_as_a_sample_of_a_cluster_that_it_gave_birth_to() {
    let server = FakeLlm::start(Script::default()).await;
    let mut case = Case::new();
    let args = judged_beside(&mut case, &server, 3, &["--out", "rows.jsonl"]);
    let ran = case.run_beside(&args).await.code(0);
    for (name, text) in left(&case, &ran) {
        assert_unseen(&name, &text);
    }
}
