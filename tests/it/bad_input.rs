//! Every slip of an operator gets a clear answer and an exit code, and nothing is lost.

mod components;
mod config;
mod output;
mod records;
mod registry;
mod servers;

use crate::support::{CLUSTERS, Case, Ran, binary, records, rows};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// Judges without a server, in the order of the input.
const LEXICAL: &str = "--provider lexical --clusters clusters.jsonl --parallel 1";

/// A folder with three clusters, and three records `r0` to `r2` in `records.jsonl`.
fn case() -> Case {
    let case = Case::new();
    case.file("clusters.jsonl", CLUSTERS);
    case.file("records.jsonl", records(3));
    case
}

/// Runs a command line as people write it: words between spaces.
fn run(case: &Case, line: &str) -> Ran {
    case.run(&words(line))
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Asserts that a command could not run: code 2, nothing on stdout, on stderr an error and at its end a hint.
#[track_caller]
fn refused(ran: Ran, error: &str, hint: &str) -> Ran {
    let ran = ran.code(2);
    assert_eq!(ran.stdout, "", "{}", ran.stderr);
    let mut lines = ran.stderr.lines();
    let errors: Vec<_> = lines.by_ref().take_while(|line| !line.starts_with("hint: ")).collect();
    assert!(errors.iter().any(|line| line.starts_with("error: ")), "{}", ran.stderr);
    assert!(errors.join("\n").contains(error), "no `{error}` in:\n{}", ran.stderr);
    let last = ran.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("hint: ") && last.contains(hint), "no hint `{hint}` in:\n{}", ran.stderr);
    ran
}

/// The row of a record.
#[track_caller]
fn row<'a>(rows: &'a [Value], request_id: &str) -> &'a Value {
    let mut found = rows.iter().filter(|row| row["request_id"] == request_id);
    let row = found.next().unwrap_or_else(|| panic!("no row `{request_id}` in {rows:#?}"));
    assert!(found.next().is_none(), "two rows `{request_id}`");
    row
}

/// The ids of rows, in order of id.
fn ids(rows: &[Value]) -> Vec<&str> {
    let mut ids: Vec<_> = rows.iter().map(|row| row["request_id"].as_str().expect("an id")).collect();
    ids.sort_unstable();
    ids
}

/// Runs the binary as a user whom permissions bind: as who runs the tests, or as nobody where that is root.
#[cfg(unix)]
fn run_bound(case: &Case, line: &str) -> Ran {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    /// `nobody`, on every system that has one.
    const NOBODY: u32 = 65534;
    let folder = case.path("");
    let mut command = case.command(&words(line));
    if fs::metadata(&folder).unwrap().uid() == 0 {
        // Where the binary was built, nobody may have no way to.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let own = case.path("judge-host");
        fs::copy(binary(), &own).unwrap();
        let given = command;
        command = Command::new(own);
        command.args(given.get_args()).current_dir(&folder).env_clear().uid(NOBODY).gid(NOBODY);
    }
    Ran::from(command.output().expect("the binary runs"))
}

/// The rows of a file of JSON lines.
#[track_caller]
fn rows_of(case: &Case, name: &str) -> Vec<Value> {
    rows(&case.read(name))
}
