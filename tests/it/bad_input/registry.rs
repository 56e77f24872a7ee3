//! Registries that cannot be opened or written: the file stays as it is, and what was committed stays committed.

use super::{LEXICAL, case, ids, refused, row, rows_of, run};
use crate::support::{CLUSTERS, Case, Ran, records};
use judge_host::registry::Registry;
use rusqlite::Connection;
use std::fs;
use std::path::Path;

fn judge(case: &Case, registry: &str) -> Ran {
    run(case, &format!("judge records.jsonl {LEXICAL} --registry {registry}"))
}

#[test]
fn a_file_that_is_no_registry_is_refused_and_left_as_it_is() {
    let case = case();
    case.file("folder/x", "");
    Connection::open(case.path("other.db")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    judge(&case, "newer.db").code(0);
    Connection::open(case.path("newer.db")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    for (registry, error, hint) in [
        ("records.jsonl", "not a registry: records.jsonl", "clusters are read from other formats by `--clusters FILE`"),
        ("other.db", "not a registry: other.db", "names the database of a run"),
        (
            "newer.db",
            "registry is of version 99, later than 3, the latest that is understood: newer.db",
            "use the judge-host that wrote it, or another `--registry FILE`",
        ),
        (
            "folder",
            "registry cannot be opened: folder",
            "name a file, not a folder, such as `--registry folder/judge.db`",
        ),
        ("none/judge.db", "registry cannot be opened: none/judge.db", "the folder `none` must exist and be writable"),
    ] {
        let before = fs::read(case.path(registry)).ok();
        refused(judge(&case, registry), error, hint);
        assert_eq!(fs::read(case.path(registry)).ok(), before, "{registry} is as it was");
    }
    refused(run(&case, "registry --registry newer.db list"), "registry is of version 99", "use the judge-host");
    refused(run(&case, "registry list"), "no registry there: judge.db", "`judge-host judge` makes one");
    assert!(!case.path("judge.db").exists(), "to list makes nothing");
}

#[test]
fn a_registry_in_use_by_another_run_is_refused_and_can_be_read() {
    let case = case();
    let other = Registry::open(&case.path("judge.db")).unwrap();
    let hint = "wait until the other run has ended, or give this one its own `--registry FILE`";
    let told = format!("registry is in use by process {}: judge.db", std::process::id());
    refused(judge(&case, "judge.db"), &told, hint);
    refused(run(&case, "registry import clusters.jsonl"), &told, hint);
    run(&case, "registry list").code(0);
    drop(other);
    judge(&case, "judge.db").code(0);
}

#[test]
fn a_registry_that_is_marked_read_only_is_refused_even_to_root() {
    let case = case();
    judge(&case, "judge.db").code(0);
    let path = case.path("judge.db");
    let before = fs::read(&path).unwrap();
    set_read_only(&path, true);
    let hint = "make the file and its folder `.` writable, or name another `--registry FILE`";
    refused(judge(&case, "judge.db"), "registry cannot be written, it is read-only: judge.db", hint);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(run(&case, "registry list").code(0).stdout.contains("card_arrival"), "it can still be read");
    set_read_only(&path, false);
    judge(&case, "judge.db").code(0);
}

fn set_read_only(path: &Path, read_only: bool) {
    let mut permissions = fs::metadata(path).unwrap().permissions();
    permissions.set_readonly(read_only);
    fs::set_permissions(path, permissions).unwrap();
}

#[cfg(unix)]
#[test]
fn a_registry_in_a_folder_that_may_not_be_written_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let case = case();
    case.file("closed/x", "");
    fs::set_permissions(case.path("closed"), fs::Permissions::from_mode(0o555)).unwrap();
    let ran = super::run_bound(&case, "registry --registry closed/judge.db import clusters.jsonl");
    refused(
        ran,
        "registry cannot be written, it is read-only: closed/judge.db",
        "make the file and its folder `closed`",
    );
}

/// Stands in for a full disk: no file may grow over this many blocks of 512 bytes. More than the sandbox's memory
/// images take, which are files to the system, too.
#[cfg(unix)]
const BLOCKS_MAX: usize = 8192;

/// Fills the registry's journal up to so many bytes, and keeps it from being emptied while the connections live.
#[cfg(unix)]
fn fill(case: &Case, bytes: u64) -> [Connection; 2] {
    let open = || Connection::open(case.path("judge.db")).unwrap();
    let (writer, reader) = (open(), open());
    writer.execute_batch("PRAGMA wal_autocheckpoint = 0; CREATE TABLE filler (x)").unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM filler").unwrap();
    let journal = case.path("judge.db-wal");
    while fs::metadata(&journal).unwrap().len() < bytes {
        writer.execute("INSERT INTO filler VALUES (zeroblob(8000))", []).unwrap();
    }
    [writer, reader]
}

#[cfg(unix)]
#[test]
fn a_registry_on_a_full_disk_stops_the_run_and_a_second_run_goes_on() {
    let case = case();
    case.file("records.jsonl", records(40));
    run(&case, "registry import clusters.jsonl").code(0);
    let line = format!("judge records.jsonl {LEXICAL} --out rows.jsonl --summary s.json");
    let given = case.command(&super::words(&line));
    let filler = fill(&case, BLOCKS_MAX as u64 * 512 - 300_000);

    let mut full = std::process::Command::new("sh");
    let script = format!("ulimit -f {BLOCKS_MAX}; trap '' XFSZ; exec \"$@\"");
    full.args(["-c", &script, "sh"]).arg(given.get_program()).args(given.get_args());
    full.current_dir(case.path("")).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let ran = refused(Ran::from(full.output().unwrap()), "judge.db", "what is committed is kept");
    assert!(ran.stderr.contains("then run the same command again"), "{}", ran.stderr);
    drop(filler);

    let committed = run(&case, "registry export - --outcomes --batch-id records").code(0).rows();
    assert!((1..40).contains(&committed.len()), "it stopped in the middle: {}", committed.len());
    let written = rows_of(&case, "rows.jsonl");
    for id in ids(&written) {
        row(&committed, id);
    }

    run(&case, &line).code(0);
    let all = rows_of(&case, "rows.jsonl");
    assert_eq!(all.len(), 40);
    for n in 0..40 {
        assert!(row(&all, &format!("r{n}"))["error"].is_null());
    }
    let summary: serde_json::Value = serde_json::from_str(&case.read("s.json")).unwrap();
    assert_eq!((&summary["already_done"], &summary["failed"]), (&committed.len().into(), &0.into()));
}

#[test]
fn a_judge_without_any_choice_is_refused() {
    let case = case();
    let line = "judge records.jsonl --provider lexical --no-new-cluster";
    refused(run(&case, line), "the registry has no clusters, and new ones are not allowed", "give clusters with");
    case.file("more.jsonl", CLUSTERS);
    run(&case, &format!("{line} --clusters more.jsonl")).code(0);
}
