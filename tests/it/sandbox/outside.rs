//! The same from outside: what the binary says and leaves, and where it keeps what it compiled.

use crate::support::server::{Reply, Server};
use crate::support::{CLUSTERS, Case, Ran, binary, guests, plugins, records};
use judge_host::sandbox::{Sandbox, SandboxOptions};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Judges with the misbehaving component, once a record.
async fn judge(case: &Case, server: &Server, verb: &str, phase: &str) -> Ran {
    case.file("records.jsonl", records(3));
    let (verb, phase) = (format!("verb={verb}"), format!("phase={phase}"));
    let guests = guests();
    let mut args = vec!["--providers", guests.to_str().expect("Unicode"), "judge", "records.jsonl"];
    let url = server.url();
    args.extend(["--provider", "misbehaving", "--endpoint", &url, "--attempts", "1"]);
    args.extend(["--setting", &verb, "--setting", &phase]);
    case.run_beside(&args).await
}

#[tokio::test]
async fn the_rows_tell_the_fault_and_the_run_goes_on() {
    for (verb, phase, kind, code, sends) in [
        ("panic", "build", "trap", "abort", 0),
        ("wrong-on-parse", "build", "trap", "abort", 3),
        ("absolute-url", "build", "blocked", "path", 0),
        ("unknown-cluster", "parse", "malformed", "unknown-cluster", 3),
    ] {
        let (case, server) = (Case::new(), Server::start(|_| Reply::ok("ok")).await);
        let ran = judge(&case, &server, verb, phase).await.code(1);
        let rows = ran.rows();
        assert_eq!(rows.len(), 3, "{verb}");
        for row in &rows {
            assert_eq!(
                (row["error"]["kind"].as_str(), row["error"]["code"].as_str()),
                (Some(kind), Some(code)),
                "{row}"
            );
            assert!(row["decision"].is_null() && row["attempts"] == 1, "{row}");
        }
        assert_eq!(server.seen().len(), sends, "{verb}");
        assert!(!ran.stdout.contains("told to panic") && !ran.stderr.contains("told to panic"), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn a_component_that_behaves_is_judged_by_what_it_says() {
    let (case, server) = (Case::new(), Server::start(|_| Reply::ok("ok")).await);
    let rows = judge(&case, &server, "none", "build").await.code(0).rows();
    assert!(rows.iter().all(|row| row["decision"] == "skip"), "{rows:?}");
    let seen = server.seen();
    assert_eq!(seen.iter().map(|seen| seen.line.as_str()).collect::<Vec<_>>(), ["POST /judge"; 3]);
}

#[tokio::test]
async fn a_component_that_misbehaves_before_the_run_ends_it() {
    for (verb, words, sends) in [
        ("spin", "deadline: the component computed longer than 500ms", 0),
        ("panic", "trap: the component aborted at ", 0),
        ("exit", "trap: the component exited with status 1", 0),
        ("absolute-url", "blocked: the component asked for a path that is not allowed", 0),
        ("set-header-authorization", "blocked: the component set the header `authorization`", 0),
        ("huge-state", "too-large: the component returned a state of 2097152 bytes", 0),
        ("many-sends", "blocked: the preparation wants more than 8 requests", 8),
    ] {
        let (case, server) = (Case::new(), Server::start(|_| Reply::ok("ok")).await);
        let ran = judge(&case, &server, verb, "prepare").await.code(2);
        assert!(ran.stderr.contains("error: provider `misbehaving` cannot start"), "{verb}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{verb}: {}", ran.stderr);
        assert!(!ran.stderr.contains("told to panic"), "{}", ran.stderr);
        assert_eq!((ran.stdout.as_str(), server.seen().len()), ("", sends), "{verb}");
    }
}

#[tokio::test]
async fn a_setting_that_the_component_does_not_know_ends_the_run() {
    let (case, server) = (Case::new(), Server::start(|_| Reply::ok("ok")).await);
    let ran = judge(&case, &server, "dance", "prepare").await.code(2);
    assert!(ran.stderr.contains("setting `verb` has a value that it cannot have: dance"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: correct or drop `--setting verb=VALUE`"), "{}", ran.stderr);
}

#[tokio::test]
async fn somebody_elses_provider_judges() {
    let answer = |score: f64| format!(r#"{{"label":"top_up_failed","score":{score}}}"#);
    let server =
        Server::start(move |seen| Reply::ok(answer(if seen.body.contains("number 2") { 0.2 } else { 0.93 }))).await;
    let case = Case::new();
    case.file("records.jsonl", records(3));
    case.file("clusters.jsonl", CLUSTERS);
    let (guests, url) = (guests(), server.url());
    let mut args = vec!["--providers", guests.to_str().expect("Unicode"), "judge", "records.jsonl"];
    args.extend(["--provider", "classifier", "--endpoint", &url, "--clusters", "clusters.jsonl", "--parallel", "1"]);
    let rows = case.run_beside(&args).await.code(0).rows();
    assert_eq!((rows[0]["decision"].as_str(), rows[0]["confidence"].as_str()), (Some("assign"), Some("high")));
    assert_eq!(
        (rows[0]["cluster_id"].as_str(), rows[0]["rationale"].as_str()),
        (Some("top_up_failed"), Some("score 0.93"))
    );
    assert_eq!((rows[2]["decision"].as_str(), &rows[2]["cluster_id"]), (Some("skip"), &serde_json::Value::Null));
    let labels = r#""labels":["card_arrival","top_up_failed","exchange_rate"]"#;
    for seen in server.seen() {
        assert_eq!(seen.line, "POST /classify");
        assert!(seen.body.contains(labels), "{}", seen.body);
    }
}

#[tokio::test]
async fn the_dry_run_shows_that_there_is_a_key_and_not_which() {
    let mut case = Case::new();
    case.file("records.jsonl", records(1));
    case.env("MY_KEY", "sk-never-shown");
    let mut args = vec!["judge", "records.jsonl", "--provider", "openai", "--model", "fake", "--dry-run"];
    args.extend(["--endpoint", "http://127.0.0.1:9", "--api-key-env", "MY_KEY"]);
    let ran = case.run_beside(&args).await.code(0);
    assert!(ran.stdout.starts_with("POST http://127.0.0.1:9/v1/chat/completions\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("\nauthorization: Bearer [redacted]\n"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("sk-never-shown") && !ran.stderr.contains("sk-never-shown"));
    assert!(!case.path("judge.db").exists(), "a dry run leaves nothing");
}

/// The id that a component gives itself when it is loaded with this cache.
async fn loaded_id(cache_dir: &Path, component: &Path) -> String {
    let options = SandboxOptions { cache_dir: Some(cache_dir.to_owned()), ..SandboxOptions::default() };
    let sandbox = Sandbox::new(options).unwrap();
    assert_eq!(sandbox.cache_refused(), None);
    sandbox.load(component).await.unwrap().identity().descriptor.id.clone()
}

/// The one compiled component of a cache: its largest file.
fn entry(cache_dir: &Path) -> PathBuf {
    let (mut folders, mut files) = (vec![cache_dir.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() { folders.push(entry.path()) } else { files.push((metadata.len(), entry.path())) }
        }
    }
    files.into_iter().max().expect("something was compiled").1
}

#[tokio::test]
async fn what_was_compiled_once_is_loaded_from_the_cache() {
    let case = Case::new();
    let (one, other) = (case.path("cache/one"), case.path("cache/other"));
    let (misbehaving, custom) = (guests().join("guest_misbehaving.wasm"), guests().join("custom_provider.wasm"));
    assert_eq!(loaded_id(&one, &misbehaving).await, "misbehaving");
    assert_eq!(loaded_id(&other, &custom).await, "classifier");
    assert_eq!(fs::metadata(&one).unwrap().permissions().mode() & 0o777, 0o700, "it is the owner's alone");
    assert_eq!(loaded_id(&one, &misbehaving).await, "misbehaving");
    // Swapped: if the cache is what is loaded, the component takes itself for another.
    fs::copy(entry(&other), entry(&one)).unwrap();
    assert_eq!(loaded_id(&one, &misbehaving).await, "classifier");
}

#[tokio::test]
async fn a_cache_that_others_may_write_is_not_used_and_told() {
    let case = Case::new();
    let open = case.path("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    // One small provider, since it is compiled.
    fs::create_dir(case.path("one")).unwrap();
    fs::copy(plugins().join("lexical.wasm"), case.path("one/lexical.wasm")).unwrap();
    case.file("judge.toml", "cache_dir = \"open\"\n");
    let mut command = Command::new(binary());
    command.current_dir(case.path("")).env_clear().args(["providers", "--providers", "one"]);
    let ran = Ran::from(command.output().unwrap()).code(0);
    assert!(ran.stderr.contains("note: compiled providers are not kept: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("may be written by others (mode 777); `chmod 700` it"), "{}", ran.stderr);
    assert!(ran.stdout.contains("lexical"), "{}", ran.stdout);
    assert_eq!(fs::read_dir(open).unwrap().count(), 0, "nothing was put there");
}
