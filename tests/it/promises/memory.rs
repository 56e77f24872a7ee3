//! Memory grows with what is in flight, not with the number of records.

use crate::support::{CLUSTERS, Case, Running};
use std::fmt::Write as _;
use std::fs;
use tokio::io::AsyncWriteExt;

/// Bytes of a record's text.
const TEXT_BYTES: usize = 8 * 1024;
/// Records that warm everything up: pools, buffers and caches are as large as they get.
const FIRST: usize = 400;
/// Records after them: 24 MiB of texts.
const THEN: usize = 3_000;
/// What may come on top of it all the same: allocators and caches are no exact science.
const GROWTH_MAX_KIB: u64 = 8 * 1024;

/// The most memory that a process has had resident so far, in KiB.
fn peak_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux tells it");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

fn records(from: usize, count: usize) -> String {
    let filling = "where is my card and when does it come ".repeat(TEXT_BYTES / 39);
    (from..from + count).fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "{{\"request_id\":\"r{n}\",\"text\":\"{n} {filling}\"}}");
        text
    })
}

#[tokio::test]
async fn memory_does_not_grow_with_the_records() {
    let case = Case::new();
    case.file("clusters.jsonl", CLUSTERS);
    let args = ["judge", "-", "--provider", "lexical", "--clusters", "clusters.jsonl", "--parallel", "8"];
    let mut running = Running::start(&case, &args);
    let mut stdin = running.stdin.take().expect("a pipe");
    let mut feed = async |running: &mut Running, text: String, count| {
        let (fed, ()) = tokio::join!(stdin.write_all(text.as_bytes()), running.read_rows(count));
        fed.expect("it reads on");
        peak_kib(running.id())
    };
    // All rows are out and the input is still open: what is measured is the run at work, not its end.
    let before = feed(&mut running, records(0, FIRST), FIRST).await;
    let after = feed(&mut running, records(FIRST, THEN), THEN).await;
    drop(stdin);
    assert_eq!(running.end().await.code(0).rows().len(), FIRST + THEN);
    // The system counts pages in batches, so that even a peak may come out a little lower later.
    let grown = after.saturating_sub(before);
    assert!(grown < GROWTH_MAX_KIB, "{grown} KiB more for {} KiB of texts", THEN * TEXT_BYTES / 1024);
}
