//! Anthropic's API and OpenRouter's, as far as they differ from the two that the fake server speaks: where the key goes,
//! what stands in the path, and what an answer cost.

use super::case;
use crate::support::server::{Reply, Seen, Server};
use crate::support::{Case, Ran};
use serde_json::{Value, json};

const KEY: &str = "sk-vendor-0123";

/// Judges two records with a key, below this path of the server.
async fn judge(server: &Server, provider: &str, model: &str, base: &str) -> (Case, Ran) {
    let mut case = case(2);
    case.env("MY_KEY", KEY);
    let endpoint = format!("{}{base}", server.url());
    let mut args = vec!["judge", "records.jsonl", "--clusters", "clusters.jsonl", "--parallel", "1"];
    args.extend(["--provider", provider, "--model", model, "--endpoint", &endpoint, "--api-key-env", "MY_KEY"]);
    args.extend(["--summary", "summary.json"]);
    let ran = case.run_beside(&args).await.code(0);
    (case, ran)
}

fn verdict() -> String {
    let verdict = json!({ "rationale": "about a card", "decision": "assign", "cluster_id": "card_arrival",
        "confidence": "high", "new_cluster": null });
    verdict.to_string()
}

fn lines(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|seen| seen.line.as_str()).collect()
}

/// What both rows say of the judge and the price.
fn check(rows: &[Value], model: &str, tokens: [u64; 3], cost_usd: Option<f64>) {
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert_eq!((&row["decision"], &row["cluster_id"]), (&"assign".into(), &"card_arrival".into()), "{row}");
        assert_eq!(row["model"], model, "the one that answered, not the one asked for");
        let found = ["input_tokens", "cached_input_tokens", "output_tokens"].map(|name| row[name].as_u64());
        assert_eq!(found, tokens.map(Some), "{row}");
        assert_eq!(row["cost_usd"].as_f64(), cost_usd, "{row}");
    }
}

#[tokio::test]
async fn anthropics_key_version_and_cached_tokens() {
    let server = Server::start(|seen| {
        Reply::ok(if seen.line.starts_with("GET") {
            json!({ "type": "model", "id": "claude-fake", "capabilities": { "structured_outputs": { "supported": true } } })
                .to_string()
        } else {
            let usage = json!({ "input_tokens": 10, "cache_read_input_tokens": 900, "cache_creation_input_tokens": 90,
                "output_tokens": 20 });
            let content = json!([{ "type": "text", "text": verdict() }]);
            json!({ "type": "message", "role": "assistant", "model": "claude-fake-20260101", "content": content,
                "stop_reason": "end_turn", "usage": usage })
            .to_string()
        })
    })
    .await;
    let (case, ran) = judge(&server, "anthropic", "claude-fake", "").await;
    check(&ran.rows(), "claude-fake-20260101", [1000, 900, 20], None);

    let seen = server.seen();
    assert_eq!(lines(&seen), ["GET /v1/models/claude-fake", "POST /v1/messages", "POST /v1/messages"]);
    for seen in &seen {
        assert_eq!((&*seen.headers["x-api-key"], &*seen.headers["anthropic-version"]), (KEY, "2023-06-01"));
        assert!(!seen.headers.contains_key("authorization") && !seen.body.contains(KEY), "{seen:?}");
    }
    let body: Value = serde_json::from_str(&seen[1].body).unwrap();
    assert_eq!(body["output_config"]["format"]["type"], "json_schema");
    let summary: Value = serde_json::from_str(&case.read("summary.json")).unwrap();
    assert_eq!((&summary["input_tokens"], &summary["cached_input_tokens"]), (&json!(2000), &json!(1800)));
    assert_eq!(summary["cost_usd"], Value::Null, "a price that the API does not tell is not made up");
}

#[tokio::test]
async fn openrouters_path_model_and_cost() {
    // Both ways of naming the server lead to the same paths.
    for base in ["", "/api/v1"] {
        let server = Server::start(|seen| {
            Reply::ok(match seen.line.as_str() {
                "GET /api/v1/key" => json!({ "data": { "limit": null, "limit_remaining": null } }).to_string(),
                "GET /api/v1/models/maker/fake/endpoints" => {
                    let takes = ["structured_outputs", "response_format", "max_tokens", "temperature"];
                    json!({ "data": { "endpoints": [{ "supported_parameters": takes }] } }).to_string()
                }
                _ => {
                    let message = json!({ "role": "assistant", "content": verdict() });
                    let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 20, "cost": 0.00125,
                        "prompt_tokens_details": { "cached_tokens": 900 } });
                    json!({ "model": "maker/fake-2026", "provider": "Somewhere", "usage": usage,
                        "choices": [{ "message": message, "finish_reason": "stop" }] })
                    .to_string()
                }
            })
        })
        .await;
        let (case, ran) = judge(&server, "openrouter", "maker/fake", base).await;
        check(&ran.rows(), "maker/fake-2026", [1000, 900, 20], Some(0.00125));

        let seen = server.seen();
        let calls = ["POST /api/v1/chat/completions"; 2];
        assert_eq!(
            lines(&seen),
            [&["GET /api/v1/key", "GET /api/v1/models/maker/fake/endpoints"][..], &calls].concat()
        );
        assert!(seen.iter().all(|seen| seen.headers["authorization"] == format!("Bearer {KEY}")));
        let body: Value = serde_json::from_str(&seen[2].body).unwrap();
        assert_eq!((&body["model"], &body["provider"]["require_parameters"]), (&json!("maker/fake"), &json!(true)));
        let summary: Value = serde_json::from_str(&case.read("summary.json")).unwrap();
        assert_eq!(summary["cost_usd"], 0.0025);
        assert!(ran.stderr.contains("$0.0025"), "{}", ran.stderr);
    }
}
