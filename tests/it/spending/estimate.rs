//! `--dry-run` says what the whole input will probably take, and sends nothing.

use super::{PRICES, case};
use crate::support::judging;
use judge_host_kit::{FakeLlm, Script};

/// What stands between two words of a text, as a number.
#[track_caller]
fn number(text: &str, before: &str, after: &str) -> f64 {
    let found = text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).map(|(found, _)| found);
    let found = found.unwrap_or_else(|| panic!("no `{before}…{after}` in {text}"));
    found.replace(',', "").parse().unwrap_or_else(|error| panic!("{error}: {found}"))
}

#[tokio::test]
async fn a_dry_run_estimates_what_the_run_then_takes() {
    let server = FakeLlm::start(Script::default()).await;
    let case = case(150);
    let records = format!("{}not a record\n", case.read("records.jsonl"));
    case.file("records.jsonl", records);
    let known = ["--clusters", "clusters.jsonl", "--summary", "summary.json", "--out", "rows.jsonl"];
    let dry =
        case.run_beside(&judging("openai", "records.jsonl", &server, &[&known[..], &["--dry-run"]].concat())).await;
    let told = dry.code(0).stderr;
    assert_eq!(server.stats().calls, 0);
    assert!(told.contains("an estimate from ") && told.contains("150 records, 150 requests"), "{told}");
    assert!(told.contains("rows that are no records, and cost nothing: 1"), "{told}");
    let (input, output) = (number(&told, "about ", " input tokens"), number(&told, "input tokens, about ", " output"));
    let cost = number(&told, "about $", "\n");
    assert!((cost * 1e6 / (input + output) - 1.0).abs() < 0.1, "a token costs a millionth of a dollar: {told}");

    case.run_beside(&judging("openai", "records.jsonl", &server, &[&known[..], &["--limit", "100"]].concat()))
        .await
        .code(0);
    let summary: serde_json::Value = serde_json::from_str(&case.read("summary.json")).expect("JSON");
    let took = summary["input_tokens"].as_f64().expect("known") * 1.5;
    // The fake server has four bytes a token, and counts no schema.
    assert!((0.5..3.0).contains(&(input / took)), "{input} estimated, {took} taken");

    let dry =
        case.run_beside(&judging("openai", "records.jsonl", &server, &[&known[..], &["--dry-run"]].concat())).await;
    let told = dry.code(0).stderr;
    assert!(told.contains(" 50 records, 50 requests"), "{told}");
    assert!(told.contains("judged already, and not in the estimate: 100"), "{told}");
}

#[tokio::test]
async fn a_limit_and_a_missing_price_are_told() {
    let server = FakeLlm::start(Script::default()).await;
    let case = case(30);
    case.file("judge.toml", PRICES.replace("fake", "other"));
    let more = ["--clusters", "clusters.jsonl", "--dry-run", "--limit", "7", "--max-output-tokens", "50"];
    let told = case.run_beside(&judging("openai", "records.jsonl", &server, &more)).await.code(0).stderr;
    assert!(told.contains(" 7 records, 7 requests") && told.contains("at most 350 output tokens"), "{told}");
    assert!(told.contains("the cost is not known: judge.toml has no [prices.\"fake\"]"), "{told}");
}

#[tokio::test]
async fn records_that_go_together_are_estimated_and_shown_together() {
    let server = FakeLlm::start(Script::default()).await;
    let case = case(100);
    let known = ["--clusters", "clusters.jsonl", "--dry-run"];
    let alone = case.run_beside(&judging("openai", "records.jsonl", &server, &known)).await.code(0);
    let more = [&known[..], &["--records-per-request", "10"]].concat();
    let together = case.run_beside(&judging("openai", "records.jsonl", &server, &more)).await.code(0);
    assert!(together.stderr.contains("100 records, 10 requests"), "{}", together.stderr);
    let [one, ten] = [&alone, &together].map(|ran| number(&ran.stderr, "about ", " input tokens"));
    assert!(ten < one / 2.0, "the clusters are told once for ten records: {ten} against {one} tokens");
    let [one, ten] = [&alone, &together].map(|ran| number(&ran.stderr, "input tokens, about ", " output"));
    assert!((one - ten).abs() < 1.0, "a verdict is as long: {ten} against {one} tokens");
    let records = case.read("records.jsonl");
    let texts = records.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let shown = texts.filter(|record| together.stdout.contains(record["text"].as_str().expect("a text"))).count();
    assert!(shown >= 10, "the request of the first ten is shown: {shown}");
}
