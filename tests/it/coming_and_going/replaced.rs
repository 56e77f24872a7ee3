//! Providers that are replaced under a run of the built binary: which component judges which record, and what is said.

use super::{ID, case, component, custom_section, digest, put, short, variant};
use crate::support::server::{Reply, Server};
use crate::support::{Case, Ran, Running, rows};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use tokio::io::AsyncWriteExt as _;

const RECORDS: usize = 5_000;
const REPLACEMENTS: usize = 50;
/// Every fifth of the replacements is broken.
const BROKEN_EVERY: usize = 5;
/// Records before the first replacement.
const FIRST: usize = 100;
/// Records between two replacements.
const ROUND: usize = (RECORDS - FIRST) / REPLACEMENTS;

/// A run that reads its records from this test, one after the other.
struct Fed {
    running: Running,
    fed: usize,
}

impl Fed {
    fn start(case: &Case, server: &Server, more: &[&str]) -> Fed {
        let url = server.url();
        let line = ["--providers", "p", "judge", "-", "--provider", ID, "--endpoint", &url, "--parallel", "16"];
        let line = [&line[..], &["--durability", "fast", "--batch-id", "b"], more].concat();
        Fed { running: Running::start(case, &line), fed: 0 }
    }

    /// Gives it so many records, and does not wait for them.
    async fn feed(&mut self, count: usize) {
        let mut text = String::new();
        for _ in 0..count {
            let n = self.fed;
            writeln!(text, "{{\"request_id\":\"r{n}\",\"text\":\"text {n}\"}}").unwrap();
            self.fed += 1;
        }
        let stdin = self.running.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).await.unwrap();
        stdin.flush().await.unwrap();
    }

    /// Gives it so many records, and waits until all are judged.
    async fn judged(&mut self, count: usize) {
        self.feed(count).await;
        self.running.read_rows(count).await;
    }

    async fn end(mut self) -> Ran {
        drop(self.running.stdin.take());
        self.running.end().await
    }
}

/// The row of a record.
fn number(row: &serde_json::Value) -> usize {
    row["request_id"].as_str().unwrap()[1..].parse().unwrap()
}

/// A component that must not be taken, and the words by which it is refused.
fn broken(n: usize) -> (Vec<u8>, &'static str) {
    let good = variant(n);
    match n / BROKEN_EVERY % 7 {
        0 => (good[..good.len() / 2].to_vec(), "a damaged component"),
        1 => (format!("garbage {n}").into_bytes(), "not a WebAssembly file"),
        2 => (wat::parse_str("(module)").unwrap(), "a core module, not a component"),
        3 => (other_version(), "built for version 0.9.0 of the contract"),
        // It has another id: another provider, which this folder has already.
        4 => ([component("custom_provider.wasm"), custom_section("x")].concat(), "is taken by `custom.wasm`"),
        5 => (Vec::new(), "the file ends after 0 bytes"),
        _ => (with_sockets(), "wants imports that are not given"),
    }
}

fn other_version() -> Vec<u8> {
    wat::parse_str("(component (instance $i) (export \"judge:provider/provider@0.9.0\" (instance $i)))").unwrap()
}

fn with_sockets() -> Vec<u8> {
    let text = "(component (import \"wasi:sockets/tcp@0.2.0\" (instance)) (instance $i) \
                (export \"judge:provider/provider@0.1.0\" (instance $i)))";
    wat::parse_str(text).unwrap()
}

