//! What answers and errors come to: kinds, codes, attempts, and what was paid for them.

use super::{PROVIDERS, case, judge};
use crate::support::server::{Reply, Server};
use judge_host_kit::{FakeLlm, FaultRule, Script, Then, When};
use serde_json::{Value, json};

/// Both providers, or one of them.
const BOTH: &[&str] = &PROVIDERS;
const OLLAMA: &[&str] = &["ollama"];
const OPENAI: &[&str] = &["openai"];

fn failing(when: When, then: Then) -> Script {
    Script { faults: vec![FaultRule { when, then }], ..Script::default() }
}

/// An error in OpenAI's own form.
fn error(status: u16, kind: &str, code: Option<&str>) -> Then {
    let body = json!({ "error": { "message": "so it is", "type": kind, "param": null, "code": code } });
    Then::Status { code: status, body: Some(body.to_string()), headers: Vec::new() }
}

/// One record whose every call ends like this: the row's kind and code, and how many calls were made of it.
async fn check(providers: &[&str], then: Then, kind: &str, code: &str, calls: u64) {
    for provider in providers {
        let server = FakeLlm::start(failing(When::Always, then.clone())).await;
        let ran = judge(&case(1), provider, &server.url(), &["--attempts", "2"]).await.code(1);
        let row = &ran.rows()[0];
        let found = (row["error"]["kind"].as_str(), row["error"]["code"].as_str());
        assert_eq!(found, (Some(kind), Some(code)), "{provider}: {then:?}: {row}");
        assert_eq!((row["attempts"].as_u64(), server.stats().calls), (Some(calls), calls), "{row}");
        assert!(row["decision"].is_null() && row["cluster_id"].is_null(), "an error is never a skip: {row}");
    }
}

#[tokio::test]
async fn what_a_person_must_change_is_not_tried_again() {
    check(OPENAI, error(429, "insufficient_quota", Some("insufficient_quota")), "quota", "insufficient_quota", 1).await;
    check(OPENAI, Then::status(402), "quota", "insufficient_quota", 1).await;
    check(OLLAMA, Then::status(402), "quota", "402", 1).await;
    check(OPENAI, Then::status(401), "credentials", "invalid_api_key", 1).await;
    check(BOTH, error(403, "x", None), "credentials", "x", 1).await;
    check(OPENAI, error(404, "x", Some("model_not_found")), "model-not-found", "model_not_found", 1).await;
}

#[tokio::test]
async fn what_passes_by_itself_is_tried_again() {
    check(OPENAI, Then::status(429), "rate-limited", "rate_limit_exceeded", 2).await;
    check(OLLAMA, Then::status(429), "rate-limited", "429", 2).await;
    check(BOTH, error(503, "x", None), "overloaded", "x", 2).await;
    check(OPENAI, error(500, "x", None), "unavailable", "x", 2).await;
    check(OLLAMA, error(500, "x", None), "other", "x", 2).await;
    check(BOTH, Then::Close, "connect", "broken-off", 2).await;
}

