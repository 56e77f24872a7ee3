//! Where keys go, and where they do not.

use super::{PROVIDERS, case, judge, keeping, skipping};
use crate::support::server::{Reply, Server};
use judge_host_kit::{FakeLlm, Script};
use std::fs;

const KEY: &str = "sk-9876-never-shown";

#[tokio::test]
async fn the_named_key_goes_into_the_header_and_nowhere_else() {
    for provider in PROVIDERS {
        let server = FakeLlm::start(Script { key: Some(KEY.to_owned()), ..keeping() }).await;
        let mut case = case(5);
        case.env("MY_KEY", KEY);
        let args = ["--api-key-env", "MY_KEY", "--summary", "summary.json", "--out", "rows.jsonl"];
        let ran = judge(&case, provider, &server.url(), &args).await.code(0);
        let stats = server.stats();
        assert_eq!((stats.calls, stats.auth), (5, vec![Some(KEY.to_owned())]), "in the preparation too");
        assert!(!stats.bodies.join("").contains(KEY));
        assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "{}", ran.stderr);
        let mut files = 0;
        for entry in fs::read_dir(case.path("")).unwrap() {
            let path = entry.unwrap().path();
            let content = if path.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            assert!(!content.windows(KEY.len()).any(|window| window == KEY.as_bytes()), "{}", path.display());
            files += usize::from(path.is_file());
        }
        assert!(files >= 5, "registry, rows and summary are among them");
    }
}

#[tokio::test]
async fn the_bearer_is_spelled_as_servers_want_it() {
    let server = Server::start(|_| skipping()).await;
    let mut case = case(1);
    case.env("MY_KEY", KEY);
    let args = ["--api-key-env", "MY_KEY", "--setting", "check_model=false"];
    judge(&case, "openai", &server.url(), &args).await.code(0);
    let seen = server.seen();
    assert_eq!(seen[0].headers["authorization"], format!("Bearer {KEY}"));
    let others = seen[0].headers.iter().filter(|(name, _)| *name != "authorization");
    assert!(others.into_iter().all(|(_, value)| !value.contains(KEY)) && !seen[0].line.contains(KEY));
    assert_eq!(seen[0].headers["content-type"], "application/json");
}

#[tokio::test]
async fn a_vendors_key_is_not_sent_to_a_stranger_unless_it_is_named() {
    let server = FakeLlm::start(Script::default()).await;
    let mut case = case(2);
    case.env("OPENAI_API_KEY", KEY);
    let ran = judge(&case, "openai", &server.url(), &[]).await.code(0);
    let note = format!("note: OPENAI_API_KEY is not sent to {}; --api-key-env OPENAI_API_KEY would", server.url());
    assert!(ran.stderr.contains(&note), "{}", ran.stderr);
    assert_eq!(server.stats().auth, [None]);

    let ran = judge(&case, "openai", &server.url(), &["--api-key-env", "OPENAI_API_KEY", "--rejudge"]).await.code(0);
    assert!(!ran.stderr.contains("is not sent"), "{}", ran.stderr);
    assert_eq!(server.stats().auth, [None, Some(KEY.to_owned())]);
}

#[tokio::test]
async fn a_key_that_is_named_and_not_set_ends_the_run() {
    let server = FakeLlm::start(Script::default()).await;
    let ran = judge(&case(1), "openai", &server.url(), &["--api-key-env", "NO_SUCH_KEY"]).await.code(2);
    assert!(ran.stderr.contains("NO_SUCH_KEY") && ran.stderr.contains("hint: "), "{}", ran.stderr);
    assert_eq!(server.stats().connections, 0);
}

#[tokio::test]
async fn a_wrong_key_ends_the_run_before_the_first_record() {
    for provider in PROVIDERS {
        let server = FakeLlm::start(Script { key: Some("right".to_owned()), ..Script::default() }).await;
        let mut case = case(5);
        case.env("MY_KEY", KEY);
        for args in [&["--api-key-env", "MY_KEY"][..], &[]] {
            let ran = judge(&case, provider, &server.url(), args).await.code(2);
            let told = &ran.stderr;
            assert!(
                told.contains(&format!("error: provider `{provider}` cannot start with {}", server.url())),
                "{told}"
            );
            assert!(told.contains("credentials: the server answered status 401"), "{told}");
            assert!(
                told.contains(
                    "hint: check the key, and that `--api-key-env` names the environment variable that holds it"
                ),
                "{told}"
            );
            assert!(ran.stdout.is_empty() && !told.contains(KEY), "{told}");
        }
        assert_eq!(server.stats().calls, 0);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_no_key_along() {
    let elsewhere = FakeLlm::start(Script::default()).await;
    let to = elsewhere.url();
    let server =
        Server::start(move |seen| Reply::redirect(format!("{to}{}", seen.line.split_once(' ').expect("a path").1)))
            .await;
    let mut case = case(2);
    case.env("MY_KEY", KEY);
    let args = ["--api-key-env", "MY_KEY", "--setting", "check_model=false"];
    let rows = judge(&case, "openai", &server.url(), &args).await.code(1).rows();
    for row in &rows {
        assert_eq!(
            (row["error"]["kind"].as_str(), row["error"]["code"].as_str()),
            (Some("invalid-request"), Some("307"))
        );
        assert_eq!(row["attempts"], 1);
    }
    let ran = judge(&case, "ollama", &server.url(), &["--api-key-env", "MY_KEY"]).await.code(2);
    assert!(ran.stderr.contains("hint: the endpoint redirects elsewhere"), "{}", ran.stderr);
    assert_eq!((server.seen().len(), elsewhere.stats().connections), (3, 0));
}

#[tokio::test]
async fn a_key_goes_unencrypted_to_this_machine_alone_unless_it_is_allowed() {
    let mut case = case(1);
    case.env("MY_KEY", KEY);
    let refused = judge(&case, "openai", "http://gpu.invalid:8000/v1", &["--api-key-env", "MY_KEY"]).await.code(2);
    let told = &refused.stderr;
    assert!(told.contains("error: the key would go unencrypted to http://gpu.invalid:8000\n"), "{told}");
    assert!(told.contains("hint: write `https://…`") && told.contains("judge.toml, or `--allow-plain-http`"), "{told}");
    let allowed = "[provider.openai]\nallow_plain_http = true\n";
    for (flag, file) in [(Some("--allow-plain-http"), ""), (None, allowed)] {
        case.file("judge.toml", file);
        let args = [&["--api-key-env", "MY_KEY", "--dry-run"][..], flag.as_slice()].concat();
        let ran = judge(&case, "openai", "http://gpu.invalid:8000/v1", &args).await.code(0);
        assert!(ran.stdout.contains("authorization: Bearer [redacted]"), "{}", ran.stdout);
    }
}

#[test]
fn a_key_typed_in_the_place_of_its_variables_name_is_not_shown() {
    let case = case(1);
    let ran = case.run(&["judge", "records.jsonl", "--provider", "openai", "--api-key-env", KEY]).code(2);
    assert!(ran.stderr.contains("hint: write `MY_KEY=…` into .env") && !ran.stderr.contains(KEY), "{}", ran.stderr);
}
