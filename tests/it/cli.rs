//! The command line as a user sees it: help, listings, and what each command prints.

use crate::support::{CLUSTERS, Case, Ran, records, rows};
use insta::assert_snapshot;
use serde_json::Value;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

/// What differs from machine to machine and from run to run, and what stands for it.
const FILTERS: &[(&str, &str)] = &[
    (r"CPU a record, peak memory +[0-9.]+ ms, \d+ MB", "CPU a record, peak memory  [ms], [MB]"),
    (r"[0-9a-f]{64}", "[sha256]"),
    (r"\b[0-9a-f]{12}\b", "[digest]"),
    (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "[time]"),
    (r"\d+ KB", "[size] KB"),
    (r"\d+ inert", "[n] inert"),
    (r"\b0\.1\.0\b", "[version]"),
    (r#""rationale":"[^"]*""#, r#""rationale":"[words]""#),
    (r#""latency_ms":\d+"#, r#""latency_ms":[ms]"#),
    (r"(wall time +)[0-9.]+s", "${1}[time]"),
    (r"(records/s +)[0-9.]+", "${1}[rate]"),
    (r"(latency p50 / p95 / p99 +)[0-9./ ]+ms", "${1}[times]"),
    // Columns are as wide as their widest cell, which may be one of the above.
    (r"(\S) {3,}", "$1  "),
    // The prompt's words are the sdk's matter, and are tested there.
    (r"(?m)^\{.*messages.*\}$", "[body]"),
];

/// Judges without a server, in the order of the input.
const LEXICAL: &str = "judge records.jsonl --provider lexical --clusters clusters.jsonl --parallel 1";

/// A folder with three clusters, and three records of which the first two fit one.
fn case() -> Case {
    let case = Case::new();
    case.file("clusters.jsonl", CLUSTERS);
    case.file("records.jsonl", JSONL);
    case
}

const JSONL: &str = concat!(
    r#"{"request_id":"r0","text":"where is my card","label":"card_arrival"}"#,
    "\n",
    r#"{"id":"r1","text":"price of a currency","label":"card_arrival","channel":"chat"}"#,
    "\n",
    r#"{"id":2,"text":"hello"}"#,
    "\n",
);

fn run(case: &Case, line: &str) -> Ran {
    case.run(&line.split_whitespace().collect::<Vec<_>>())
}

/// Exit code, stdout and stderr in one text, without what differs from machine to machine.
fn shown(ran: &Ran) -> String {
    format!("exit {}\n---- stdout\n{}---- stderr\n{}", ran.code, ran.stdout, ran.stderr)
}

macro_rules! assert_shown {
    ($name:expr, $ran:expr) => {
        insta::with_settings!({ filters => FILTERS.iter().copied(), omit_expression => true }, {
            assert_snapshot!($name, shown(&$ran));
        });
    };
}

#[test]
fn help_names_every_flag_with_unit_default_and_other_places() {
    let case = Case::new();
    for (name, line) in [
        ("help", "--help"),
        ("help_judge", "judge --help"),
        ("help_bench", "bench --help"),
        ("help_providers", "providers --help"),
        ("help_registry", "registry --help"),
        ("version", "--version"),
    ] {
        assert_shown!(name, run(&case, line).code(0));
    }
}

#[test]
fn alone_it_lists_what_it_loaded_and_what_to_type_next() {
    let case = Case::new();
    std::os::unix::fs::symlink(crate::support::plugins(), case.path("plugins")).unwrap();
    assert_shown!("alone", run(&case, "--providers ./plugins"));
}

#[test]
fn providers_are_listed_as_a_table_and_as_json() {
    let case = Case::new();
    assert_shown!("providers", run(&case, "providers"));
    let entries: Vec<Value> = serde_json::from_str(&run(&case, "providers --json").code(0).stdout).unwrap();
    let ids: Vec<_> = entries.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["anthropic", "lexical", "ollama", "openai", "openrouter", "triton"]);
    for entry in &entries {
        assert_eq!((&entry["state"], entry["digest"].as_str().map(str::len)), (&"loaded".into(), Some(64)));
        assert!(entry["size_bytes"].as_u64() > Some(1000) && entry["version"].is_string());
    }
}

#[test]
fn a_provider_is_checked_with_what_it_imports() {
    let case = Case::new();
    let check = |file: PathBuf| case.run(&["providers", "check", file.to_str().unwrap()]).code(0);
    let pure = check(crate::support::plugins().join("openai.wasm"));
    assert!(!pure.stdout.contains("imports wasi:"), "{}", pure.stdout);
    assert_shown!("providers_check", pure);
    // Which ones is the standard library's matter.
    let custom = check(crate::support::guests().join("custom_provider.wasm"));
    let imports: Vec<&str> = custom.stdout.lines().filter(|line| line.starts_with("imports wasi:")).collect();
    assert!(!imports.is_empty() && imports.iter().all(|line| line.contains(" (inert): ")), "{imports:?}");
}

#[test]
fn a_run_writes_rows_to_stdout_and_a_summary_to_stderr() {
    let case = case();
    assert_shown!("judge", run(&case, LEXICAL));
    assert_shown!("judge_again", run(&case, LEXICAL));
    assert_shown!("judge_csv", run(&case, &format!("{LEXICAL} --batch-id other --out rows.csv")));
}

#[test]
fn rows_in_csv_have_a_header_and_the_fields_of_the_error_side_by_side() {
    const HEADER: &str = "batch_id,slice_id,request_id,decision,cluster_id,confidence,rationale,suggested_cluster,\
                          error_kind,error_code,error_message,provider,model,component_digest,request_hash,epoch,\
                          attempts,latency_ms,input_tokens,cached_input_tokens,output_tokens,cost_usd,overtaken";
    let case = case();
    case.file("records.jsonl", format!("{JSONL}no json\n"));
    run(&case, &format!("{LEXICAL} --out rows.csv")).code(1);
    let text = case.read("rows.csv");
    assert_eq!(text.lines().next(), Some(HEADER));
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    let cells = |columns: [usize; 5]| -> Vec<Vec<&str>> {
        rows.iter().map(|row| columns.map(|column| &row[column]).to_vec()).collect()
    };
    // request_id, decision, cluster_id, error_code, error_message
    let expected = [
        ["r0", "assign", "card_arrival", "", ""],
        ["r1", "assign", "exchange_rate", "", ""],
        ["2", "skip", "", "", ""],
        ["line-4", "", "", "bad-json", "line 4 column 2: bad JSON"],
    ];
    assert_eq!(cells([2, 3, 4, 9, 10]), expected.map(|row| row.to_vec()));
}

#[test]
fn a_row_has_the_fields_that_others_script_against() {
    const FIELDS: &str = "batch_id slice_id request_id decision cluster_id confidence rationale suggested_cluster error \
                          provider model component_digest request_hash epoch attempts latency_ms input_tokens \
                          cached_input_tokens output_tokens cost_usd";
    let case = case();
    case.file("records.jsonl", format!("{JSONL}no json\n"));
    for row in run(&case, LEXICAL).code(1).rows() {
        let fields: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, FIELDS.split_whitespace().collect::<Vec<_>>());
        if let Some(error) = row["error"].as_object() {
            assert_eq!(error.keys().collect::<Vec<_>>(), ["kind", "code", "message"]);
        }
    }
}