#[tokio::test]
async fn what_the_model_says_is_told_apart() {
    check(BOTH, Then::Truncate, "truncated", "length", 2).await;
    check(OPENAI, Then::Refuse, "refused", "refusal", 1).await;
    check(OLLAMA, Then::Refuse, "malformed", "not-json", 2).await;
    check(BOTH, Then::Garbage("<think>hm</think> a card".to_owned()), "malformed", "not-json", 2).await;
    check(OLLAMA, Then::Garbage(String::new()), "malformed", "empty", 2).await;
    // Without a single token the model has not begun.
    check(OPENAI, Then::Garbage(String::new()), "unavailable", "empty", 2).await;
    let context = error(400, "invalid_request_error", Some("context_length_exceeded"));
    check(OPENAI, context, "too-long", "context_length_exceeded", 1).await;
    let words = Then::Status {
        code: 400,
        body: Some(r#"{"error":"the input length exceeds the context length"}"#.to_owned()),
        headers: Vec::new(),
    };
    check(OLLAMA, words, "too-long", "400", 1).await;
    check(OPENAI, Then::ErrorIn200, "unavailable", "server_error", 2).await;
}

#[tokio::test]
async fn a_limit_that_passes_costs_attempts_and_no_record() {
    for provider in PROVIDERS {
        let then = Then::Status { code: 429, body: None, headers: vec![("retry-after".into(), "0".into())] };
        let server = FakeLlm::start(failing(When::FirstOfEachRecord(1), then)).await;
        let rows = judge(&case(6), provider, &server.url(), &["--parallel", "6"]).await.code(0).rows();
        assert_eq!(rows.len(), 6);
        assert!(rows.iter().all(|row| row["attempts"] == 2 && row["decision"] == "assign"), "{rows:?}");
        assert_eq!(server.stats().calls, 12);
    }
}

#[tokio::test]
async fn one_records_failure_is_its_own() {
    let server = FakeLlm::start(failing(When::Record("r3".to_owned()), Then::status(402))).await;
    let case = case(10);
    let rows = judge(&case, "openai", &server.url(), &["--summary", "s.json"]).await.code(1).rows();
    let failed: Vec<_> = rows.iter().filter(|row| row["decision"].is_null()).collect();
    assert_eq!((rows.len(), failed.len(), &failed[0]["request_id"]), (10, 1, &json!("r3")));
    let summary: Value = serde_json::from_str(&case.read("s.json")).unwrap();
    assert_eq!((&summary["judged"], &summary["failed"], &summary["skip"]), (&json!(9), &json!(1), &json!(0)));
}

#[tokio::test]
async fn answers_that_were_cut_off_are_paid_and_counted() {
    for provider in PROVIDERS {
        let server = FakeLlm::start(failing(When::Always, Then::Truncate)).await;
        let case = case(1);
        let rows = judge(&case, provider, &server.url(), &["--summary", "s.json"]).await.code(1).rows();
        let once = FakeLlm::start(failing(When::Call(1), Then::Truncate)).await;
        let single = judge(&case, provider, &once.url(), &["--attempts", "1", "--batch-id", "b"]).await.code(1).rows();
        for tokens in ["input_tokens", "output_tokens"] {
            let (twice, once) = (rows[0][tokens].as_u64().unwrap(), single[0][tokens].as_u64().unwrap());
            assert!(once > 0 && twice == 2 * once, "{tokens} of two attempts: {twice}, of one: {once}");
        }
        let summary: Value = serde_json::from_str(&case.read("s.json")).unwrap();
        assert_eq!(summary["output_tokens"], rows[0]["output_tokens"]);
        assert_eq!((&summary["calls"], &summary["retries"]), (&json!(2), &json!(1)));
    }
}

#[tokio::test]
async fn usage_and_cost_reach_rows_and_summary() {
    let verdict = r#"{"rationale":"","decision":"skip","cluster_id":null,"confidence":"low","new_cluster":null}"#;
    let server = Server::start(move |_| {
        let usage = json!({ "prompt_tokens": 310, "completion_tokens": 42, "cost": 0.00125,
            "prompt_tokens_details": { "cached_tokens": 256 } });
        let choice = json!({ "message": { "content": verdict }, "finish_reason": "stop" });
        Reply::ok(json!({ "model": "fake-2", "choices": [choice], "usage": usage }).to_string())
    })
    .await;
    let case = case(4);
    let args = ["--setting", "check_model=false", "--out", "rows.csv", "--summary", "s.json"];
    judge(&case, "openai", &server.url(), &args).await.code(0);
    let mut csv = csv::Reader::from_path(case.path("rows.csv")).unwrap();
    let names = csv.headers().unwrap().clone();
    let cell =
        |row: &csv::StringRecord, name: &str| row[names.iter().position(|known| known == name).unwrap()].to_owned();
    let rows: Vec<_> = csv.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4);
    for row in &rows {
        for (name, value) in [
            ("model", "fake-2"),
            ("input_tokens", "310"),
            ("cached_input_tokens", "256"),
            ("output_tokens", "42"),
            ("cost_usd", "0.00125"),
        ] {
            assert_eq!(cell(row, name), value, "{name}");
        }
    }
    let summary: Value = serde_json::from_str(&case.read("s.json")).unwrap();
    assert_eq!((&summary["input_tokens"], &summary["cached_input_tokens"]), (&json!(1240), &json!(1024)));
    assert_eq!((&summary["output_tokens"], &summary["cost_usd"]), (&json!(168), &json!(0.005)));
}

#[tokio::test]
async fn what_is_not_reported_is_unknown_and_not_zero() {
    let server = Server::start(|_| super::skipping()).await;
    let case = case(1);
    let args = ["--setting", "check_model=false", "--summary", "s.json"];
    let rows = judge(&case, "openai", &server.url(), &args).await.code(0).rows();
    let summary: Value = serde_json::from_str(&case.read("s.json")).unwrap();
    for name in ["input_tokens", "cached_input_tokens", "output_tokens", "cost_usd"] {
        assert!(rows[0][name].is_null() && summary[name].is_null(), "{name}");
    }
}
