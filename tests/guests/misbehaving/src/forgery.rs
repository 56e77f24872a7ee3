//! What a component can claim or ask for, against the contract.

use crate::{done, judge_request};
use judge_provider::{Answer, Body, Decision, HttpRequest, Outgoing, Proposal, Step, http};

/// Twice what a state may hold.
const STATE_BYTES: usize = 2 << 20;
/// By how much a state grows from step to step: it is too large at the second.
const GROWTH_BYTES: usize = 600 << 10;
/// More headers than anybody takes.
const HEADERS: usize = 10_000;
/// A body that no component has the memory for.
const BODY_BYTES: usize = 100 << 20;
/// More verdicts than there are records in any job, and few enough that they can be handed over.
const VERDICTS: usize = 10_000;
/// So many that they cannot.
const VERDICTS_TOO_MANY: usize = 500_000;

/// Paths that lead elsewhere than below the endpoint, or would where somebody is careless.
const PATHS: [(&str, &str); 12] = [
    ("absolute-url", "http://localhost:1/elsewhere"),
    ("path-escape", "/../x"),
    ("path-no-slash", "elsewhere"),
    ("path-double-slash", "//localhost:1/elsewhere"),
    ("path-backslash", "/\\localhost:1/elsewhere"),
    ("path-encoded-slash", "/a%2f..%2fx"),
    ("path-encoded-dots", "/%2e%2e/x"),
    ("path-twice-encoded", "/%252e%252e/x"),
    ("path-userinfo", "@localhost:1/elsewhere"),
    ("path-port", ":1/elsewhere"),
    ("path-crlf", "/judge HTTP/1.1\r\nhost: elsewhere.example\r\n\r\n"),
    ("path-fragment", "/judge#elsewhere"),
];

/// The step of a verb, or none where there is no such verb. `state` is that of the step before.
pub(crate) fn step(verb: &str, record_id: &str, state: &[u8]) -> Option<Step> {
    if let Some((_, path)) = PATHS.iter().find(|(name, _)| *name == verb) {
        return Some(to(path));
    }
    if let Some(name) = verb.strip_prefix("set-header-") {
        return Some(with_header(name, "forged"));
    }
    Some(match verb {
        "crlf-in-header" => with_header("x-note", "a\r\nhost: elsewhere.example"),
        "crlf-in-header-name" => with_header("x-note: a\r\nhost", "elsewhere.example"),
        "many-headers" => many_headers(),
        "huge-body" => huge_body(),
        "method-connect" => with_method("CONNECT"),
        "method-crlf" => with_method("GET / HTTP/1.1\r\nhost: elsewhere.example\r\n\r\n"),
        "many-sends" => Step::Send(judge_request()),
        "huge-state" => Step::Send(Outgoing { state: vec![7; STATE_BYTES], ..judge_request() }),
        "growing-state" => Step::Send(Outgoing { state: vec![7; state.len() + GROWTH_BYTES], ..judge_request() }),
        "unknown-cluster" => done(record_id, Decision::Assign("no-such-cluster".to_owned()), ""),
        "nameless-cluster" => done(record_id, Decision::NewCluster(proposal(" ")), ""),
        "endless-name" => done(record_id, Decision::NewCluster(proposal(&"x".repeat(STATE_BYTES))), ""),
        "endless-rationale" => done(record_id, Decision::Skip, &"x".repeat(STATE_BYTES)),
        "wrong-record" => done("no-such-record", Decision::Skip, ""),
        "two-verdicts" => verdicts(record_id, 2),
        "many-verdicts" => verdicts(record_id, VERDICTS),
        "too-many-verdicts" => verdicts(record_id, VERDICTS_TOO_MANY),
        "no-verdict" => Step::Done(Answer::default()),
        _ => return None,
    })
}

fn to(path_and_query: &str) -> Step {
    let request = HttpRequest { path_and_query: path_and_query.to_owned(), ..judge_request().request };
    Step::Send(http::send(request))
}

fn with_header(name: &str, value: &str) -> Step {
    let mut outgoing = judge_request();
    outgoing.request.headers.push((name.to_owned(), value.as_bytes().to_vec()));
    Step::Send(outgoing)
}

fn with_method(method: &str) -> Step {
    Step::Send(http::send(HttpRequest { method: method.to_owned(), ..judge_request().request }))
}

fn many_headers() -> Step {
    let mut outgoing = judge_request();
    outgoing.request.headers.extend((0..HEADERS).map(|n| (format!("x-{n}"), Vec::new())));
    Step::Send(outgoing)
}

fn huge_body() -> Step {
    Step::Send(http::send(HttpRequest { body: Some(Body::Binary(vec![7; BODY_BYTES])), ..judge_request().request }))
}

fn proposal(name: &str) -> Proposal {
    Proposal { name: name.to_owned(), summary: String::new(), criteria: String::new() }
}

fn verdicts(record_id: &str, count: usize) -> Step {
    let Step::Done(mut answer) = done(record_id, Decision::Skip, "") else { unreachable!("it is done") };
    let verdict = answer.verdicts.remove(0);
    answer.verdicts = vec![verdict; count];
    Step::Done(answer)
}