#[test]
fn the_summary_has_the_fields_that_others_script_against() {
    /// More than were asked for: those of the ways that calls are saved, spread and waited for.
    const FIELDS: &str = "records judged failed already_done duplicates assign new_cluster skip coverage agreement calls \
                          retries shared hedged escalated fell_back rejudged quarantines overtaken wall_s records_per_s \
                          latency_ms input_tokens cached_input_tokens output_tokens cost_usd parallel parallel_settled \
                          parallel_reason servers waited_s cpu_ms_per_record memory_peak_mb interrupted \
                          records_per_request stopped";
    let case = case();
    run(&case, &format!("{LEXICAL} --summary s.json")).code(0);
    let summary: Value = serde_json::from_str(&case.read("s.json")).unwrap();
    let fields: Vec<&str> = summary.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, FIELDS.split_whitespace().collect::<Vec<_>>());
    assert_eq!(summary["latency_ms"].as_object().unwrap().keys().collect::<Vec<_>>(), ["p50", "p95", "p99"]);
    for (field, expected) in [("records", 3), ("judged", 3), ("failed", 0), ("assign", 2), ("skip", 1), ("parallel", 1)]
    {
        assert_eq!(summary[field], expected, "{field}");
    }
    assert_eq!(summary["agreement"], 0.5, "one of the two labels");
    assert!(summary["input_tokens"].is_null() && summary["cost_usd"].is_null(), "unknown is not 0");
}

#[test]
fn a_dry_run_prints_the_first_request_and_no_key() {
    let mut case = case();
    case.env("OPENAI_API_KEY", "sk-verysecret");
    case.env("MY_KEY", "sk-mysecret");
    for (name, flags) in [
        ("dry_run_openai", "--provider openai"),
        ("dry_run_ollama", "--provider ollama --model qwen3:8b"),
        (
            "dry_run_named_key",
            "--provider openai --endpoint http://gpu:8000/v1 --model m --api-key-env MY_KEY --allow-plain-http",
        ),
        ("dry_run_unnamed_key", "--provider openai --endpoint http://gpu:8000/v1 --model m"),
        ("dry_run_lexical", "--provider lexical"),
    ] {
        let line = format!("judge records.jsonl --clusters clusters.jsonl --out rows.jsonl --dry-run {flags}");
        let ran = run(&case, &line).code(0);
        assert!(!ran.stdout.contains("secret") && !ran.stderr.contains("secret"), "{}{}", ran.stdout, ran.stderr);
        assert_shown!(name, ran);
        if let Some((_, body)) = ran.stdout.split_once("\n\n") {
            let body: Value = serde_json::from_str(body).expect("a body of JSON");
            assert!(
                body["messages"].as_array().unwrap().last().unwrap()["content"]
                    .to_string()
                    .contains("where is my card")
            );
        }
    }
    for name in ["judge.db", "rows.jsonl"] {
        assert!(!case.path(name).exists(), "a dry run writes no {name}");
    }
}

