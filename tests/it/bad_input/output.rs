//! Outputs that cannot be written, or that belong to another run.

use super::{LEXICAL, case, ids, refused, rows_of, run};
use crate::support::Case;
use std::fs;

fn line(flags: &str) -> String {
    format!("judge records.jsonl {LEXICAL} {flags}")
}

#[test]
fn the_output_of_another_run_is_refused_and_replaced_by_force_only() {
    for name in ["rows.jsonl", "rows.csv"] {
        let case = case();
        case.file(name, "what somebody else wrote\n");
        let error = format!("the output file exists and is not this run's: {name}");
        let hint = "choose another `--out`, or replace the file with `--force`";
        refused(run(&case, &line(&format!("--out {name}"))), &error, hint);
        assert_eq!(case.read(name), "what somebody else wrote\n");
        run(&case, &line(&format!("--out {name} --force"))).code(0);
        assert_eq!(case.read(name).lines().filter(|line| line.contains("r1")).count(), 1);
        assert!(!case.read(name).contains("somebody"));
    }
}

#[test]
fn the_output_of_another_registry_or_batch_is_refused() {
    let case = case();
    run(&case, &line("--out rows.jsonl")).code(0);
    let before = case.read("rows.jsonl");
    for flags in ["--out rows.jsonl --batch-id other", "--out rows.jsonl --registry other.db"] {
        refused(run(&case, &line(flags)), "the output file exists and is not this run's", "`--force`");
        assert_eq!(case.read("rows.jsonl"), before);
    }
}

#[test]
fn the_same_run_going_on_ends_with_a_complete_file_and_no_doubles() {
    for name in ["rows.jsonl", "rows.csv"] {
        let case = case();
        let out = format!("--out {name}");
        run(&case, &line(&format!("{out} --limit 2"))).code(0);
        let first = case.read(name);
        // As a kill may leave it: the last row torn, and one row too many.
        case.file(name, format!("{first}{}", &first[..first.len() / 3]));
        run(&case, &line(&out)).code(0);
        run(&case, &line(&out)).code(0);
        let all = case.read(name);
        assert!(all.starts_with(&first), "what was written stands first, in its order:\n{all}");
        let header = usize::from(name == "rows.csv");
        assert_eq!(all.lines().count(), 3 + header, "{all}");
        for id in ["r0", "r1", "r2"] {
            assert_eq!(all.matches(&format!("{id}\",")).count() + all.matches(&format!(",{id},")).count(), 1, "{all}");
        }
    }
}

#[test]
fn an_output_that_cannot_be_written_is_refused() {
    let case = case();
    case.file("folder.jsonl/x", "");
    for (flags, error, hint) in [
        ("--out rows.txt", "cannot tell the format of the output from its name: rows.txt", "`.jsonl` or `.csv`"),
        ("--out rows", "cannot tell the format of the output from its name: rows", "give `-` for stdout"),
        ("--out none/rows.jsonl", "none/rows.jsonl\n  caused by: there is no such folder", "a folder that exists"),
        ("--summary none/s.json", "cannot write the summary: none/s.json: No such file", "a folder that exists"),
        ("--trace none/t.jsonl", "cannot write the trace: none/t.jsonl: No such file", "`--trace` wants a file"),
        ("--summary folder.jsonl", "cannot write the summary: folder.jsonl: Is a directory", "wants a file"),
    ] {
        refused(run(&case, &line(flags)), error, hint);
        assert_eq!(committed(&case), 0, "{flags}: told before anything is judged");
    }
}

