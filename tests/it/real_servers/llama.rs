//! llama.cpp's server, whose grammar keeps a model of random weights to the verdict's schema.

use super::peer::Peer;
use super::{IDS, all_failed, case, judging, summary};
use serde_json::json;
use std::collections::BTreeSet;

const KEY: &str = "sk-of-a-tiny-model";
/// At temperature 0 random weights go round in circles.
const SAMPLED: [&str; 4] = ["--temperature", "1", "--api-key-env", "TINY_KEY"];

#[test]
fn a_real_llama_cpp_judges() {
    let Some(server) = Peer::start("JUDGE_HOST_TEST_LLAMA", "serve_llama.py", &[KEY]) else { return };
    every_answer_is_a_verdict(&server);
    an_answer_that_was_cut_off_is_told_as_such(&server);
    a_wrong_key_or_model_is_told_before_the_first_record(&server);
}

fn every_answer_is_a_verdict(server: &Peer) {
    let mut case = case(200);
    case.env("TINY_KEY", KEY);
    let args = judging("openai", &server.url, "tiny", &[&SAMPLED[..], &["--parallel", "4"]].concat());
    let rows = case.run(&args).code(0).rows();
    let judged: BTreeSet<_> = rows.iter().map(|row| row["request_id"].as_str().unwrap()).collect();
    assert_eq!((rows.len(), judged.len()), (200, 200));
    for row in &rows {
        assert_eq!((&row["decision"], &row["attempts"], &row["model"]), (&json!("assign"), &json!(1), &json!("tiny")));
        assert!(IDS.contains(&row["cluster_id"].as_str().unwrap()), "{row}");
        assert!(row["output_tokens"].as_u64() > Some(0), "{row}");
    }
    let chosen: BTreeSet<_> = rows.iter().map(|row| row["cluster_id"].as_str().unwrap()).collect();
    assert!(chosen.len() > 1, "the grammar leaves the choice to the model: {chosen:?}");
    let summary = summary(&case);
    assert_eq!((&summary["calls"], &summary["retries"]), (&json!(200), &json!(0)));
    let tokens = |name: &str| summary[name].as_u64().unwrap();
    // All but the record is the same for all of them, and the server says that it noticed.
    assert!(tokens("cached_input_tokens") * 10 > tokens("input_tokens") * 8, "{summary}");
}

fn an_answer_that_was_cut_off_is_told_as_such(server: &Peer) {
    let mut case = case(2);
    case.env("TINY_KEY", KEY);
    let args = judging("openai", &server.url, "tiny", &[&SAMPLED[..], &["--max-output-tokens", "3"]].concat());
    let ran = case.run(&args).code(1);
    assert_eq!(ran.rows().len(), 2);
    all_failed(&ran, "truncated", "length", "limit of output tokens");
    assert!(ran.stderr.contains("--max-output-tokens"), "{}", ran.stderr);
}

fn a_wrong_key_or_model_is_told_before_the_first_record(server: &Peer) {
    for (key, model, words) in [
        ("sk-wrong", "tiny", "credentials: the server answered status 401: Invalid API Key"),
        (KEY, "large", "model-not-found: the server does not list the model `large`; it has tiny"),
    ] {
        let mut case = case(2);
        case.env("TINY_KEY", key);
        let ran = case.run(&judging("openai", &server.url, model, &SAMPLED)).code(2);
        assert_eq!(ran.stdout, "");
        assert!(ran.stderr.contains(words) && !ran.stderr.contains(key), "{}", ran.stderr);
    }
}
