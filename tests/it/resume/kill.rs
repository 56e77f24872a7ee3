//! A run that is killed, at any point, and the same command again.

use crate::support::{CLUSTERS, Case, Running, column, judging, records, rows};
use judge_host::registry::{Registry, RegistryError};
use judge_host_kit::{FakeLlm, Script, Stats};
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

const RECORDS: usize = 120;
const PARALLEL: u64 = 8;

fn args(server: &FakeLlm, out: &str) -> Vec<String> {
    let parallel = PARALLEL.to_string();
    let more = ["--clusters", "clusters.jsonl", "--out", out, "--parallel", &parallel, "--summary", "summary.json"];
    judging("ollama", "records.jsonl", server, &more)
}

fn case() -> Case {
    let case = Case::new();
    case.file("records.jsonl", records(RECORDS));
    case.file("clusters.jsonl", CLUSTERS);
    case
}

async fn server() -> FakeLlm {
    // Long enough that some calls are under way whenever the kill comes.
    FakeLlm::start(Script { delay: Duration::from_millis(30), ..Script::default() }).await
}

/// Runs until the server has had so many calls, then kills.
async fn killed_after(calls: u64, case: &Case, server: &FakeLlm, args: &[String]) {
    let before = server.stats().calls;
    let running = Running::start(case, args);
    server.until(|stats| stats.calls >= before + calls).await;
    assert_eq!(running.kill().await.code, -1, "ended by the signal");
}

/// The records whose verdict is committed, read beside nobody.
fn committed(case: &Case) -> BTreeSet<String> {
    let registry = Registry::open_read_only(&case.path("judge.db")).expect("a killed run leaves a registry");
    let mut ids = BTreeSet::new();
    let each = &mut |outcome: judge_host::model::Outcome| {
        assert!(outcome.result.is_ok(), "nothing failed");
        ids.insert(outcome.request_id);
        Ok(())
    };
    registry.outcomes::<RegistryError>(Some("records"), each).expect("its outcomes can be read");
    ids
}

fn sent_more_than_once(stats: &Stats) -> BTreeSet<String> {
    stats.calls_by_record.iter().filter(|(_, calls)| **calls > 1).map(|(id, _)| id.clone()).collect()
}

fn expected_ids() -> BTreeSet<String> {
    (0..RECORDS).map(|n| format!("r{n}")).collect()
}

#[tokio::test]
async fn a_killed_run_goes_on_and_sends_nothing_committed_again() {
    for calls in [1, PARALLEL + 1, 40, 85, RECORDS as u64 - 1] {
        let (case, server) = (case(), server().await);
        let args = args(&server, "rows.jsonl");
        killed_after(calls, &case, &server, &args).await;
        let durable = committed(&case);
        assert!(durable.len() < RECORDS, "killed too late at {calls}: there is nothing left to show");
        assert!(durable.len() as u64 + PARALLEL >= calls, "{} committed after {calls} calls", durable.len());

        let ran = case.run_beside(&args).await.code(0);
        let rows = rows(&case.read("rows.jsonl"));
        assert_eq!(rows.len(), RECORDS, "one row a record after a kill at {calls}");
        assert_eq!(column(&rows, "request_id").into_iter().collect::<BTreeSet<_>>(), expected_ids());
        assert!(rows.iter().all(|row| row["error"].is_null()));
        let summary: serde_json::Value = serde_json::from_str(&case.read("summary.json")).unwrap();
        assert_eq!(summary["already_done"], durable.len(), "{}", ran.stderr);

        let stats = server.stats();
        let twice = sent_more_than_once(&stats);
        assert_eq!(twice.intersection(&durable).next(), None, "committed, and sent again after a kill at {calls}");
        assert!(twice.len() as u64 <= PARALLEL, "{} of at most {PARALLEL} in flight were paid twice", twice.len());
        assert!(stats.calls_by_record.values().all(|calls| *calls <= 2), "{:?}", stats.calls_by_record);
    }
}

#[tokio::test]
async fn a_run_that_is_killed_again_and_again_comes_to_its_end() {
    let (case, server) = (case(), server().await);
    let args = args(&server, "rows.csv");
    let mut kills = 0;
    for calls in [20, 1, 30, 25] {
        killed_after(calls, &case, &server, &args).await;
        kills += PARALLEL;
    }
    case.run_beside(&args).await.code(0);
    let text = case.read("rows.csv");
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let id = rows.headers().unwrap().iter().position(|name| name == "request_id").unwrap();
    let ids: Vec<String> = rows.records().map(|row| row.unwrap()[id].to_owned()).collect();
    assert_eq!((ids.len(), ids.into_iter().collect::<BTreeSet<_>>()), (RECORDS, expected_ids()));
    assert!(server.stats().calls <= RECORDS as u64 + kills, "{} calls", server.stats().calls);

    let clusters = case.run(&["registry", "list", "--json"]).code(0).stdout;
    let clusters: Vec<serde_json::Value> = serde_json::from_str(&clusters).unwrap();
    let counted: u64 = clusters.iter().filter_map(|cluster| cluster["count"].as_u64()).sum();
    assert_eq!(counted, RECORDS as u64, "every record counts once");
}

#[tokio::test]
async fn a_torn_output_file_is_made_whole() {
    for (name, torn) in
        [("rows.jsonl", "{\"batch_id\":\"records\",\"slice_id\":0,\"requ"), ("rows.csv", "records,0,r7,\"assign")]
    {
        let (case, server) = (case(), server().await);
        let args = args(&server, name);
        killed_after(50, &case, &server, &args).await;
        let durable = committed(&case);
        // Rows that were written, half a row that was not, and not one of those that were still in a buffer.
        let text = case.read(name);
        let kept = text.len() / 2;
        let mut file = OpenOptions::new().write(true).truncate(true).open(case.path(name)).unwrap();
        file.write_all(&text.as_bytes()[..text.floor_char_boundary(kept)]).unwrap();
        file.write_all(torn.as_bytes()).unwrap();
        drop(file);

        case.run_beside(&args).await.code(0);
        let healed = case.read(name);
        let ids: Vec<String> = if name == "rows.csv" {
            let mut rows = csv::Reader::from_reader(healed.as_bytes());
            rows.records().map(|row| row.expect("a whole row")[2].to_owned()).collect()
        } else {
            column(&rows(&healed), "request_id")
        };
        assert_eq!((ids.len(), ids.into_iter().collect::<BTreeSet<_>>()), (RECORDS, expected_ids()), "{name}");
        let twice = sent_more_than_once(&server.stats());
        assert_eq!(twice.intersection(&durable).next(), None, "what the file lost comes from the registry");
    }
}
