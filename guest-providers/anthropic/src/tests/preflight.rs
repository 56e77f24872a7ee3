//! What the preflight asks, and what it makes of the answers.

use super::*;
use crate::options::NO_STRICT_TOOLS;

fn check(extra: &[(&str, &str)], status: u16, body: &str) -> Result<Preparation, Fault> {
    let previous = Previous { state: Vec::new(), response: response(status, &[], body) };
    Anthropic::prepare(settings(extra), Some(previous))
}

#[test]
fn it_asks_for_the_model_by_name() {
    for (model, path) in [
        ("claude-haiku-4-5", "/v1/models/claude-haiku-4-5"),
        ("anthropic/claude-haiku-4.5", "/v1/models/anthropic/claude-haiku-4.5"),
        ("a b?c#d%é", "/v1/models/a%20b%3Fc%23d%25%C3%A9"),
    ] {
        let asked = Anthropic::prepare(Settings { model: model.to_owned(), ..settings(&[]) }, None);
        let Ok(Preparation::Send(outgoing)) = asked else { panic!("a request is sent") };
        assert_eq!((outgoing.request.method.as_str(), outgoing.request.path_and_query.as_str()), ("GET", path));
        assert!(outgoing.request.headers.contains(&("anthropic-version".to_owned(), b"2023-06-01".to_vec())));
    }
    let skipped = Anthropic::prepare(settings(&[("check_model", "false")]), None);
    assert_eq!(skipped, Ok(Preparation::Ready(Vec::new())));
}

#[test]
fn a_model_that_is_there_is_ready() {
    let able =
        r#"{"type":"model","id":"claude-haiku-4-5-20251001","capabilities":{"structured_outputs":{"supported":true}}}"#;
    let silent = r#"{"type":"model","id":"claude-haiku-4-5-20251001"}"#;
    for schema in ["output_config", "tool", "none"] {
        for body in [able, silent] {
            assert_eq!(check(&[("schema", schema)], 200, body), Ok(Preparation::Ready(Vec::new())), "{schema} {body}");
        }
    }
}

#[test]
fn a_model_that_takes_no_schema_is_told_before_the_run() {
    let unable = r#"{"type":"model","id":"claude-opus-4","capabilities":{"structured_outputs":{"supported":false}}}"#;
    let fault = check(&[], 200, unable).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unsupported);
    assert!(fault.hint.unwrap().contains("--setting schema=tool"));
    assert_eq!(check(&[("schema", "tool")], 200, unable), Ok(Preparation::Ready(NO_STRICT_TOOLS.to_vec())));
    assert_eq!(check(&[("schema", "none")], 200, unable), Ok(Preparation::Ready(Vec::new())));
}

#[test]
fn what_fails_has_its_kind_and_says_what_helps() {
    for (status, body, kind, hint) in [
        (404, error("not_found_error", "model: claude-x"), FaultKind::ModelNotFound, "--model NAME"),
        (404, error("not_found_error", "Not found"), FaultKind::ModelNotFound, "check_model=false"),
        (404, r#"{"error":{"message":"no model claude-x"}}"#.to_owned(), FaultKind::ModelNotFound, "--model NAME"),
        (404, r#"{"detail":"Not Found"}"#.to_owned(), FaultKind::InvalidRequest, "--endpoint"),
        (405, String::new(), FaultKind::InvalidRequest, "check_model=false"),
        (401, error("authentication_error", "invalid x-api-key"), FaultKind::Credentials, "--api-key-env"),
        (403, error("permission_error", "no"), FaultKind::Credentials, "check_model=false"),
        (200, "<html>hello</html>".to_owned(), FaultKind::Unavailable, "--endpoint"),
    ] {
        let fault = check(&[], status, &body).unwrap_err();
        assert_eq!(fault.kind, kind, "{status} {body}");
        assert!(fault.hint.clone().unwrap().contains(hint), "{status} {body}: {:?}", fault.hint);
    }
    assert_eq!(check(&[], 529, &error("overloaded_error", "Overloaded")).unwrap_err().kind, FaultKind::Overloaded);
}
