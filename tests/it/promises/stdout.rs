//! stdout is data, stderr is talk, and the exit code says what came of it.

use crate::support::{CLUSTERS, Case, Ran, judging};
use judge_host_kit::{FakeLlm, FaultRule, Script, Then, When};
use serde_json::Value;

#[track_caller]
fn assert_apart(ran: &Ran, rows: usize) {
    let found = ran.rows();
    assert_eq!(found.len(), rows, "{}", ran.stdout);
    assert!(found.iter().all(|row| row["request_id"].is_string() && row.get("error").is_some()), "{}", ran.stdout);
    assert_eq!(ran.stdout.is_empty(), rows == 0);
    assert!(rows == 0 || ran.stdout.ends_with('\n'), "the last line is whole");
    for line in ran.stderr.lines() {
        assert!(!matches!(serde_json::from_str(line), Ok(Value::Object(_))), "a row among the talk: {line}");
    }
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "no colours where nobody looks");
}

#[tokio::test]
async fn stdout_holds_rows_and_nothing_else() {
    let failing = FaultRule { when: When::Record("r1".into()), then: Then::status(400) };
    let server = FakeLlm::start(Script { faults: vec![failing], ..Script::default() }).await;
    let mut case = Case::new();
    // A note of the configuration, an unnamed record, a repeated id, bad lines, a failure: all that is talked about.
    case.env("OPENAI_API_KEY", "sk-unused");
    let records = "{\"id\":\"r0\",\"text\":\"a\"}\n{\"id\":\"r1\",\"text\":\"b\"}\n{\"text\":\"c\"}\n{\"id\":\"r0\",\"text\":\"d\"}\n{\n[]\n";
    case.file("records.jsonl", records);
    case.file("fine.jsonl", "{\"id\":\"r0\",\"text\":\"a\"}\n");
    case.file("empty.jsonl", "");
    case.file("clusters.jsonl", CLUSTERS);
    let args = |records: &str, more: &[&str]| {
        judging("openai", records, &server, &[&["--clusters", "clusters.jsonl"], more].concat())
    };

    let ran = case.run_beside(&args("records.jsonl", &[])).await.code(1);
    assert_apart(&ran, 5);
    for words in
        ["note: OPENAI_API_KEY", "earlier one has their id", "records without an id", "failed records", "judged"]
    {
        assert!(ran.stderr.contains(words), "{words}: not in {}", ran.stderr);
    }
    let quiet = case.run_beside(&args("records.jsonl", &["--quiet", "--rejudge"])).await.code(1);
    assert_apart(&quiet, 5);
    assert!(quiet.stderr.lines().all(|line| line.starts_with("note: ")), "{}", quiet.stderr);

    for (name, records, more, code, rows) in [
        ("all judged", "fine.jsonl", &[][..], 0, 1),
        ("all judged before", "fine.jsonl", &[], 0, 1),
        ("nothing to judge", "empty.jsonl", &[], 0, 0),
        ("a failure", "records.jsonl", &["--batch-id", "again"], 1, 5),
        ("no such input", "missing.jsonl", &[], 2, 0),
        ("no such folder", "fine.jsonl", &["--registry", "nowhere/judge.db"], 2, 0),
        ("no such instructions", "fine.jsonl", &["--instructions", "missing.txt"], 2, 0),
        ("a value out of range", "fine.jsonl", &["--parallel", "0"], 2, 0),
        ("a flag that is none", "fine.jsonl", &["--paralel", "1"], 2, 0),
    ] {
        let ran = case.run_beside(&args(records, more)).await;
        assert_eq!(ran.code, code, "{name}: {}", ran.stderr);
        assert_apart(&ran, rows);
        assert!(code != 2 || ran.stderr.contains("error: "), "{name}: {}", ran.stderr);
    }
}