#[tokio::test]
async fn a_provider_replaced_fifty_times_costs_no_record_and_every_row_names_its_component() {
    let case = case();
    case.file("p/custom.wasm", component("custom_provider.wasm"));
    let (server, file) = (Server::start(|_| Reply::ok("ok")).await, case.path("p/misbehaving.wasm"));
    let mut run = Fed::start(&case, &server, &[]);
    run.judged(FIRST).await;
    let mut serving = digest(&variant(0));
    // Who serves from the middle of each round on: what begins after a replacement was told is judged by it.
    let mut expected = vec![serving.clone()];
    let (mut good, mut refused) = (BTreeSet::from([serving.clone()]), 0);
    for n in 1..=REPLACEMENTS {
        if n % BROKEN_EVERY == 0 {
            let (bytes, reason) = broken(n);
            put(&file, &bytes);
            run.feed(ROUND / 2).await;
            let told = run.running.read_line_with("goes on as").await;
            assert!(told.contains(reason) && told.contains(short(&serving)), "{n}: {told}");
            refused += 1;
        } else {
            put(&file, &variant(n));
            run.feed(ROUND / 2).await;
            serving = digest(&variant(n));
            let told = run.running.read_line_with("for records that begin now").await;
            assert!(told.contains(short(&serving)), "{n}: {told}");
            good.insert(serving.clone());
        }
        run.feed(ROUND / 2).await;
        expected.push(serving.clone());
        run.running.read_rows(ROUND).await;
    }
    let ran = run.end().await.code(0);
    assert_eq!((good.len(), refused), (41, 10));
    let rows = ran.rows();
    assert_eq!(rows.len(), RECORDS);
    let mut seen = BTreeSet::new();
    for row in &rows {
        assert_eq!((&row["decision"], &row["error"], &row["provider"]), (&"skip".into(), &().into(), &ID.into()));
        let (n, by) = (number(row), row["component_digest"].as_str().unwrap());
        // Who served before the round of the record, and who was told in the middle of it.
        let may_be = match n.checked_sub(FIRST) {
            None => &expected[..1],
            Some(n) if n % ROUND < ROUND / 2 => &expected[n / ROUND..n / ROUND + 2],
            Some(n) => &expected[n / ROUND + 1..n / ROUND + 2],
        };
        assert!(may_be.iter().any(|digest| digest == by), "record {n} was judged by {by}");
        seen.insert(by.to_owned());
    }
    assert_eq!(seen, good, "each good one judged, and no other");
    assert_eq!(rows.iter().map(number).collect::<BTreeSet<_>>().len(), RECORDS, "one row for each");
    assert_eq!(server.seen().len(), RECORDS, "and one call");
}

#[tokio::test]
async fn a_file_that_is_removed_leaves_the_run_with_what_is_loaded() {
    let (case, server) = (case(), Server::start(|_| Reply::ok("ok")).await);
    let mut run = Fed::start(&case, &server, &[]);
    run.judged(5).await;
    std::fs::remove_file(case.path("p/misbehaving.wasm")).unwrap();
    let told = run.running.read_line_with("is gone").await;
    assert_eq!(
        told,
        format!("note: p/misbehaving.wasm is gone: this run goes on with `{ID}` as it is loaded, the next will not")
    );
    run.judged(5).await;
    // And it comes back, as another.
    put(&case.path("p/misbehaving.wasm"), &variant(1));
    run.running.read_line_with("for records that begin now").await;
    run.judged(5).await;
    let ran = run.end().await.code(0);
    let by: Vec<_> = ran.rows().iter().map(|row| row["component_digest"].as_str().unwrap().to_owned()).collect();
    assert_eq!(by, [vec![digest(&variant(0)); 10], vec![digest(&variant(1)); 5]].concat());
}

#[tokio::test]
async fn what_is_the_same_again_is_not_told_and_what_comes_beside_is_told_but_not_used() {
    let (case, server) = (case(), Server::start(|_| Reply::ok("ok")).await);
    let mut run = Fed::start(&case, &server, &[]);
    run.judged(5).await;
    // The same bytes in a new file: nothing to say. What comes next is said first.
    put(&case.path("p/misbehaving.wasm"), &variant(0));
    case.file("p/notes.txt", "no component");
    put(&case.path("p/custom.wasm"), &component("custom_provider.wasm"));
    let told = run.running.read_line_with("note: provider").await;
    assert!(told.starts_with("note: provider `classifier` came: "), "{told}");
    run.judged(5).await;
    let ran = run.end().await.code(0);
    assert_eq!(ran.stderr.matches("note: provider").count(), 1, "{}", ran.stderr);
    assert!(ran.rows().iter().all(|row| row["component_digest"] == *digest(&variant(0))));
}