/// Outcomes that are committed.
fn committed(case: &Case) -> usize {
    if !case.path("judge.db").exists() {
        return 0;
    }
    run(case, "registry export - --outcomes --batch-id records").code(0).rows().len()
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_the_output_stops_the_run_and_loses_nothing_that_was_judged() {
    let case = case();
    std::os::unix::fs::symlink("/dev/full", case.path("rows.jsonl")).unwrap();
    let ran = refused(run(&case, &line("--out rows.jsonl")), "cannot write the output", "nothing judged is lost");
    assert!(ran.stderr.contains("caused by: No space left on device"), "{}", ran.stderr);
    let kept = committed(&case);
    assert!(kept > 0, "a row is written only after its commit");

    fs::remove_file(case.path("rows.jsonl")).unwrap();
    run(&case, &line("--out rows.jsonl --summary s.json")).code(0);
    assert_eq!(ids(&rows_of(&case, "rows.jsonl")), ["r0", "r1", "r2"]);
    let summary: serde_json::Value = serde_json::from_str(&case.read("s.json")).unwrap();
    assert_eq!(summary["already_done"], kept, "what was committed is not judged again");
}

#[cfg(target_os = "linux")]
#[test]
fn rows_that_a_full_stdout_did_not_take_come_with_the_next_run() {
    let case = case();
    let mut command = case.command(&super::words(&line("")));
    command.stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let ran = crate::support::Ran::from(command.output().unwrap());
    refused(ran, "cannot write the output", "the same command again writes the committed rows anew");
    assert_eq!(run(&case, &line("")).code(0).rows().len(), 3);
    assert_eq!(committed(&case), 3);
}

#[test]
fn an_export_that_cannot_be_written_is_refused() {
    let case = case();
    run(&case, "registry import clusters.jsonl").code(0);
    for (flags, error, hint) in [
        ("none/c.csv", "cannot write none/c.csv: No such file", "give a file in a folder that exists, or `-`"),
        ("c.txt", "not a known format of clusters: c.txt", "name the file `.jsonl`, `.csv` or `.json`"),
        ("- --format json --outcomes --batch-id b", "outcomes are rows", "choose `--format jsonl` or `--format csv`"),
        ("- --outcomes", "the following required arguments were not provided:\n  --batch-id <ID>", "with `--help`"),
        ("- --format xml", "invalid value 'xml' for '--format <FORMAT>'", "with `--help`"),
    ] {
        refused(run(&case, &format!("registry export {flags}")), error, hint);
    }
}

#[test]
fn no_output_falls_on_what_the_run_reads_or_keeps() {
    let case = case();
    run(&case, &line("--registry kept.db --out rows.jsonl")).code(0);
    let files = ["records.jsonl", "clusters.jsonl", "kept.db", "rows.jsonl"];
    let before = files.map(|name| fs::read(case.path(name)).unwrap());
    let judge = line("--registry kept.db --out rows.jsonl");
    for (command, said) in [
        (line("--out records.jsonl --force"), "--out would overwrite the records"),
        (line("--out ./clusters.jsonl --force"), "--out would overwrite the clusters"),
        (format!("{judge} --summary kept.db"), "--summary would overwrite the registry"),
        (format!("{judge} --trace records.jsonl"), "--trace would overwrite the records"),
        (format!("{judge} --summary records.jsonl"), "--summary would overwrite the records"),
        (format!("{judge} --summary rows.jsonl"), "--summary would overwrite the rows"),
        ("registry --registry kept.db export kept.db --format jsonl --force".into(), "would overwrite the registry"),
        ("registry --registry kept.db export rows.jsonl".into(), "the file exists: rows.jsonl"),
    ] {
        let ran = run(&case, &command).code(2);
        assert!(ran.stderr.contains(said) && ran.stderr.contains("hint: "), "{command}\n{}", ran.stderr);
    }
    assert!(files.map(|name| fs::read(case.path(name)).unwrap()) == before, "nothing was changed");
    run(&case, "registry --registry kept.db export rows.jsonl --force").code(0);
    assert!(case.read("rows.jsonl").contains("\"cluster_id\":\"card_arrival\",\"name\""));
}

#[test]
fn a_file_taken_from_another_batch_is_no_longer_the_others() {
    let case = case();
    run(&case, &line("--out rows.jsonl --batch-id a")).code(0);
    run(&case, &line("--out rows.jsonl --batch-id b --force")).code(0);
    let before = case.read("rows.jsonl");
    let error = "the output file exists and is not this run's";
    refused(run(&case, &line("--out rows.jsonl --batch-id a")), error, "`--force`");
    assert_eq!(case.read("rows.jsonl"), before);
}
