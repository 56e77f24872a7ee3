//! What errors come to: kinds, codes, waits, causes and hints.

use super::*;

fn error(code: u16, message: &str, metadata: &Value) -> String {
    json!({ "error": { "code": code, "message": message, "metadata": metadata } }).to_string()
}

fn fault(status: u16, body: &str) -> Fault {
    parse(response(status, &[], body)).unwrap_err()
}

#[test]
fn every_word_of_the_vocabulary_has_its_kind() {
    for (status, word, kind) in [
        (400, "invalid_request", FaultKind::InvalidRequest),
        (400, "invalid_prompt", FaultKind::InvalidRequest),
        (400, "context_length_exceeded", FaultKind::TooLong),
        (400, "max_tokens_exceeded", FaultKind::Truncated),
        (400, "token_limit_exceeded", FaultKind::Quota),
        (400, "string_too_long", FaultKind::TooLong),
        (400, "content_policy_violation", FaultKind::Refused),
        (400, "refusal", FaultKind::Refused),
        (401, "authentication", FaultKind::Credentials),
        (402, "payment_required", FaultKind::Quota),
        (403, "permission_denied", FaultKind::Credentials),
        (404, "not_found", FaultKind::ModelNotFound),
        (413, "payload_too_large", FaultKind::TooLong),
        (422, "unprocessable", FaultKind::InvalidRequest),
        (429, "rate_limit_exceeded", FaultKind::RateLimited),
        (500, "server", FaultKind::Unavailable),
        (500, "unmapped", FaultKind::Unavailable),
        (502, "provider_unavailable", FaultKind::Unavailable),
        (503, "provider_overloaded", FaultKind::Overloaded),
        (504, "timeout", FaultKind::TimedOut),
    ] {
        let body = error(status, "m", &json!({ "error_type": word }));
        // What fails while the model runs comes with status 200.
        for status in [status, 200] {
            let fault = fault(status, &body);
            assert_eq!((fault.kind, fault.code.as_deref()), (kind, Some(word)), "{status} {word}");
        }
    }
}

