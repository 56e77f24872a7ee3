//! What errors mean: kind, code, wait and what helps.

use super::*;

const INVALID: &str = "invalid_request_error";

#[test]
fn every_error_has_its_kind() {
    for (status, kind, message, expected) in [
        (400, INVALID, "max_tokens: Field required", FaultKind::InvalidRequest),
        (
            400,
            INVALID,
            "You have reached your specified API usage limits. You will regain access on 2026-12-01.",
            FaultKind::Quota,
        ),
        (400, INVALID, "Your credit balance is too low to access the Anthropic API.", FaultKind::Quota),
        (
            400,
            INVALID,
            "max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens for claude-haiku-4-5",
            FaultKind::InvalidRequest,
        ),
        (400, INVALID, "prompt is too long: 210000 tokens > 200000 maximum", FaultKind::TooLong),
        (400, INVALID, "input length and `max_tokens` exceed context limit: 199999 + 512 > 200000", FaultKind::TooLong),
        (401, "authentication_error", "invalid x-api-key", FaultKind::Credentials),
        (402, "billing_error", "pay", FaultKind::Quota),
        (403, "permission_error", "no", FaultKind::Credentials),
        (404, "not_found_error", "model: claude-x", FaultKind::ModelNotFound),
        (404, "not_found_error", "Not found", FaultKind::InvalidRequest),
        (409, "conflict_error", "busy", FaultKind::Unavailable),
        (413, "request_too_large", "Request exceeds the maximum size", FaultKind::TooLong),
        (429, "rate_limit_error", "This request would exceed your organization's rate limit", FaultKind::RateLimited),
        (429, "rate_limit_error", "You have reached your API usage limits: the month's threshold", FaultKind::Quota),
        (500, "api_error", "Internal server error", FaultKind::Unavailable),
        (503, "overloaded_error", "Overloaded", FaultKind::Overloaded),
        (504, "timeout_error", "late", FaultKind::TimedOut),
        (529, "overloaded_error", "Overloaded", FaultKind::Overloaded),
        // Gateways send what failed late with status 200.
        (200, "overloaded_error", "Overloaded", FaultKind::Overloaded),
        (200, INVALID, "bad", FaultKind::InvalidRequest),
        (200, "odd", "bad", FaultKind::Other),
    ] {
        let fault = parse(status, &[], &error(kind, message)).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (expected, Some(kind)), "{status} {message}");
        assert!(fault.message.contains(message), "{}", fault.message);
    }
}

#[test]
fn the_status_tells_where_the_body_does_not() {
    for (status, body, kind, code) in [
        (413, "<html>Request Entity Too Large</html>", FaultKind::TooLong, "413"),
        (502, "<html>Bad gateway</html>", FaultKind::Unavailable, "502"),
        (529, "", FaultKind::Overloaded, "529"),
        (401, "", FaultKind::Credentials, "401"),
        (200, "<html>hello</html>", FaultKind::Unavailable, "not-json-body"),
        (200, "", FaultKind::Unavailable, "empty-body"),
    ] {
        let fault = parse(status, &[], body).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (kind, Some(code)), "{status} {body}");
    }
}

#[test]
fn a_429_is_a_matter_of_time_or_of_money() {
    let words = "You have reached your API usage limits";
    let limited = parse(429, &[("retry-after", "7")], &error("rate_limit_error", words)).unwrap_err();
    assert_eq!((limited.kind, limited.retry_after_ms), (FaultKind::RateLimited, Some(7_000)));
    let body = json!({ "type": "error", "error": { "type": "rate_limit_error", "message": "slow down",
        "details": { "error_code": "enforced_spend_limit_reached" } } });
    let spent = parse(429, &[], &body.to_string()).unwrap_err();
    assert_eq!((spent.kind, spent.code.as_deref()), (FaultKind::Quota, Some("enforced_spend_limit_reached")));
    assert!(spent.hint.unwrap().contains("billing"));
}

#[test]
fn a_wait_comes_along_with_what_passes() {
    for (status, kind) in [(429, "rate_limit_error"), (529, "overloaded_error"), (200, "overloaded_error")] {
        let fault = parse(status, &[("retry-after", "3")], &error(kind, "wait")).unwrap_err();
        assert_eq!(fault.retry_after_ms, Some(3_000), "{status}");
    }
}

#[test]
fn rates_come_along() {
    let headers = [("anthropic-ratelimit-requests-remaining", "0")];
    let fault = parse(429, &headers, &error("rate_limit_error", "slow down")).unwrap_err();
    assert_eq!(fault.extras, [("rate-requests-remaining".to_owned(), "0".to_owned())]);
}

#[test]
fn what_a_model_does_not_take_names_the_setting_that_helps() {
    for (message, setting) in [
        ("`temperature` is deprecated for this model.", "omit=temperature"),
        ("tool_choice forces tool use is not compatible with this model.", "schema=output_config"),
        ("tool_choice: type \"tool\" and \"any\" are not supported for this model.", "schema=output_config"),
        ("Thinking may not be enabled when tool_choice forces tool use.", "schema=output_config"),
        ("tools.0.custom.strict: Extra inputs are not permitted", "schema=none"),
        ("This model does not support the effort parameter.", "effort=LEVEL"),
        ("output_config: Extra inputs are not permitted", "schema=tool"),
        ("system.0.cache_control.ttl: Extra inputs are not permitted", "cache=off"),
        ("output_config.format.schema: Schema is too complex for compilation", "schema=none"),
        ("The compiled grammar is too large, which would cause performance issues.", "--candidates-max"),
        ("Grammar compilation timed out.", "--candidates-max"),
    ] {
        let fault = parse(400, &[], &error(INVALID, message)).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unsupported, "{message}");
        assert!(fault.hint.clone().unwrap().contains(setting), "{message}: {:?}", fault.hint);
    }
    // A field that is named, and taken.
    let range = parse(400, &[], &error(INVALID, "temperature: range: 0..1")).unwrap_err();
    assert_eq!((range.kind, range.hint), (FaultKind::InvalidRequest, None));
}

#[test]
fn what_the_operator_can_fix_has_a_hint() {
    for (status, kind, message, hint) in [
        (401, "authentication_error", "invalid x-api-key", "--api-key-env"),
        (402, "billing_error", "pay", "billing"),
        (404, "not_found_error", "model: claude-x", "--model NAME"),
        (404, "not_found_error", "Not found", "--endpoint"),
        (413, "request_too_large", "Request exceeds the maximum size", "--candidates-max"),
        (
            400,
            INVALID,
            "max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens for claude-haiku-4-5",
            "--max-output-tokens N",
        ),
    ] {
        let fault = parse(status, &[], &error(kind, message)).unwrap_err();
        assert!(fault.hint.clone().unwrap().contains(hint), "{status} {message}: {:?}", fault.hint);
    }
}