#[tokio::test]
async fn one_of_the_same_id_takes_over_when_the_file_before_it_goes() {
    let (case, server) = (case(), Server::start(|_| Reply::ok("ok")).await);
    let mut run = Fed::start(&case, &server, &[]);
    run.judged(5).await;
    put(&case.path("p/misbehaving-2.wasm"), &variant(2));
    let told = run.running.read_line_with("refused").await;
    assert_eq!(told, format!("note: p/misbehaving-2.wasm is refused: its id `{ID}` is taken by `misbehaving.wasm`"));
    run.judged(5).await;
    std::fs::remove_file(case.path("p/misbehaving.wasm")).unwrap();
    let told = run.running.read_line_with("for records that begin now").await;
    assert!(told.contains(short(&digest(&variant(2)))), "{told}");
    run.judged(5).await;
    let rows = run.end().await.code(0).rows();
    let by_the_new: Vec<_> = rows.iter().filter(|row| row["component_digest"] == *digest(&variant(2))).collect();
    assert_eq!(by_the_new.len(), 5);
}

#[tokio::test]
async fn a_file_that_turns_into_another_provider_leaves_the_run_with_what_is_loaded() {
    let (case, server) = (case(), Server::start(|_| Reply::ok("ok")).await);
    let mut run = Fed::start(&case, &server, &[]);
    run.judged(5).await;
    put(&case.path("p/misbehaving.wasm"), &component("custom_provider.wasm"));
    let told = run.running.read_line_with("was replaced").await;
    assert!(!told.contains(ID), "{told}");
    run.judged(5).await;
    let rows = run.end().await.code(0).rows();
    assert!(rows.iter().all(|row| row["provider"] == ID && row["component_digest"] == *digest(&variant(0))));
}

#[tokio::test]
async fn a_file_that_is_only_half_there_is_refused_and_taken_when_it_is_whole() {
    let (case, server) = (case(), Server::start(|_| Reply::ok("ok")).await);
    let mut run = Fed::start(&case, &server, &[]);
    run.judged(5).await;
    let (bytes, path) = (variant(3), case.path("p/misbehaving.wasm"));
    let (first, second) = bytes.split_at(bytes.len() / 2);
    std::fs::write(&path, first).unwrap();
    let told = run.running.read_line_with("goes on as").await;
    assert!(told.contains("a damaged component"), "{told}");
    run.judged(5).await;
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(second).unwrap();
    run.running.read_line_with("for records that begin now").await;
    run.judged(5).await;
    let rows = run.end().await.code(0).rows();
    assert_eq!(rows.last().unwrap()["component_digest"], *digest(&bytes));
}

#[tokio::test]
async fn only_what_is_locked_comes_into_service() {
    let (case, server) = (case(), Server::start(|_| Reply::ok("ok")).await);
    case.run(&["--providers", "p", "providers", "lock"]).code(0);
    let mut run = Fed::start(&case, &server, &["--locked"]);
    run.judged(5).await;
    put(&case.path("p/misbehaving.wasm"), &variant(1));
    let told = run.running.read_line_with("goes on as").await;
    let (old, new) = (digest(&variant(0)), digest(&variant(1)));
    let reason = format!("not the `{ID}` of p/plugins.lock: it is {}, locked is {}", short(&new), short(&old));
    assert!(told.ends_with(&reason), "{told}");
    run.judged(5).await;
    // Locked by the operator, it is taken without being touched.
    let other = Case::new();
    other.file("p/misbehaving.wasm", variant(1));
    other.run(&["--providers", "p", "providers", "lock"]).code(0);
    put(&case.path("p/plugins.lock"), other.read("p/plugins.lock").as_bytes());
    run.running.read_line_with("for records that begin now").await;
    run.judged(5).await;
    let text = run.end().await.code(0).stdout;
    let by: Vec<_> = rows(&text).iter().map(|row| row["component_digest"].as_str().unwrap().to_owned()).collect();
    assert_eq!(by, [vec![old; 10], vec![new; 5]].concat());
}
