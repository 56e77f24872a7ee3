//! `bench` compares levels of parallelism, and parallelism pays.

use crate::support::{CLUSTERS, Case, Ran, records};
use judge_host_kit::{FakeLlm, FaultRule, Script, Then, When};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

/// The fake server's time for an answer: long beside what a debug build of the host needs.
const DELAY: Duration = Duration::from_millis(30);
/// Measurements of a speed-up, at most.
const RUNS_MAX: usize = 6;

/// A folder with records and clusters; temporary files lie in its folder `tmp`.
fn case(count: usize) -> Case {
    let mut case = Case::new();
    case.file("records.jsonl", records(count));
    case.file("clusters.jsonl", CLUSTERS);
    fs::create_dir(case.path("tmp")).unwrap();
    let temporary = case.path("tmp").to_string_lossy().into_owned();
    case.env("TMPDIR", &temporary);
    case
}

async fn bench(case: &Case, server: &FakeLlm, args: &[&str]) -> Ran {
    let mut all = vec!["bench", "records.jsonl", "--clusters", "clusters.jsonl"];
    let url = server.url();
    all.extend(["--provider", "openai", "--model", "fake", "--endpoint", &url, "--setting", "probe=never"]);
    all.extend(args);
    case.run_beside(&all).await
}

/// What `--json` prints of 60 records at 1 and at 5 in flight.
async fn one_and_five() -> Value {
    let server = FakeLlm::start(Script { delay: DELAY, ..Script::default() }).await;
    let ran = bench(&case(100), &server, &["--json", "--parallel", "1,5", "--limit", "60"]).await.code(0);
    let stats = server.stats();
    assert_eq!((stats.calls, stats.in_flight_peak), (120, 5));
    assert!(stats.calls_by_record.values().all(|calls| *calls == 2), "each record once a level");
    serde_json::from_str(&ran.stdout).unwrap()
}

fn number(report: &Value, level: usize, name: &str) -> f64 {
    report["levels"][level][name].as_f64().unwrap_or_else(|| panic!("{name}: {report}"))
}

#[tokio::test]
async fn the_numbers_of_a_level_fit_together() {
    let report = one_and_five().await;
    let number = |level, name| number(&report, level, name);
    assert_eq!((&report["provider"], &report["model"]), (&json!("openai"), &json!("fake")));
    assert_eq!((&report["records"], report["levels"].as_array().map(Vec::len)), (&json!(60), Some(2)));
    assert_eq!((&report["levels"][0]["parallel"], &report["levels"][1]["parallel"]), (&json!(1), &json!(5)));

    let speed_up = number(1, "speed_up");
    assert!((number(0, "speed_up") - 1.0).abs() < 1e-9 && number(0, "saved_percent").abs() < 1e-9, "{report}");
    assert!((speed_up / (number(0, "wall_s") / number(1, "wall_s")) - 1.0).abs() < 0.01, "{report}");
    assert!((number(1, "share_of_ideal") - speed_up / 5.0).abs() < 2e-3, "{report}");
    assert!((number(1, "saved_percent") - (1.0 - 1.0 / speed_up) * 100.0).abs() < 0.1, "{report}");
    for level in [0, 1] {
        let rate = 60.0 / number(level, "wall_s");
        assert!((number(level, "records_per_s") / rate - 1.0).abs() < 0.01, "{report}");
        let delay = DELAY.as_secs_f64() * 1000.0;
        assert!(delay * 0.99 <= number(level, "p50") && number(level, "p50") <= number(level, "p95"), "{report}");
        assert!(number(level, "p95") <= number(level, "p99"), "{report}");
    }
    assert!(number(0, "wall_s") >= 60.0 * DELAY.as_secs_f64(), "one after the other: {report}");
}

// The other tests on the machine's cores slow the parallel half more than the other: the best of some runs counts.
#[tokio::test]
async fn five_in_flight_are_at_least_four_times_as_fast_as_one() {
    let mut found = Vec::new();
    while found.len() < RUNS_MAX && found.last().is_none_or(|speed_up| *speed_up < 4.0) {
        found.push(number(&one_and_five().await, 1, "speed_up"));
    }
    assert!(found.last() >= Some(&4.0), "{found:?}");
}

#[tokio::test]
async fn it_leaves_nothing_behind() {
    let server = FakeLlm::start(Script::default()).await;
    let case = case(5);
    bench(&case, &server, &["--parallel", "2", "--quiet"]).await.code(0);
    let mut left: Vec<_> = fs::read_dir(case.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["clusters.jsonl", "records.jsonl", "tmp"]);
    assert_eq!(fs::read_dir(case.path("tmp")).unwrap().count(), 0, "temporary registries are gone");
}

#[tokio::test]
async fn the_table_has_a_row_a_level() {
    let server = FakeLlm::start(Script::default()).await;
    let ran = bench(&case(5), &server, &["--parallel", "1,2,4"]).await.code(0);
    let rows: Vec<Vec<_>> = ran.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0].join(" "), "parallel records seconds records/s speed-up ideal of ideal % p50 ms p95 ms p99 ms");
    assert_eq!(rows[1..].iter().map(|row| row[0]).collect::<Vec<_>>(), ["1", "2", "4"], "{}", ran.stdout);
    assert!(rows[1..].iter().all(|row| row.len() == 10), "{}", ran.stdout);
    assert!(ran.stderr.contains("parallel 4: 5 records in "), "{}", ran.stderr);
}

#[tokio::test]
async fn auto_says_what_it_found_and_the_plot_shows_it() {
    let delay_per_call = Duration::from_millis(2);
    let server = FakeLlm::start(Script { delay: DELAY, delay_per_call, ..Script::default() }).await;
    let case = case(100);
    let ran =
        bench(&case, &server, &["--json", "--parallel", "1,4,auto:1-16", "--limit", "60", "--plot", "p.svg"]).await;
    let report: Value = serde_json::from_str(&ran.code(0).stdout).unwrap();
    let auto = &report["levels"][2];
    assert_eq!(auto["parallel"], "auto:1-16");
    assert!((1..=16).contains(&auto["in_flight"].as_u64().unwrap()), "{report}");
    assert!(report["levels"][1]["reason"].is_null(), "{report}");
    let svg = case.read("p.svg");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
    assert_eq!(svg.matches("<circle").count(), 3 * 2 + 1, "two levels, three series, and what was found");
    let reason = auto["reason"].as_str().unwrap();
    assert!(svg.contains(&format!("auto: {reason}")), "{reason}\n{svg}");
}

#[tokio::test]
async fn records_that_fail_are_told_since_they_look_fast() {
    let faults = vec![FaultRule { when: When::Record("r1".to_owned()), then: Then::status(402) }];
    let server = FakeLlm::start(Script { faults, ..Script::default() }).await;
    let ran = bench(&case(5), &server, &["--parallel", "1,2"]).await.code(1);
    assert!(ran.stderr.contains("note: 2 records failed: what failed fast looks fast"), "{}", ran.stderr);
}

#[tokio::test]
async fn levels_that_are_none_end_it() {
    let server = FakeLlm::start(Script::default()).await;
    for levels in ["0", "1,x", "5000"] {
        let ran = bench(&case(1), &server, &["--parallel", levels]).await.code(2);
        assert!(ran.stderr.contains("error: ") && ran.stderr.contains("hint: "), "{levels}: {}", ran.stderr);
    }
    assert_eq!(server.stats().connections, 0);
}
