//! Both wire dialects against the fake server, and those of two vendors: what is sent, and what comes of the answers.

mod answers;
mod keys;
mod reach;
mod vendors;

use crate::support::server::{Reply, Server};
use crate::support::{CLUSTERS, Case, Ran, no_probe, records};
use judge_host_kit::{Answered, FakeLlm, Script, Stats};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const PROVIDERS: [&str; 2] = ["ollama", "openai"];
const IDS: [&str; 3] = ["card_arrival", "top_up_failed", "exchange_rate"];

/// A folder with records and the three clusters.
fn case(count: usize) -> Case {
    let case = Case::new();
    case.file("records.jsonl", records(count));
    case.file("clusters.jsonl", CLUSTERS);
    case
}

/// Judges `records.jsonl` against `clusters.jsonl`.
async fn judge(case: &Case, provider: &str, endpoint: &str, args: &[&str]) -> Ran {
    let mut all = vec!["judge", "records.jsonl", "--clusters", "clusters.jsonl"];
    all.extend(["--provider", provider, "--model", "fake", "--endpoint", endpoint]);
    all.extend(no_probe(provider));
    all.extend(args);
    case.run_beside(&all).await
}

/// A script that keeps what it is asked, and answers at random but always the same.
fn keeping() -> Script {
    Script { keep_bodies: true, ..Script::default() }
}

/// The bodies of all calls.
fn bodies(stats: &Stats) -> Vec<Value> {
    stats.bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect()
}

fn message<'a>(body: &'a Value, role: &str) -> &'a str {
    let messages = body["messages"].as_array().unwrap();
    messages.iter().find(|message| message["role"] == role).unwrap()["content"].as_str().unwrap()
}

