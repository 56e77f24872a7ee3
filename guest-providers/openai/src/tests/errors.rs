//! What errors come to: kinds, codes, waits and hints.

use super::*;

/// An error in the API's own form.
fn error(kind: &str, code: &Value, message: &str) -> String {
    json!({ "error": { "message": message, "type": kind, "param": null, "code": code } }).to_string()
}

#[track_caller]
fn check(rows: impl IntoIterator<Item = (u16, String, FaultKind, &'static str)>) {
    for (status, body, kind, code) in rows {
        let fault = parse(status, &body).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (kind, Some(code)), "{status} {body}");
    }
}

#[test]
fn errors_inside_an_answer_and_refused_requests_have_their_kinds() {
    check([
        (200, error("server_error", &json!(503), "upstream"), FaultKind::Overloaded, "503"),
        (200, error("server_error", &Value::Null, "oops"), FaultKind::Unavailable, "server_error"),
        (200, error("upstream", &json!(429), "busy"), FaultKind::RateLimited, "429"),
        (200, r#"{"error":"odd"}"#.to_owned(), FaultKind::Other, "200"),
        (
            200,
            r#"{"choices":[{"message":{"content":"{"},"finish_reason":"error","error":{"code":502,"message":"gone"}}]}"#
                .to_owned(),
            FaultKind::Unavailable,
            "502",
        ),
        (200, String::new(), FaultKind::Unavailable, "empty-body"),
        (200, "<html>".to_owned(), FaultKind::Unavailable, "not-json-body"),
        (
            400,
            error("invalid_request_error", &json!("unsupported_parameter"), "max_tokens"),
            FaultKind::Unsupported,
            "unsupported_parameter",
        ),
        (
            400,
            error("invalid_request_error", &json!("context_length_exceeded"), "long"),
            FaultKind::TooLong,
            "context_length_exceeded",
        ),
        (400, error("exceed_context_size_error", &json!(400), "long"), FaultKind::TooLong, "400"),
        (
            400,
            error("invalid_request_error", &Value::Null, "Could not finish the message because max_tokens or model output limit was reached."),
            FaultKind::Truncated,
            "invalid_request_error",
        ),
        (
            400,
            error("invalid_request_error", &json!("invalid_prompt"), "Invalid prompt: it was flagged"),
            FaultKind::Refused,
            "invalid_prompt",
        ),
        (400, error("invalid_request_error", &json!("content_filter"), "no"), FaultKind::Refused, "content_filter"),
        (
            422,
            r#"{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted"}]}"#
                .to_owned(),
            FaultKind::Unsupported,
            "422",
        ),
        (
            422,
            r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"no"}]}}"#
                .to_owned(),
            FaultKind::Unsupported,
            "422",
        ),
        (501, error("not_supported_error", &json!(501), "no such thing"), FaultKind::Unsupported, "501"),
        (
            400,
            error("BadRequestError", &json!(400), "This model's maximum context length is 4096"),
            FaultKind::TooLong,
            "400",
        ),
        (400, r#"{"detail":"Unknown model: gpt-9"}"#.to_owned(), FaultKind::ModelNotFound, "400"),
        (400, error("invalid_request_error", &Value::Null, "bad"), FaultKind::InvalidRequest, "invalid_request_error"),
    ]);
}

#[test]
fn every_other_status_has_its_kind() {
    check([
        (401, r#"{"error":"Unauthorized"}"#.to_owned(), FaultKind::Credentials, "401"),
        (
            403,
            error("invalid_request_error", &json!("unsupported_country_region_territory"), "no"),
            FaultKind::Credentials,
            "unsupported_country_region_territory",
        ),
        (
            404,
            error("invalid_request_error", &json!("model_not_found"), "no such"),
            FaultKind::ModelNotFound,
            "model_not_found",
        ),
        (
            404,
            r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}"#
                .to_owned(),
            FaultKind::ModelNotFound,
            "404",
        ),
        (404, r#"{"detail":"Not Found"}"#.to_owned(), FaultKind::InvalidRequest, "404"),
        (408, String::new(), FaultKind::TimedOut, "408"),
        (429, error("tokens", &json!("rate_limit_exceeded"), "slow"), FaultKind::RateLimited, "rate_limit_exceeded"),
        (429, error("insufficient_quota", &json!("insufficient_quota"), "pay"), FaultKind::Quota, "insufficient_quota"),
        (
            429,
            error("insufficient_quota", &json!("project_spend_limit_exceeded"), "pay"),
            FaultKind::Quota,
            "project_spend_limit_exceeded",
        ),
        (429, error("requests", &Value::Null, "Resource Unavailable"), FaultKind::Overloaded, "requests"),
        (500, error("server_error", &Value::Null, "oops"), FaultKind::Unavailable, "server_error"),
        (502, "<html>".to_owned(), FaultKind::Unavailable, "502"),
        (503, error("server_error", &json!("slow_down"), "slow"), FaultKind::Overloaded, "slow_down"),
        (
            503,
            error("server_error", &Value::Null, "The engine is currently overloaded, please try again later"),
            FaultKind::Overloaded,
            "server_error",
        ),
        (503, error("unavailable_error", &json!(503), "Loading model"), FaultKind::Unavailable, "503"),
        (529, String::new(), FaultKind::Overloaded, "529"),
    ]);
}

#[test]
fn unsupported_parameters_name_the_setting_that_helps() {
    for (param, setting) in [
        ("max_tokens", "token_limit_field=max_completion_tokens"),
        ("max_completion_tokens", "token_limit_field=max_tokens"),
        ("temperature", "omit=temperature"),
        ("response_format", "omit=response_format"),
        ("seed", "omit=seed"),
        ("reasoning_effort", "reasoning_effort"),
        ("service_tier", "service_tier"),
        ("chat_template_kwargs", "thinking"),
    ] {
        let body = json!({ "error": { "message": "m", "param": param, "code": "unsupported_value" } });
        let hint = parse(400, &body.to_string()).unwrap_err().hint.unwrap();
        assert!(hint.contains(setting), "{hint}");
    }
}

#[test]
fn an_unknown_model_is_to_be_named_otherwise() {
    for (status, body) in [
        (400, r#"{"detail":"Unknown model: gpt-9"}"#.to_owned()),
        (404, error("invalid_request_error", &json!("model_not_found"), "no such")),
    ] {
        let hint = parse(status, &body).unwrap_err().hint.unwrap();
        assert!(hint.contains("--model NAME"), "{status} {body}: {hint}");
    }
}

#[test]
fn a_wait_comes_along() {
    let mut limited = response(429, r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#);
    limited.headers.push(("retry-after".to_owned(), b"3".to_vec()));
    let fault = OpenAi::parse_response(job(settings(&[])), Vec::new(), limited).unwrap_err();
    assert_eq!(fault.retry_after_ms, Some(3_000));
}
