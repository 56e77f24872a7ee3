//! Same inputs, same component: byte-identical requests; and rows say who judged, by what, and on which epoch.

use crate::support::{CLUSTERS, Case, Ran, judging, plugins, rows};
use judge_host_kit::{FakeLlm, FaultRule, Script, Stats, Then, When};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

const RECORDS: usize = 60;

/// The same records with a fresh registry.
async fn judged(provider: &str, parallel: &str) -> (Ran, Stats) {
    let server = FakeLlm::start(Script { keep_bodies: true, ..Script::default() }).await;
    let case = Case::new();
    let record = |n| {
        let text = format!("where is card {n}, «карта» \"№\" 💳\n");
        json!({ "request_id": format!("r{n}"), "text": text, "channel": "app", "age": n }).to_string() + "\n"
    };
    case.file("records.jsonl", (0..RECORDS).map(record).collect::<String>());
    case.file("clusters.jsonl", CLUSTERS);
    case.file("instructions.txt", "We are a bank.");
    let more = ["--clusters", "clusters.jsonl", "--instructions", "instructions.txt", "--seed", "7"];
    let args = judging(provider, "records.jsonl", &server, &[&more[..], &["--parallel", parallel]].concat());
    (case.run_beside(&args).await.code(0), server.stats())
}

fn sorted(mut bodies: Vec<String>) -> Vec<String> {
    bodies.sort_unstable();
    bodies
}

fn by_id(ran: &Ran, field: &str) -> BTreeMap<String, Value> {
    ran.rows().iter().map(|row| (row["request_id"].to_string(), row[field].clone())).collect()
}

#[tokio::test]
async fn requests_are_byte_identical_however_many_are_in_flight() {
    for provider in ["ollama", "openai"] {
        let (one, one_stats) = judged(provider, "1").await;
        let (many, many_stats) = judged(provider, "8").await;
        assert_eq!(one_stats.bodies.len(), RECORDS);
        assert_eq!(sorted(one_stats.bodies.clone()), sorted(many_stats.bodies), "{provider}");
        let hashes = by_id(&one, "request_hash");
        assert_eq!(hashes, by_id(&many, "request_hash"), "{provider}");
        let different: BTreeSet<String> = hashes.values().map(Value::to_string).collect();
        assert_eq!(different.len(), RECORDS, "every record has its own request");
        assert!(hashes.values().all(|hash| hash.as_str().is_some_and(is_sha256)));
        shares_its_beginning(&one_stats.bodies);
    }
}

/// All bodies are the same up to the record: what a prefix cache keeps.
fn shares_its_beginning(bodies: &[String]) {
    let parsed: Vec<Value> = bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    let message =
        |body: &Value, n: usize| (body["messages"][n]["role"].clone(), body["messages"][n]["content"].clone());
    let system = message(&parsed[0], 0);
    assert_eq!(system.0, "system");
    assert!(system.1.as_str().unwrap().contains("card_arrival"), "the candidates are in it");
    assert!(parsed.iter().all(|body| message(body, 0) == system), "the system message is the same for all");
    let start = bodies[0].find("Record id: ").expect("the record is in it");
    assert!(bodies.iter().all(|body| body[..start] == bodies[0][..start]), "so is every byte before the record");
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[tokio::test]
async fn rows_say_who_judged_by_which_model_and_on_which_epoch() {
    let answer = json!({ "decision": "skip", "cluster_id": null, "confidence": "high", "rationale": "so" });
    let body = json!({
        "model": "fake-2026-01-31", "done": true, "done_reason": "stop", "message": { "content": answer.to_string() },
    });
    let then = Then::Status { code: 200, body: Some(body.to_string()), headers: vec![] };
    let refused = FaultRule { when: When::Record("r3".into()), then: Then::status(400) };
    let renamed = FaultRule { when: When::Record("r1".into()), then };
    let server = FakeLlm::start(Script { faults: vec![renamed, refused], ..Script::default() }).await;
    let case = Case::new();
    case.file("records.jsonl", crate::support::records(4));
    case.file("clusters.jsonl", CLUSTERS);
    let more = ["--clusters", "clusters.jsonl", "--parallel", "1", "--out", "rows.jsonl", "--batch-id", "monday"];
    case.run_beside(&judging("ollama", "records.jsonl", &server, &[&more[..], &["--slice-size", "2"]].concat()))
        .await
        .code(1);

    let component = fs::read(plugins().join("ollama.wasm")).unwrap();
    let digest = Sha256::digest(component).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    for (n, row) in rows(&case.read("rows.jsonl")).iter().enumerate() {
        assert_eq!(row["component_digest"], digest, "the digest is that of the file, for a failure too");
        assert_eq!((&row["provider"], &row["batch_id"]), (&json!("ollama"), &json!("monday")));
        assert_eq!(row["model"], if n == 1 { "fake-2026-01-31" } else { "fake" }, "as the server said");
        assert_eq!(row["epoch"], n + 1, "the clusters made the first epoch, and each record the next one");
        assert_eq!(row["slice_id"], n / 2);
    }
}
