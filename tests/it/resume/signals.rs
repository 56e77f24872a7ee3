//! Ctrl-C and the request to terminate: the first drains, the second stops; what is committed survives both.

use crate::support::{CLUSTERS, Case, Ran, Running, column, judging, records, rows};
use judge_host_kit::{FakeLlm, FaultRule, Script, Then, When};
use serde_json::Value;
use std::collections::BTreeSet;
use tokio::io::AsyncWriteExt;

const RECORDS: usize = 40;
const PARALLEL: usize = 4;
/// Records that are answered before the server holds back what it has to say.
const ANSWERED: u64 = 12;

/// Answers the first few, and holds all others back.
async fn holding() -> FakeLlm {
    let answered =
        (1..=ANSWERED).map(|call| FaultRule { when: When::Call(call), then: Then::Stall(std::time::Duration::ZERO) });
    let held = FaultRule { when: When::Always, then: Then::Hold };
    FakeLlm::start(Script { faults: answered.chain([held]).collect(), ..Script::default() }).await
}

/// A run that waits for answers which the server holds back, with everything else it could do done.
async fn waiting(case: &Case, server: &FakeLlm) -> Running {
    case.file("records.jsonl", records(RECORDS));
    case.file("clusters.jsonl", CLUSTERS);
    let running = Running::start(case, &args(server));
    server.until(|stats| stats.calls >= ANSWERED + PARALLEL as u64).await;
    running
}

fn args(server: &FakeLlm) -> Vec<String> {
    let parallel = PARALLEL.to_string();
    let more = ["--clusters", "clusters.jsonl", "--out", "rows.jsonl", "--summary", "summary.json"];
    judging("ollama", "records.jsonl", server, &[&more[..], &["--parallel", &parallel]].concat())
}

fn judged(case: &Case) -> BTreeSet<String> {
    let rows = rows(&case.read("rows.jsonl"));
    assert!(rows.iter().all(|row| row["error"].is_null()), "{rows:?}");
    let ids = column(&rows, "request_id");
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "no row twice");
    ids.into_iter().collect()
}

fn summary(case: &Case) -> Value {
    serde_json::from_str(&case.read("summary.json")).unwrap()
}

/// The same command again: the rest is judged, and nothing that was judged before is sent.
async fn goes_on(case: &Case, before: &BTreeSet<String>) {
    let mended = FakeLlm::start(Script::default()).await;
    case.run_beside(&args(&mended)).await.code(0);
    assert_eq!(judged(case).len(), RECORDS);
    let sent: BTreeSet<String> = mended.stats().calls_by_record.into_keys().collect();
    assert_eq!(sent.intersection(before).next(), None);
    assert_eq!(sent.len() + before.len(), RECORDS);
}

async fn drains(signal: &str) {
    let (case, server) = (Case::new(), holding().await);
    let mut running = waiting(&case, &server).await;
    running.signal(signal).await;
    running.read_words("records in flight are finished first").await;
    server.release();
    let Ran { stderr, .. } = running.end().await.code(130);
    assert!(stderr.contains(&format!("ending: {PARALLEL} records in flight")), "{stderr}");
    assert!(stderr.contains("interrupted: the same command again goes on from here"), "{stderr}");

    let stats = server.stats();
    assert_eq!(stats.calls, ANSWERED + PARALLEL as u64, "nothing was begun after the signal");
    let judged = judged(&case);
    assert_eq!(judged, stats.calls_by_record.into_keys().collect(), "what was in flight is judged and written");
    let summary = summary(&case);
    assert_eq!((&summary["interrupted"], &summary["judged"]), (&true.into(), &judged.len().into()));
    goes_on(&case, &judged).await;
}

#[tokio::test]
async fn an_interrupt_finishes_what_is_in_flight() {
    drains("INT").await;
}

#[tokio::test]
async fn a_request_to_terminate_does_the_same() {
    drains("TERM").await;
}

#[tokio::test]
async fn a_second_signal_stops_at_once_and_loses_nothing_committed() {
    for (first, second) in [("INT", "INT"), ("TERM", "INT")] {
        let (case, server) = (Case::new(), holding().await);
        let mut running = waiting(&case, &server).await;
        running.signal(first).await;
        running.read_words("Ctrl-C again stops at once").await;
        running.signal(second).await;
        // The server never answers; a minute is all that `end` waits, and the run's own timeout is two.
        let Ran { stderr, .. } = running.end().await.code(130);
        assert!(stderr.contains("stopped: what was in flight is judged again by the next run"), "{stderr}");
        let judged = judged(&case);
        assert_eq!(judged.len() as u64, ANSWERED, "the answered ones are committed and written, the held ones are not");
        goes_on(&case, &judged).await;
    }
}

#[tokio::test]
async fn an_interrupt_ends_a_run_whose_input_does_not() {
    for signal in ["INT", "TERM"] {
        let (case, server) = (Case::new(), FakeLlm::start(Script::default()).await);
        case.file("clusters.jsonl", CLUSTERS);
        let mut running = Running::start(&case, &judging("ollama", "-", &server, &["--clusters", "clusters.jsonl"]));
        let mut stdin = running.stdin.take().expect("a pipe");
        stdin.write_all(records(3).as_bytes()).await.unwrap();
        // The rows come while the input is still open; then the signal finds a run that only waits.
        running.read_rows(3).await;
        running.signal(signal).await;
        let ran = running.end().await.code(130);
        assert_eq!(ran.rows().len(), 3);
        assert!(ran.stderr.contains("ending: 0 records in flight"), "{}", ran.stderr);
        drop(stdin);
    }
}