/// The ids that the answer may name.
fn offered(body: &Value) -> Vec<&str> {
    let schema =
        if body["format"].is_object() { &body["format"] } else { &body["response_format"]["json_schema"]["schema"] };
    let either = schema["properties"]["cluster_id"]["anyOf"].as_array().unwrap();
    either[0]["enum"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect()
}

/// A chat completion that skips.
fn skipping() -> Reply {
    let verdict = json!({ "rationale": "", "decision": "skip", "cluster_id": null, "confidence": "low",
        "new_cluster": null });
    let message = json!({ "role": "assistant", "content": verdict.to_string() });
    Reply::ok(json!({ "choices": [{ "message": message, "finish_reason": "stop" }] }).to_string())
}

#[tokio::test]
async fn fifty_records_become_fifty_rows() {
    for provider in PROVIDERS {
        let judge_all = |asked: &judge_host_kit::Asked| {
            let id = asked.record_id.as_deref().unwrap_or_default();
            let n: usize = id.trim_start_matches('r').parse().unwrap();
            Answered::Assign(asked.candidate_ids[n % 3].clone())
        };
        let server = FakeLlm::start(Script { judge: Arc::new(judge_all), ..keeping() }).await;
        let case = case(50);
        let rows = judge(&case, provider, &server.url(), &[]).await.code(0).rows();
        let found: BTreeSet<_> = rows.iter().map(|row| row["request_id"].as_str().unwrap()).collect();
        assert_eq!((rows.len(), found.len()), (50, 50));
        for row in &rows {
            let n: usize = row["request_id"].as_str().unwrap()[1..].parse().unwrap();
            let shown = (row["decision"].as_str(), row["cluster_id"].as_str(), row["confidence"].as_str());
            assert_eq!(shown, (Some("assign"), Some(IDS[n % 3]), Some("high")), "{row}");
            assert_eq!(row["rationale"], "decided by the script");
            assert_eq!(
                (&row["provider"], &row["model"], &row["batch_id"]),
                (&json!(provider), &json!("fake"), &json!("records"))
            );
            assert_eq!((&row["attempts"], &row["slice_id"], &row["error"]), (&json!(1), &json!(0), &Value::Null));
            assert_eq!(
                (row["component_digest"].as_str().unwrap().len(), row["request_hash"].as_str().unwrap().len()),
                (64, 64)
            );
            assert!(row["input_tokens"].as_u64() > Some(0) && row["output_tokens"].as_u64() > Some(0), "{row}");
        }
        let stats = server.stats();
        assert_eq!((stats.calls, stats.calls_by_record.len()), (50, 50), "no record is sent twice");
        the_prompts_are_as_documented(&bodies(&stats));
    }
}

/// What all records share comes first and is the same to the byte; the candidates stand in order; the record is last.
fn the_prompts_are_as_documented(bodies: &[Value]) {
    let first = message(&bodies[0], "system");
    let lines = CLUSTERS.lines().map(|line| line.replacen("cluster_id", "id", 1) + "\n").collect::<String>();
    assert!(first.ends_with(&format!("\nClusters, one a line:\n{lines}")), "{first}");
    for body in bodies {
        assert_eq!(message(body, "system"), first);
        assert_eq!(offered(body), IDS);
        let roles: Vec<_> = body["messages"].as_array().unwrap().iter().map(|message| &message["role"]).collect();
        assert_eq!(roles, ["system", "user"]);
        let user = message(body, "user");
        let id = user.lines().next().and_then(|line| line.strip_prefix("Record id: r")).unwrap();
        assert_eq!(user, format!("Record id: r{id}\nText: \"where is card number {id}\"\n"));
    }
}

#[tokio::test]
async fn an_endpoint_may_end_in_the_path_that_the_provider_adds() {
    for (provider, path) in
        [("ollama", ""), ("ollama", "/"), ("ollama", "/api"), ("openai", ""), ("openai", "/v1"), ("openai", "/v1/")]
    {
        let server = FakeLlm::start(Script::default()).await;
        let case = case(2);
        judge(&case, provider, &format!("{}{path}", server.url()), &[]).await.code(0);
        let stats = server.stats();
        // The list of models; of Ollama also what the model can do, and its loading.
        let others = if provider == "ollama" { 3 } else { 1 };
        assert_eq!((stats.calls, stats.other_requests), (2, others), "{provider} at `{path}`");
    }
}

#[tokio::test]
async fn a_base_path_stands_before_every_request() {
    for path in ["/proxy/v1", "/proxy", "/a/b/"] {
        let server = Server::start(|seen| {
            if seen.line.starts_with("GET") { Reply::ok(r#"{"data":[{"id":"fake"}]}"#) } else { skipping() }
        })
        .await;
        judge(&case(1), "openai", &format!("{}{path}", server.url()), &[]).await.code(0);
        let base = path.trim_end_matches("/v1").trim_end_matches('/');
        let lines: Vec<_> = server.seen().into_iter().map(|seen| seen.line).collect();
        assert_eq!(lines, [format!("GET {base}/v1/models"), format!("POST {base}/v1/chat/completions")]);
    }
}

#[tokio::test]
async fn connections_are_kept_and_are_no_more_than_records_in_flight() {
    for provider in PROVIDERS {
        let server = FakeLlm::start(Script { delay: Duration::from_millis(2), ..Script::default() }).await;
        judge(&case(200), provider, &server.url(), &["--parallel", "4"]).await.code(0);
        let stats = server.stats();
        assert_eq!(stats.calls, 200);
        assert!(stats.connections <= 4 && stats.in_flight_peak <= 4, "{stats:?}");
    }
}

#[tokio::test]
async fn the_operators_words_and_language_reach_the_prompt() {
    for provider in PROVIDERS {
        let server = FakeLlm::start(keeping()).await;
        let case = case(1);
        case.file("words.txt", "We are a bank. Cards are never top-ups.\n");
        let mut args = vec!["--instructions", "words.txt", "--language", "ru", "--temperature", "0.7"];
        args.extend(["--max-output-tokens", "99", "--seed", "7", "--no-new-cluster"]);
        judge(&case, provider, &server.url(), &args).await.code(0);
        let body = &bodies(&server.stats())[0];
        let system = message(body, "system");
        assert!(system.contains("\nWhat to know besides:\nWe are a bank. Cards are never top-ups.\n"), "{system}");
        assert!(system.contains("in the language with the BCP 47 tag `ru`"), "{system}");
        assert!(!system.contains("- \"new_cluster\""), "{system}");
        let (sampling, limit) =
            if provider == "ollama" { (&body["options"], "num_predict") } else { (body, "max_completion_tokens") };
        assert_eq!((&sampling["temperature"], &sampling["seed"]), (&json!(0.7), &json!(7)));
        assert_eq!(sampling[limit], 99);
    }
}

#[tokio::test]
async fn settings_of_the_provider_reach_the_request() {
    let server = FakeLlm::start(keeping()).await;
    let (ollama, openai) = (case(1), case(1));
    judge(&ollama, "ollama", &server.url(), &["--setting", "num_ctx=4096"]).await.code(0);
    judge(&openai, "openai", &server.url(), &["--setting", "token_limit_field=max_tokens"]).await.code(0);
    let bodies = bodies(&server.stats());
    assert_eq!((&bodies[0]["options"]["num_ctx"], &bodies[1]["max_tokens"]), (&json!(4096), &json!(512)));
}

#[tokio::test]
async fn of_many_clusters_the_most_relevant_are_shown() {
    let server = FakeLlm::start(keeping()).await;
    let case = case(0);
    case.file("records.jsonl", "{\"id\":\"r1\",\"text\":\"the price of a currency, and adding money\"}\n");
    judge(&case, "openai", &server.url(), &["--candidates-max", "2"]).await.code(0);
    let body = &bodies(&server.stats())[0];
    assert_eq!(offered(body), ["top_up_failed", "exchange_rate"], "the other one has no word of the text");
    assert!(!message(body, "system").contains("card_arrival"));
}

#[tokio::test]
async fn a_record_may_name_its_own_candidates() {
    let server = FakeLlm::start(keeping()).await;
    let case = case(0);
    let named = concat!(
        r#"{"id":"r1","text":"x","candidates":["exchange_rate","card_arrival"],"channel":"app"}"#,
        "\n",
        r#"{"id":"r2","text":"x","candidates":["no_such"]}"#,
        "\n",
    );
    case.file("records.jsonl", named);
    let rows = judge(&case, "ollama", &server.url(), &["--parallel", "1"]).await.code(1).rows();
    let bodies = bodies(&server.stats());
    assert_eq!(bodies.len(), 1, "the second one is not sent");
    assert_eq!(offered(&bodies[0]), ["card_arrival", "exchange_rate"]);
    assert_eq!(message(&bodies[0], "user"), "Record id: r1\n\"channel\": \"app\"\nText: \"x\"\n");
    assert_eq!(rows[0]["decision"], "assign");
    let error = &rows[1]["error"];
    assert_eq!((error["kind"].as_str(), error["code"].as_str()), (Some("bad-input"), Some("unknown-candidate")));
    assert!(error["message"].as_str().unwrap().contains("`no_such`"), "{error}");
    assert_eq!(rows[1]["attempts"], 0);
}

#[tokio::test]
async fn a_new_cluster_is_proposed_named_and_offered_to_the_next() {
    let proposing = |asked: &judge_host_kit::Asked| match asked.candidate_ids.first() {
        Some(id) => Answered::Assign(id.clone()),
        None => Answered::NewCluster { name: "Card Arrival".into(), summary: "s".into(), criteria: "c".into() },
    };
    for provider in PROVIDERS {
        let server = FakeLlm::start(Script { judge: Arc::new(proposing), ..keeping() }).await;
        let case = case(2);
        let args = ["judge", "records.jsonl", "--provider", provider, "--model", "fake", "--parallel", "1"];
        let url = server.url();
        let args = [&args[..], no_probe(provider), &["--endpoint", &url]].concat();
        let rows = case.run_beside(&args).await.code(0).rows();
        let id = rows[0]["cluster_id"].as_str().unwrap();
        assert_eq!((rows[0]["decision"].as_str(), rows[1]["decision"].as_str()), (Some("new_cluster"), Some("assign")));
        assert_eq!(rows[0]["suggested_cluster"], json!({ "name": "Card Arrival", "summary": "s", "criteria": "c" }));
        assert_eq!((rows[1]["cluster_id"].as_str(), offered(&bodies(&server.stats())[1])), (Some(id), vec![id]));
    }
}

// As a user of the Python ancestor has it, with what that program alone reads.
#[tokio::test]
async fn the_ancestors_env_file_works_as_it_stands() {
    let server = FakeLlm::start(Script { delay: Duration::from_millis(100), ..keeping() }).await;
    let case = case(12);
    let url = server.url();
    case.file(
        ".env",
        format!(
            "# LLM Configuration\nDEFAULT_LLM_PROVIDER=ollama\nDEFAULT_MODEL=gpt-4o-mini\nDEFAULT_TEMPERATURE=0.3\n\
             DEFAULT_MAX_TOKENS=700\n\n# Ollama\nOLLAMA_API_URL={url}/api\nOLLAMA_MODEL=fake\n\n\
             TRITON_API_URL=http://localhost:8000\nTRITON_MODEL=\nOPENAI_API_KEY=sk-of-openai\nANTHROPIC_API_KEY=\n\
             OPENROUTER_API_KEY='sk-or'\nOPENROUTER_MODEL=openai/gpt-4o-mini\nPARALLEL_INFERENCE_BATCH_SIZE=3\n\
             LOG_LEVEL=INFO\n"
        ),
    );
    let ran = case.run_beside(&["judge", "records.jsonl"]).await.code(0);
    assert_eq!(ran.rows().len(), 12);
    assert!(ran.rows().iter().all(|row| row["provider"] == "ollama" && row["model"] == "fake"), "{}", ran.stdout);
    let stats = server.stats();
    assert_eq!((stats.calls, stats.in_flight_peak), (12, 3));
    let body = &bodies(&stats)[0];
    assert_eq!((&body["model"], &body["options"]["temperature"]), (&json!("fake"), &json!(0.3)));
    assert_eq!(body["options"]["num_predict"], 700);
    assert_eq!(stats.auth, [None], "the keys are for others");
}
