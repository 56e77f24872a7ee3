//! What a component can claim or ask for, against the contract.

use crate::{done, judge_request};
use judge_provider::{Answer, Decision, HttpRequest, Outgoing, Step, http};

/// Twice what a state may hold.
const STATE_BYTES: usize = 2 << 20;

/// The step of a verb, or none where there is no such verb.
pub(crate) fn step(verb: &str, record_id: &str) -> Option<Step> {
    Some(match verb {
        "absolute-url" => to("http://localhost:1/elsewhere"),
        "path-escape" => to("/../x"),
        "set-authorization" => with_header("authorization", "Bearer forged"),
        "forge-host" => with_header("host", "elsewhere.example"),
        "many-sends" => Step::Send(judge_request()),
        "huge-state" => Step::Send(Outgoing { state: vec![7; STATE_BYTES], ..judge_request() }),
        "unknown-cluster" => done(record_id, Decision::Assign("no-such-cluster".to_owned()), ""),
        "wrong-record" => done("no-such-record", Decision::Skip, ""),
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
