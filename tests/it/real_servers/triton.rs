//! NVIDIA's Triton, with callables in place of language models: `judge` and `narrow` by the names text, max_tokens,
//! temperature and response, `echo` by text_input and text_output. They tell in the rationale what they were sent.

use super::peer::Peer;
use super::{IDS, all_failed, case, judging, summary};
use crate::support::server::{Reply, Seen, Server};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

#[tokio::test]
async fn a_real_triton_judges() {
    let Some(server) = Peer::start("JUDGE_HOST_TEST_TRITON", "serve_triton.py", &[]) else { return };
    both_namings_are_found_out(&server);
    an_unknown_model_is_told_before_the_first_record(&server);
    a_value_that_is_no_number_is_final(&server);
    a_bad_shape_is_final(&server).await;
    a_full_queue_is_waited_for(&server);
}

/// What `echo` says again before its answer: taken for an answer it would be a second one.
const EXAMPLE: &str = r#"An unclear record: {"rationale":"","decision":"skip","confidence":"low"}"#;

/// The batched model takes shapes of `[1,1]`, the other one `[1]`; `/infer` refuses any other.
fn both_namings_are_found_out(server: &Peer) {
    for (model, count, route) in
        [("judge", 200, "auto"), ("echo", 200, "auto"), ("judge", 20, "generate"), ("echo", 20, "generate")]
    {
        let case = case(count);
        case.file("words.txt", EXAMPLE);
        let route = format!("route={route}");
        let more =
            ["--max-output-tokens", "77", "--temperature", "0.5", "--setting", &route, "--instructions", "words.txt"];
        let rows = case.run(&judging("triton", &server.url, model, &more)).code(0).rows();
        let judged: BTreeSet<_> = rows.iter().map(|row| row["request_id"].as_str().unwrap()).collect();
        assert_eq!((rows.len(), judged.len()), (count, count));
        for row in &rows {
            let n: usize = row["request_id"].as_str().unwrap()[1..].parse().unwrap();
            let shown = (row["decision"].as_str(), row["cluster_id"].as_str(), row["confidence"].as_str());
            assert_eq!(shown, (Some("assign"), Some(IDS[n % 3]), Some("high")), "{row}");
            assert_eq!((&row["rationale"], &row["model"]), (&json!("77 tokens at 0.50"), &json!(model)), "{row}");
            assert_eq!(row["attempts"], 1);
        }
    }
}

fn an_unknown_model_is_told_before_the_first_record(server: &Peer) {
    for (model, more, words) in [
        ("nobody", &[][..], "Request for unknown model: 'nobody' is not found"),
        ("judge", &["--setting", "version=9"], "Request for unknown model: 'judge' version 9 is not found"),
    ] {
        let ran = case(2).run(&judging("triton", &server.url, model, more)).code(2);
        assert_eq!(ran.stdout, "");
        assert!(
            ran.stderr.contains(&format!("model-not-found: the server answered status 404: {words}")),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains("hint: name a model that the server has by `--model NAME`"), "{}", ran.stderr);
    }
}

/// Triton says 500 to it, and nobody should take that for an accident.
fn a_value_that_is_no_number_is_final(server: &Peer) {
    let tensors = r#"tensors={"temperature":"warm"}"#;
    let ran = case(2).run(&judging("triton", &server.url, "judge", &["--setting", tensors])).code(1);
    all_failed(&ran, "invalid-request", "500", "Unable to parse 'data'");
    assert!(ran.rows().iter().all(|row| row["attempts"] == 1), "{}", ran.stdout);
}

/// A model that was given a batch dimension after the preflight: here by a relay, which takes it out of what the
/// preflight is told.
async fn a_bad_shape_is_final(server: &Peer) {
    let address = server.address().to_owned();
    let relay = Server::start(move |seen| {
        let reply = asked(&address, seen);
        if seen.line == "GET /v2/models/judge" { Reply::ok(unbatched(&reply.body)) } else { reply }
    })
    .await;
    let case = case(2);
    let url = relay.url();
    let ran = case.run_beside(&judging("triton", &url, "judge", &[])).await.code(1);
    all_failed(&ran, "invalid-request", "400", "unexpected shape for input");
    assert_eq!(ran.rows().len(), 2);
    assert_eq!(summary(&case)["calls"], 2, "the same shape would be refused again");
}

/// What the server answers to the same request.
fn asked(address: &str, seen: &Seen) -> Reply {
    let Seen { line, body, .. } = seen;
    let (host, length) = (address, body.len());
    // In one piece: Triton reads a request line that comes in several as another path.
    let request =
        format!("{line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    Reply::status(head.split(' ').nth(1).unwrap().parse().unwrap(), body)
}

/// A model's metadata without the first size of each shape.
fn unbatched(metadata: &str) -> String {
    let mut metadata: Value = serde_json::from_str(metadata).unwrap();
    for list in ["inputs", "outputs"] {
        for tensor in metadata[list].as_array_mut().unwrap() {
            assert_eq!(tensor["shape"], json!([-1, 1]), "the model is batched");
            tensor["shape"] = json!([1]);
        }
    }
    metadata.to_string()
}

/// Of four calls at once the model has one, its queue another, and the others are refused.
fn a_full_queue_is_waited_for(server: &Peer) {
    let case = case(30);
    let more = ["--parallel", "4", "--attempts", "30"];
    let rows = case.run(&judging("triton", &server.url, "narrow", &more)).code(0).rows();
    assert!(rows.len() == 30 && rows.iter().all(|row| row["decision"] == "assign"), "{rows:?}");
    let summary = summary(&case);
    let count = |name: &str| summary[name].as_u64().unwrap();
    assert!(count("retries") > 0, "the queue was never full: {summary}");
    assert_eq!(count("calls"), 30 + count("retries"), "each refusal costs one call: {summary}");
    let attempts: u64 = rows.iter().map(|row| row["attempts"].as_u64().unwrap()).sum();
    assert_eq!(attempts, count("calls"));
}
