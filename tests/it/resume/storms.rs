//! What happens to the registry's disk in the middle of a run: it fills up, it may no longer be written, somebody else
//! holds the file. The run ends with a hint or waits; the same command again, and everything is there, once.

use crate::support::{CLUSTERS, Case, Ran, Running, judging, records, rows};
use judge_host_kit::{FakeLlm, Script};
use rusqlite::{Connection, TransactionBehavior};
use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

const RECORDS: usize = 400;
const PARALLEL: u64 = 8;

async fn server() -> FakeLlm {
    FakeLlm::start(Script { delay: Duration::from_millis(4), ..Script::default() }).await
}

fn case() -> Case {
    let case = Case::new();
    case.file("records.jsonl", records(RECORDS));
    case.file("clusters.jsonl", CLUSTERS);
    case.file("disk/x", "");
    case
}

/// Registry and output in a folder of their own.
fn args(server: &FakeLlm) -> Vec<String> {
    let parallel = PARALLEL.to_string();
    let more = ["--clusters", "clusters.jsonl", "--registry", "disk/judge.db", "--parallel", &parallel];
    judging("ollama", "records.jsonl", server, &[&more[..], &["--out", "disk/rows.jsonl"]].concat())
}

/// Every record has one row, row and registry agree, nothing was paid twice but what was in flight at each end.
fn check(case: &Case, server: &FakeLlm, folder: &str, ends: u64) {
    let written = rows(&case.read(&format!("{folder}/rows.jsonl")));
    let ids: BTreeSet<&str> = written.iter().filter_map(|row| row["request_id"].as_str()).collect();
    assert_eq!((written.len(), ids.len()), (RECORDS, RECORDS));
    assert!(written.iter().all(|row| row["error"].is_null()), "nothing failed");
    let file = Connection::open(case.path(&format!("{folder}/judge.db"))).unwrap();
    let integrity: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(integrity, "ok");
    let counted = |sql: &str| file.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(counted("SELECT count(*) FROM outcomes WHERE fault_kind IS NULL"), i64::try_from(RECORDS).unwrap());
    assert_eq!(counted("SELECT sum(count) FROM clusters"), i64::try_from(RECORDS).unwrap());
    let paid: u64 = server.stats().calls_by_record.values().sum();
    assert!(paid <= RECORDS as u64 + ends * PARALLEL, "{paid} calls paid for {RECORDS} records");
}

/// Says why a test shows nothing on this machine.
#[expect(clippy::print_stderr, reason = "whoever runs the tests should know")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

#[tokio::test]
async fn a_disk_that_fills_up_in_the_middle_stops_the_run_and_takes_nothing_back() {
    // A file system of its own, in a namespace that ends with the script.
    const SCRIPT: &str = "mount -t tmpfs -o size=320k tmpfs disk || exit 99\n\
        \"$@\"; echo \"first $?\" >&2\n\
        mount -o remount,size=64m disk && \"$@\"; echo \"second $?\" >&2\n\
        mkdir kept && cp disk/* kept/\n";
    let (case, server) = (case(), server().await);
    let given = case.command(&args(&server));
    let mut script = Command::new("unshare");
    script.args(["-rm", "sh", "-c", SCRIPT, "sh"]).arg(given.get_program()).args(given.get_args());
    script.current_dir(case.path("")).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    script.env("HOME", case.path(""));
    let Ok(output) = tokio::process::Command::from(script).output().await else {
        return skipped("there is no `unshare`");
    };
    let ran = Ran::from(output);
    if !ran.stderr.contains("first ") {
        return skipped(&format!("no file system can be mounted here: {}", ran.stderr));
    }
    assert!(ran.stderr.contains("first 2") && ran.stderr.contains("second 0"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: ") && ran.stderr.contains("same command again"), "{}", ran.stderr);
    check(&case, &server, "kept", 1);
}

#[tokio::test]
async fn a_file_that_may_no_longer_be_written_stops_the_run_and_takes_nothing_back() {
    // Not a permission, which an open file does not ask again: a mark that also the owner's writes respect.
    let mark = |case: &Case, mark: &str| {
        let mut chattr = Command::new("chattr");
        chattr.arg(mark).args(["judge.db", "judge.db-wal"]).current_dir(case.path("disk"));
        chattr.output().is_ok_and(|output| output.status.success())
    };
    let (case, server) = (case(), server().await);
    let running = Running::start(&case, &args(&server));
    server.until(|stats| stats.calls >= 60).await;
    if !mark(&case, "+i") {
        running.kill().await;
        return skipped("no file can be marked immutable here: it takes root, and a file system that knows it");
    }
    let ran = running.end().await;
    assert!(mark(&case, "-i"), "the mark is taken off again");
    let ran = ran.code(2);
    assert!(ran.stderr.contains("registry") && ran.stderr.contains("hint: "), "{}", ran.stderr);
    case.run_beside(&args(&server)).await.code(0);
    check(&case, &server, "disk", 1);
}

/// Holds the registry as another program would, in the middle of a transaction.
async fn held(case: &Case, time: Duration) {
    let path = case.path("disk/judge.db");
    let hold = move || {
        let mut other = Connection::open(path).unwrap();
        other.busy_timeout(Duration::from_secs(10)).unwrap();
        let transaction = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        std::thread::sleep(time);
        transaction.rollback().unwrap();
    };
    tokio::task::spawn_blocking(hold).await.unwrap();
}

#[tokio::test]
async fn a_file_that_another_program_holds_for_a_moment_is_waited_for() {
    let (case, server) = (case(), server().await);
    let running = Running::start(&case, &args(&server));
    server.until(|stats| stats.calls >= 60).await;
    held(&case, Duration::from_millis(700)).await;
    running.end().await.code(0);
    check(&case, &server, "disk", 0);
}

#[tokio::test]
async fn a_file_that_another_program_does_not_let_go_stops_the_run_and_takes_nothing_back() {
    let (case, server) = (case(), server().await);
    let running = Running::start(&case, &args(&server));
    server.until(|stats| stats.calls >= 60).await;
    // Longer than the five seconds that a commit waits.
    held(&case, Duration::from_secs(8)).await;
    let ran = running.end().await.code(2);
    assert!(ran.stderr.contains("registry is in use") && ran.stderr.contains("hint: "), "{}", ran.stderr);
    case.run_beside(&args(&server)).await.code(0);
    check(&case, &server, "disk", 1);
}