#[test]
fn errors_without_a_word_have_their_kind() {
    let choice = |choice: Value| json!({ "choices": [choice], "usage": { "completion_tokens": 3 } }).to_string();
    let partial = json!({ "message": { "content": "{\"rat" }, "finish_reason": "error",
        "error": { "code": 502, "message": "Provider disconnected", "metadata": { "error_type": "provider_unavailable" } } });
    let unexplained = json!({ "message": { "content": VERDICT }, "finish_reason": "error" });
    for (status, body, kind, code) in [
        (200, String::new(), FaultKind::Unavailable, "empty-body"),
        (200, "\n\n  \n".to_owned(), FaultKind::Unavailable, "empty-body"),
        (200, choice(partial), FaultKind::Unavailable, "provider_unavailable"),
        (200, choice(unexplained), FaultKind::Unavailable, "error"),
        (200, error(429, "busy", &Value::Null), FaultKind::RateLimited, "429"),
        (200, error(524, "slow", &Value::Null), FaultKind::TimedOut, "524"),
        (200, r#"{"error":{"code":503,"message":"m","type":"server_error"}}"#.to_owned(), FaultKind::Overloaded, "503"),
        (
            200,
            r#"{"error":{"message":"m","availability":{"retryable":true}}}"#.to_owned(),
            FaultKind::Unavailable,
            "200",
        ),
        (200, r#"{"error":{"message":"m","availability":{"retryable":false}}}"#.to_owned(), FaultKind::Other, "200"),
        (400, error(400, "x/y is not a valid model ID", &Value::Null), FaultKind::ModelNotFound, "400"),
        (401, error(401, "User not found.", &Value::Null), FaultKind::Credentials, "401"),
        (402, error(402, "Insufficient credits", &Value::Null), FaultKind::Quota, "402"),
        (403, error(403, "Key has no access", &Value::Null), FaultKind::Credentials, "403"),
        (408, error(408, "m", &Value::Null), FaultKind::TimedOut, "408"),
        (502, "<html>".to_owned(), FaultKind::Unavailable, "502"),
        (503, error(503, "m", &Value::Null), FaultKind::Overloaded, "503"),
        (529, error(529, "m", &Value::Null), FaultKind::Overloaded, "529"),
    ] {
        let fault = fault(status, &body);
        assert_eq!((fault.kind, fault.code.as_deref()), (kind, Some(code)), "{status} {body}");
    }
}

#[test]
fn a_blocked_text_is_refused_and_not_shown() {
    let flagged =
        json!({ "reasons": ["violence", "hate"], "flagged_input": "the secret text", "provider_name": "OpenAI" });
    for (body, why) in [
        (error(403, "Input was flagged", &flagged), "violence, hate"),
        (error(403, "Request blocked", &json!({ "patterns": ["ignore all"] })), "ignore all"),
    ] {
        let fault = fault(403, &body);
        assert_eq!((fault.kind, fault.hint), (FaultKind::Refused, None));
        assert!(fault.message.ends_with(why) && !fault.message.contains("secret"), "{}", fault.message);
    }
}

#[test]
fn the_cause_behind_an_error_is_told() {
    let said = |raw: Value| {
        let metadata = json!({ "raw": raw, "provider_name": "Azure" });
        fault(400, &error(400, "Provider returned error", &metadata)).message
    };
    let own = "the server answered status 400: Provider returned error";
    for raw in [
        json!(r#"{"error":{"message":"schema is too deep","type":"x"}}"#),
        json!({ "error": { "message": "schema is too deep" } }),
        json!({ "message": "schema is too deep" }),
        json!("schema is too deep"),
    ] {
        assert_eq!(said(raw), format!("{own}; Azure said: schema is too deep"));
    }
    assert_eq!(said(json!({ "odd": 1 })), own);
    assert!(said(json!("word ".repeat(1_000))).chars().count() < 500, "it is kept short");
}

#[test]
fn waits_are_read_from_every_place() {
    let body = |metadata: Value| error(429, "slow down", &metadata);
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let none = || body(Value::Null);
    // 784111777 is that date in seconds.
    let late = json!({ "headers": { "X-RateLimit-Reset": "784111787000" } });
    let number = json!({ "headers": { "x-ratelimit-reset": 784_111_787_000_u64 } });
    for (headers, body, expected) in [
        (&[("retry-after", "60"), ("x-ratelimit-reset", "784111787000"), date][..], none(), Some(60_000)),
        (&[("x-ratelimit-reset", "784111787000"), date], none(), Some(10_000)),
        (&[("x-ratelimit-reset", "784111770000"), date], none(), Some(0)),
        (&[("x-ratelimit-reset", "784111787000")], none(), None),
        (&[("x-ratelimit-reset", "soon"), date], none(), None),
        (&[date], body(late), Some(10_000)),
        (&[date], body(number), Some(10_000)),
        (&[], body(json!({ "headers": { "Retry-After": "2.5" } })), Some(2_500)),
        (&[], r#"{"error":{"message":"m","availability":{"retryable":true,"retry_after":7}}}"#.to_owned(), Some(7_000)),
        (&[date], none(), None),
    ] {
        let fault = parse(response(429, headers, &body)).unwrap_err();
        assert_eq!((fault.kind, fault.retry_after_ms), (FaultKind::RateLimited, expected), "{headers:?} {body}");
    }
}

#[test]
fn rates_come_along_wherever_they_stand() {
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let headers = json!({ "X-RateLimit-Limit": "20", "X-RateLimit-Remaining": 0, "X-RateLimit-Reset": "784111787000" });
    let within = error(429, "Rate limit exceeded", &json!({ "headers": headers }));
    let beside =
        [("x-ratelimit-limit", "20"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "784111787000"), date];
    let extras = [("limit", "20"), ("remaining", "0"), ("reset-ms", "10000")]
        .map(|(part, value)| (format!("rate-requests-{part}"), value.to_owned()));
    for (headers, body) in [(&[date][..], within), (&beside, error(429, "Rate limit exceeded", &Value::Null))] {
        assert_eq!(parse(response(429, headers, &body)).unwrap_err().extras, extras, "{body}");
    }
}

#[test]
fn hints_name_what_helps() {
    let parameters = "No endpoints found that can handle the requested parameters.";
    let policy = "No endpoints found matching your data policy (Free model publication).";
    for (status, message, kind, hint) in [
        (404, parameters, FaultKind::Unsupported, "--setting require_parameters=false"),
        (404, policy, FaultKind::Unsupported, "--setting data_collection"),
        (404, "No endpoints found for x/y.", FaultKind::ModelNotFound, "--model AUTHOR/NAME"),
        (402, "requires more credits, or fewer max_tokens", FaultKind::Quota, "https://openrouter.ai/credits"),
        (401, "No auth credentials found", FaultKind::Credentials, "--api-key-env"),
    ] {
        let fault = fault(status, &error(status, message, &Value::Null));
        assert_eq!(fault.kind, kind, "{message}");
        assert!(fault.hint.as_ref().unwrap().contains(hint), "{:?}", fault.hint);
    }
}

#[test]
fn a_model_that_is_still_starting_is_asked_again() {
    let cold = r#"{"choices":[{"message":{"content":""},"finish_reason":"stop"}],"usage":{"completion_tokens":0}}"#;
    assert_eq!(fault(200, cold).kind, FaultKind::Unavailable);
    let filed =
        json!({ "choices": [{ "message": { "content": null, "reasoning": VERDICT }, "finish_reason": "stop" }] });
    assert!(matches!(parse(response(200, &[], &filed.to_string())), Ok(Step::Done(_))));
}

#[test]
fn what_was_paid_is_told_with_the_fault() {
    let body = json!({ "choices": [{ "message": { "content": "{" }, "finish_reason": "length" }],
        "usage": { "completion_tokens": 512, "cost": 0.0005 } });
    let fault = fault(200, &body.to_string());
    assert_eq!((fault.kind, fault.usage.cost_micro_usd), (FaultKind::Truncated, Some(500)));
}
