//! A run stops at its budget, and the next one goes on.

use super::case;
use crate::support::{Case, Ran, judging, rows};
use judge_host_kit::{FakeLlm, Script};

const RECORDS: usize = 20;
/// In flight.
const PARALLEL: usize = 4;

async fn judge(case: &Case, server: &FakeLlm, more: &[&str]) -> Ran {
    let parallel = PARALLEL.to_string();
    let known = ["--clusters", "clusters.jsonl", "--parallel", &parallel, "--out", "rows.jsonl"];
    case.run_beside(&judging("openai", "records.jsonl", server, &[&known, more].concat())).await
}

/// What each row so far cost in millionths of a dollar, which is what it took in tokens.
fn costs(case: &Case) -> Vec<u64> {
    let cost = |row: &serde_json::Value| {
        let tokens = row["input_tokens"].as_u64().unwrap() + row["output_tokens"].as_u64().unwrap();
        assert_eq!(row["cost_usd"], tokens as f64 / 1e6, "{row}");
        tokens
    };
    rows(&case.read("rows.jsonl")).iter().map(cost).collect()
}

/// What one record costs at most.
async fn dearest() -> u64 {
    let server = FakeLlm::start(Script::default()).await;
    let case = case(RECORDS);
    judge(&case, &server, &["--summary", "summary.json"]).await.code(0);
    let costs = costs(&case);
    let summary: serde_json::Value = serde_json::from_str(&case.read("summary.json")).expect("JSON");
    assert_eq!((costs.len(), costs.iter().sum::<u64>() as f64 / 1e6), (RECORDS, summary["cost_usd"].as_f64().unwrap()));
    *costs.iter().max().expect("some")
}

#[tokio::test]
async fn a_run_stops_at_its_budget_and_the_same_command_goes_on() {
    let dearest = dearest().await;
    for unit in ["usd", "tokens"] {
        let server = FakeLlm::start(Script::default()).await;
        let case = case(RECORDS);
        // A token costs a millionth of a dollar.
        let budget = dearest * 8;
        let given = match unit {
            "usd" => vec!["--budget".to_owned(), format!("{}usd", budget as f64 / 1e6)],
            _ => vec!["--budget-tokens".to_owned(), budget.to_string()],
        };
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        let mut before = 0;
        for run in 1..=2 {
            let ran = judge(&case, &server, &given).await.code(1);
            assert!(ran.stderr.contains("stopped: the budget is used up"), "{}", ran.stderr);
            assert!(ran.stderr.contains("hint: the same command again goes on where it stopped"), "{}", ran.stderr);
            let costs = costs(&case);
            let spent = costs.iter().sum::<u64>();
            // The last in flight may take more than those before it did on average.
            assert!(spent - before <= budget + dearest, "{unit}, run {run}: {spent} after {before}, of {budget}");
            assert!(spent - before >= budget - 2 * dearest, "{unit}, run {run}: {spent} after {before}, of {budget}");
            assert_eq!(server.stats().calls, costs.len() as u64, "nothing is paid that has no row");
            before = spent;
        }
        judge(&case, &server, &given).await.code(0);
        assert_eq!((costs(&case).len(), server.stats().calls), (RECORDS, RECORDS as u64), "{unit}");
    }
}

#[tokio::test]
async fn a_budget_of_money_that_cannot_be_kept_is_refused_before_anything_is_sent() {
    let server = FakeLlm::start(Script::default()).await;
    let case = case(3);
    case.file("judge.toml", "");
    let ran = judge(&case, &server, &["--budget", "$1"]).await.code(2);
    assert!(ran.stderr.contains("what a call costs is not known"), "{}", ran.stderr);
    assert!(ran.stderr.contains("[prices.\"MODEL\"]"), "{}", ran.stderr);
    assert_eq!(server.stats().calls, 0);
}

#[tokio::test]
async fn a_cost_that_nobody_tells_ends_the_run_after_the_first_answer() {
    let server = FakeLlm::start(Script::default()).await;
    let mut case = case(9);
    case.file("judge.toml", "");
    case.env("MY_KEY", "sk-0123");
    let ran = judge(&case, &server, &["--budget", "$1", "--api-key-env", "MY_KEY"]).await.code(1);
    assert!(ran.stderr.contains("what records cost is not known, and the budget is in money"), "{}", ran.stderr);
    assert_eq!((server.stats().calls, rows(&case.read("rows.jsonl")).len()), (1, 1));
}