#[test]
fn quiet_leaves_notes_and_errors_only() {
    let case = case();
    let ran = run(&case, &format!("{LEXICAL} --quiet")).code(0);
    assert_eq!((ran.stderr.as_str(), ran.rows().len()), ("", 3));
    case.file("records.jsonl", format!("{JSONL}{JSONL}"));
    let ran = run(&case, &format!("-q {LEXICAL} --rejudge")).code(0);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert!(
        ran.stderr.starts_with("note: rows passed over because an earlier one has their id: 3: "),
        "{}",
        ran.stderr
    );
}

#[test]
fn records_come_from_stdin_as_json_lines_or_csv() {
    let csv = "id,text,label\nr0,where is my card,card_arrival\nr1,\"price of\na currency\",\n2,hello,\n";
    for (name, input) in [("jsonl", JSONL), ("csv", csv)] {
        for dash in ["-", ""] {
            let case = case();
            let line = LEXICAL.replace("records.jsonl", dash);
            let mut command = case.command(&line.split_whitespace().collect::<Vec<_>>());
            let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            let ran = Ran::from(child.wait_with_output().unwrap()).code(0);
            let rows = ran.rows();
            let ids: Vec<_> = rows.iter().map(|row| row["request_id"].as_str().unwrap()).collect();
            assert_eq!(ids, ["r0", "r1", "2"], "{name}");
            assert!(rows.iter().all(|row| row["batch_id"] == "stdin"), "{name}");
            assert_eq!(
                (&rows[0]["cluster_id"], &rows[1]["cluster_id"]),
                (&"card_arrival".into(), &"exchange_rate".into())
            );
        }
    }
}

#[test]
fn a_limit_judges_the_first_records_and_the_next_run_the_rest() {
    let case = case();
    case.file("records.jsonl", records(5));
    let ids = |ran: Ran| -> Vec<String> {
        ran.rows().iter().map(|row| row["request_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(run(&case, &format!("{LEXICAL} --limit 2")).code(0)), ["r0", "r1"]);
    let two_more = run(&case, &format!("{LEXICAL} --limit 2")).code(0);
    assert_eq!(ids(two_more), ["r0", "r1", "r2", "r3"], "those already done do not count, and come first");
    assert_eq!(ids(run(&case, LEXICAL).code(0)), ["r0", "r1", "r2", "r3", "r4"]);
    run(&case, &format!("{LEXICAL} --limit 0")).code(2);
    assert_eq!(ids(run(&case, &format!("{LEXICAL} --limit 1 --rejudge")).code(0)), ["r0"]);
}

#[test]
fn the_exit_code_tells_all_some_and_none() {
    let case = case();
    run(&case, LEXICAL).code(0);
    case.file("records.jsonl", format!("{JSONL}no json\n"));
    run(&case, LEXICAL).code(1);
    run(&case, LEXICAL).code(1);
    run(&case, &LEXICAL.replace("records", "none")).code(2);
    run(&case, &LEXICAL.replace("lexical", "none")).code(2);
}

#[test]
fn the_registry_is_listed_exported_and_imported_in_every_format() {
    let case = case();
    assert_shown!("registry_import", run(&case, "registry import clusters.jsonl"));
    run(&case, LEXICAL).code(0);
    assert_shown!("registry_list", run(&case, "registry list"));
    assert_shown!("registry_list_json", run(&case, "registry list --json --limit 1"));
    for format in ["jsonl", "csv", "json"] {
        let printed = run(&case, &format!("registry export - --format {format}")).code(0);
        run(&case, &format!("registry export c.{format}")).code(0);
        assert_eq!(case.read(&format!("c.{format}")), printed.stdout, "the file's end tells the format");
        assert_shown!(format!("registry_export_{format}"), printed);

        let copy = format!("registry --registry {format}.db");
        run(&case, &format!("{copy} import c.{format}")).code(0);
        let copied = run(&case, &format!("{copy} export - --format {format}")).code(0);
        assert_eq!(copied.stdout, printed.stdout, "nothing is lost on the way");
    }
}

#[test]
fn outcomes_are_exported_as_the_rows_that_the_run_wrote() {
    let case = case();
    for name in ["rows.jsonl", "rows.csv"] {
        run(&case, &format!("{LEXICAL} --batch-id {name} --out {name}")).code(0);
        run(&case, &format!("registry export again-{name} --outcomes --batch-id {name}")).code(0);
        assert_eq!(case.read(name), case.read(&format!("again-{name}")));
    }
    assert_eq!(rows(&case.read("rows.jsonl")).len(), 3);
}
