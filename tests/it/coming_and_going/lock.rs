//! `plugins.lock`: what is written, and what it keeps out.

use super::{ID, case, digest, put, short, variant};
use crate::support::server::{Reply, Server};
use crate::support::{Case, Ran, records};
use std::fs;

fn run(case: &Case, line: &str) -> Ran {
    case.run(&line.split_whitespace().collect::<Vec<_>>())
}

/// A folder of one provider, which is locked.
fn locked() -> Case {
    let case = case();
    case.file("records.jsonl", records(3));
    run(&case, "--providers p providers lock").code(0);
    case
}

#[test]
fn every_loaded_provider_is_written_with_its_version_and_digest() {
    let case = case();
    case.file("p/broken.wasm", "text");
    let ran = run(&case, "--providers p providers lock").code(0);
    let expected = digest(&variant(0));
    assert!(ran.stdout.lines().any(|line| line.contains(ID) && line.contains(short(&expected))), "{}", ran.stdout);
    assert_eq!(
        ran.stderr,
        "note: not locked, as it is not loaded: p/broken.wasm: not a WebAssembly file\n\
         written to p/plugins.lock; `--locked` loads nothing else\n"
    );
    let text = case.read("p/plugins.lock");
    assert!(text.starts_with("# Written by `judge-host providers lock`."), "{text}");
    let table: toml::Table = text.parse().unwrap();
    let providers = table["provider"].as_array().unwrap();
    let [one] = providers.as_slice() else { panic!("{text}") };
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(["id", "version", "sha256"].map(|key| one[key].as_str().unwrap()), [ID, version, expected.as_str()]);
}

#[test]
fn nothing_to_lock_is_an_error_and_writes_nothing() {
    let case = Case::new();
    case.file("p/broken.wasm", "text");
    let ran = run(&case, "--providers p providers lock").code(2);
    assert!(ran.stderr.contains("error: no provider is loaded, and so none can be locked\nhint: "), "{}", ran.stderr);
    assert!(!case.path("p/plugins.lock").exists());
}

#[tokio::test]
async fn what_is_locked_judges_by_flag_variable_and_file() {
    let server = Server::start(|_| Reply::ok("ok")).await;
    let url = server.url();
    for way in ["flag", "variable", "file"] {
        let mut case = locked();
        let mut line = vec!["--providers", "p", "judge", "records.jsonl", "--provider", ID, "--endpoint", &url];
        match way {
            "flag" => line.push("--locked"),
            "variable" => case.env("JUDGE_HOST_LOCKED", "true"),
            _ => drop(case.file("judge.toml", "locked = true\n")),
        }
        assert_eq!(case.run_beside(&line).await.code(0).rows().len(), 3, "{way}");
        // And what is not locked does not.
        put(&case.path("p/misbehaving.wasm"), &variant(1));
        let ran = case.run_beside(&[&line[..], &["--rejudge"]].concat()).await.code(2);
        let (old, new) = (digest(&variant(0)), digest(&variant(1)));
        let told = format!(
            "error: no such provider: `{ID}`\nhint: `misbehaving.wasm` is not loaded: not the `{ID}` of p/plugins.lock: \
             it is {}, locked is {}; if it is meant to be there: `judge-host --providers p providers lock` locks what is \
             there\n",
            short(&new),
            short(&old)
        );
        assert_eq!(ran.stderr, told, "{way}");
        assert_eq!(server.seen().len() % 3, 0, "nothing was sent");
    }
}

#[test]
fn every_command_that_loads_keeps_to_the_lock() {
    let case = locked();
    put(&case.path("p/other.wasm"), &fs::read(crate::support::plugins().join("lexical.wasm")).unwrap());
    let ran = run(&case, "--providers p --locked providers").code(0);
    assert!(ran.stdout.contains("refused other.wasm: not in p/plugins.lock: it is "), "{}", ran.stdout);
    let ran = run(&case, "--providers p --locked providers check p/other.wasm").code(2);
    assert!(ran.stderr.contains("not in p/plugins.lock"), "{}", ran.stderr);
    run(&case, "--providers p --locked providers check p/misbehaving.wasm").code(0);
    // `lock` alone looks past it: it is what mends it.
    run(&case, "--providers p --locked providers lock").code(0);
    run(&case, "--providers p --locked providers check p/other.wasm").code(0);
}

#[test]
fn without_a_lock_file_or_with_a_wrong_one_nothing_is_loaded() {
    let case = locked();
    case.file("p/plugins.lock", "form = 1\nproviders = 2\n");
    let ran = run(&case, "--providers p --locked providers").code(2);
    assert!(ran.stderr.contains("not a lock file: `p/plugins.lock`: unknown field `providers`"), "{}", ran.stderr);
    fs::remove_file(case.path("p/plugins.lock")).unwrap();
    for command in ["providers", "judge records.jsonl --provider misbehaving", "judge records.jsonl --dry-run"] {
        let ran = run(&case, &format!("--providers p --locked {command}")).code(2);
        assert_eq!(
            ran.stderr,
            "error: only locked providers are loaded, and there is nothing to go by\n  \
             caused by: no lock file: `p/plugins.lock`\n\
             hint: `judge-host --providers p providers lock` writes it anew, from what is in the folder\n"
        );
    }
}
