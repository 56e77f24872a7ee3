//! Against servers that others wrote, run here without a GPU: NVIDIA's Triton and llama.cpp's server, started by the
//! scripts in `tests/servers`. One test a server, as a start takes seconds.

mod llama;
mod peer;
mod triton;

use crate::support::{CLUSTERS, Case, Ran, records};
use serde_json::{Value, json};

const IDS: [&str; 3] = ["card_arrival", "top_up_failed", "exchange_rate"];

/// A folder with records and the three clusters.
fn case(count: usize) -> Case {
    let case = Case::new();
    case.file("records.jsonl", records(count));
    case.file("clusters.jsonl", CLUSTERS);
    case
}

/// The arguments that judge a case's records, with a summary.
fn judging<'a>(provider: &'a str, endpoint: &'a str, model: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["judge", "records.jsonl", "--clusters", "clusters.jsonl", "--summary", "summary.json"];
    all.extend(["--provider", provider, "--endpoint", endpoint, "--model", model]);
    all.extend(more);
    all
}

fn summary(case: &Case) -> Value {
    serde_json::from_str(&case.read("summary.json")).unwrap()
}

/// That all records failed in the same way.
#[track_caller]
fn all_failed(ran: &Ran, kind: &str, code: &str, words: &str) {
    for row in ran.rows() {
        let error = &row["error"];
        assert_eq!((&error["kind"], &error["code"]), (&json!(kind), &json!(code)), "{row}");
        assert!(error["message"].as_str().unwrap().contains(words), "{row}");
        assert!(row["decision"].is_null(), "an error is never a skip: {row}");
    }
}
