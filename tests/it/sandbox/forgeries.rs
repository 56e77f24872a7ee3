//! What a component asks to be sent, or claims, against the contract: each is refused by its own word, and nothing of it
//! reaches a server.

use super::{Case, FaultKind, Guest, check};

const BLOCKED: FaultKind = FaultKind::Blocked;
const MALFORMED: FaultKind = FaultKind::Malformed;

#[tokio::test]
async fn a_path_that_leaves_the_endpoint_reaches_nobody() {
    let verbs = [
        "absolute-url",
        "path-escape",
        "path-no-slash",
        "path-double-slash",
        "path-backslash",
        "path-encoded-slash",
        "path-encoded-dots",
        "path-twice-encoded",
        "path-userinfo",
        "path-port",
        "path-crlf",
        "path-fragment",
    ];
    let cases = verbs.map(|verb| -> Case { (verb, "build", BLOCKED, Some("path"), 1, 0) });
    check(&Guest::patient().await, &cases).await;
}

#[tokio::test]
async fn headers_that_are_the_hosts_reach_nobody() {
    let verbs = [
        "set-header-Host",
        "set-header-authorization",
        "set-header-AUTHORIZATION",
        "set-header-Cookie",
        "set-header-Content-Length",
        "set-header-Transfer-Encoding",
        "set-header-Connection",
        "set-header-Proxy-Authorization",
        "set-header-Proxy-Connection",
        "set-header-:authority",
        "crlf-in-header",
        "crlf-in-header-name",
    ];
    let cases = verbs.map(|verb| -> Case { (verb, "build", BLOCKED, Some("header"), 1, 0) });
    check(&Guest::patient().await, &cases).await;
}

#[tokio::test]
async fn ten_thousand_headers_and_odd_methods_reach_nobody() {
    check(
        &Guest::patient().await,
        &[
            ("many-headers", "build", BLOCKED, Some("headers"), 1, 0),
            ("method-connect", "build", BLOCKED, Some("method"), 1, 0),
            ("method-crlf", "build", BLOCKED, Some("method"), 1, 0),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_job_has_three_requests_and_no_fourth() {
    check(&Guest::patient().await, &[("many-sends", "build", BLOCKED, Some("steps"), 1, 3)]).await;
}

#[tokio::test]
async fn a_state_that_grows_from_step_to_step_meets_its_bound() {
    check(&Guest::patient().await, &[("growing-state", "build", FaultKind::TooLarge, Some("state"), 1, 1)]).await;
}

#[tokio::test]
async fn an_answer_that_is_none_is_malformed_and_never_a_skip() {
    check(
        &Guest::patient().await,
        &[
            ("unknown-cluster", "build", MALFORMED, Some("unknown-cluster"), 2, 0),
            ("wrong-record", "build", MALFORMED, Some("wrong-record"), 2, 0),
            ("no-verdict", "build", MALFORMED, Some("verdict-count"), 2, 0),
            ("two-verdicts", "build", MALFORMED, Some("verdict-count"), 2, 0),
            ("many-verdicts", "build", MALFORMED, Some("verdict-count"), 2, 0),
            ("too-many-verdicts", "build", FaultKind::TooLarge, Some("output"), 1, 0),
            ("nameless-cluster", "build", MALFORMED, Some("no-name"), 2, 0),
            ("endless-name", "build", MALFORMED, Some("too-long"), 2, 0),
            ("endless-rationale", "build", MALFORMED, Some("too-long"), 2, 0),
            ("wrong-record", "parse", MALFORMED, Some("wrong-record"), 2, 2),
            ("two-verdicts", "parse", MALFORMED, Some("verdict-count"), 2, 2),
        ],
    )
    .await;
}
