//! Servers that are not there, do not answer, or do not have what is asked for: told before the first record
//! wherever the provider can find out.

use super::{case, ids, refused, row, words};
use crate::support::{Case, Ran};
use judge_host_kit::{FakeLlm, FaultRule, Script, Then, When};
use std::time::Duration;

/// The providers that send, and what of their server's address they are given.
const SENDERS: [&str; 2] = ["ollama", "openai"];

async fn judge(case: &Case, flags: &str) -> Ran {
    let line = format!("judge records.jsonl --clusters clusters.jsonl --out rows.jsonl {flags}");
    case.run_beside(&words(&line)).await
}

/// Asserts that nothing was begun: no row written, no outcome committed.
#[track_caller]
fn untouched(case: &Case) {
    assert!(!case.path("rows.jsonl").exists(), "no output file for nothing");
    let outcomes = case.run(&words("registry export - --outcomes --batch-id records")).code(0);
    assert_eq!(outcomes.stdout, "");
}

#[tokio::test]
async fn a_server_out_of_reach_is_told_before_the_first_record() {
    let plain = FakeLlm::start(Script::default()).await;
    let gone = FakeLlm::start(Script::default()).await;
    let refusing = gone.url();
    gone.stop().await;
    let https = plain.url().replace("http://", "https://");
    // A label over 63 characters is known to no resolver, and none is asked.
    let nobody = format!("http://{}.invalid", "x".repeat(64));
    for (endpoint, error, hint) in [
        (
            &refusing,
            format!("connect: {refusing} refused the connection"),
            format!("is the server running at {refusing}?"),
        ),
        (&nobody, format!("connect: the host name of {nobody} is not known"), "check the host name".to_owned()),
        (&https, format!("tls: {https} did not answer in TLS"), format!("write `{}`", plain.url())),
    ] {
        for provider in SENDERS {
            let case = case();
            let flags = format!("--provider {provider} --model fake --endpoint {endpoint} --attempts 1");
            let ran = refused(judge(&case, &flags).await, &error, &hint);
            let first = format!("error: provider `{provider}` cannot start with {endpoint}\n");
            assert!(ran.stderr.starts_with(&first), "{}", ran.stderr);
            untouched(&case);
        }
    }
}

#[tokio::test]
async fn a_model_that_the_server_lacks_is_told_before_the_first_record() {
    let server = FakeLlm::start(Script::default()).await;
    for (provider, error, hint) in [
        ("ollama", "the server does not have the model `other`; it has fake:latest", "ollama pull other"),
        ("openai", "the server does not list the model `other`; it has fake", "name one of them by `--model NAME`"),
    ] {
        let case = case();
        let flags = format!("--provider {provider} --model other --endpoint {}", server.url());
        refused(judge(&case, &flags).await, &format!("model-not-found: {error}"), hint);
        untouched(&case);
    }
    assert_eq!(server.stats().calls, 0, "nothing was asked of a model");
}

#[tokio::test]
async fn a_wrong_key_is_told_before_the_first_record_and_never_shown() {
    let server = FakeLlm::start(Script { key: Some("right-key".into()), ..Script::default() }).await;
    let mut case = case();
    let flags = format!("--provider openai --model fake --endpoint {} --attempts 1", server.url());
    let ran = refused(judge(&case, &flags).await, "credentials: ", "");
    assert!(ran.stderr.contains("--api-key-env"), "without a key, it is told how to give one: {}", ran.stderr);

    case.env("MY_KEY", "wrong-key");
    let ran = refused(judge(&case, &format!("{flags} --api-key-env MY_KEY")).await, "credentials: ", "");
    assert!(!ran.stderr.contains("wrong-key"), "{}", ran.stderr);
    untouched(&case);
    assert_eq!(server.stats().calls, 0);

    case.env("MY_KEY", "right-key");
    judge(&case, &format!("{flags} --api-key-env MY_KEY")).await.code(0);
    assert_eq!(ids(&super::rows_of(&case, "rows.jsonl")), ["r0", "r1", "r2"]);
}

#[tokio::test]
async fn a_record_whose_answer_does_not_come_in_time_fails_alone() {
    let stall = Then::Stall(Duration::from_hours(1));
    let faults = vec![FaultRule { when: When::Record("r1".into()), then: stall }];
    let server = FakeLlm::start(Script { faults, ..Script::default() }).await;
    let case = case();
    // Three seconds: the records that do not stall must make it on a busy machine, too.
    let flags = format!("--provider ollama --model fake --endpoint {} --timeout 3s --attempts 1", server.url());
    let ran = judge(&case, &flags).await.code(1);
    let rows = super::rows_of(&case, "rows.jsonl");
    assert_eq!(ids(&rows), ["r0", "r1", "r2"]);
    let stalled = row(&rows, "r1");
    assert_eq!((&stalled["error"]["kind"], &stalled["attempts"]), (&"timed-out".into(), &1.into()));
    assert_eq!(stalled["error"]["message"], format!("{} did not answer within 3s", server.url()));
    assert!(ran.stderr.contains("hint: allow more with `--timeout`"), "{}", ran.stderr);
}

#[tokio::test]
async fn what_is_no_such_server_is_told() {
    let script =
        Script { faults: vec![FaultRule { when: When::Always, then: Then::status(404) }], ..Script::default() };
    let server = FakeLlm::start(script).await;
    let case = case();
    let flags = format!("--provider ollama --model fake --endpoint {}/nowhere", server.url());
    refused(
        judge(&case, &flags).await,
        "what answers at the endpoint is no Ollama server",
        "check `--endpoint`; for a server that speaks OpenAI's API use `--provider openai`",
    );
}

#[test]
fn an_endpoint_or_a_key_that_cannot_be_used_is_refused() {
    let mut case = case();
    case.env("BROKEN_KEY", "two words");
    for (flags, error, hint) in [
        (
            "--endpoint localhost:1",
            "wrong value from flag `--endpoint`: `localhost:1`",
            "begins with http:// or https://",
        ),
        (
            "--endpoint ftp://host",
            "wrong value from flag `--endpoint`: `ftp://host`",
            "begins with http:// or https://",
        ),
        (
            "--endpoint http://me:hunter2@host",
            "user name or password in the endpoint from flag `--endpoint`",
            "name that with --api-key-env",
        ),
        ("--endpoint http://host/?key=hunter2", "endpoint has a query or a fragment", "leave out what follows `?`"),
        (
            "--api-key-env UNSET",
            "the key's variable, named by flag `--api-key-env`, is not set: `UNSET`",
            "export UNSET=…",
        ),
        (
            "--api-key-env BROKEN_KEY",
            "not a usable key in environment `BROKEN_KEY`",
            "look at BROKEN_KEY for stray quotes",
        ),
    ] {
        let line = format!("judge records.jsonl --provider openai --model m {flags}");
        let ran = refused(case.run(&words(&line)), error, hint);
        assert!(!ran.stderr.contains("hunter2") && !ran.stderr.contains("two words"), "{}", ran.stderr);
    }
    let line = "judge records.jsonl --provider lexical --api-key-env BROKEN_KEY";
    let error = "provider `lexical` takes no key, but flag `--api-key-env` names one";
    refused(case.run(&words(line)), error, "choose another provider with --provider");
}
