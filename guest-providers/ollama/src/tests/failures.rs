//! What the server says when it does not answer.

use super::*;

#[test]
fn every_failure_has_its_kind() {
    let error = |words: &str| json!({ "error": words }).to_string();
    for (status, body, kind, hint) in [
        (200, error("odd"), FaultKind::Other, ""),
        (200, error("llama runner process has terminated: exit status 2"), FaultKind::Unavailable, "server's log"),
        (200, error("model 'x' not found"), FaultKind::ModelNotFound, "ollama pull qwen3:8b"),
        (200, error("this model requires a subscription, upgrade for access: u"), FaultKind::Quota, "--model NAME"),
        (400, error("\"qwen3:8b\" does not support thinking"), FaultKind::Unsupported, "think=false"),
        (400, error("\"qwen3:8b\" does not support chat"), FaultKind::Unsupported, "--model"),
        (400, error("the input length exceeds the context length"), FaultKind::TooLong, "num_ctx"),
        (400, error("the prompt is longer than the context length currently available"), FaultKind::TooLong, "num_ctx"),
        (400, error("model is required"), FaultKind::InvalidRequest, ""),
        (400, error("time: invalid duration \"soon\""), FaultKind::InvalidRequest, "keep_alive"),
        (401, r#"{"error":"unauthorized","signin_url":"u"}"#.to_owned(), FaultKind::Credentials, "ollama signin"),
        (401, error("unauthorized"), FaultKind::Credentials, "--api-key-env"),
        (403, error("ollama cloud is disabled: remote inference is unavailable"), FaultKind::Unsupported, "cloud"),
        (403, error("this model requires a subscription, upgrade for access"), FaultKind::Quota, "subscribe"),
        (403, String::new(), FaultKind::Credentials, "OLLAMA_HOST"),
        (404, error("model \"x\" not found, try pulling it first"), FaultKind::ModelNotFound, "ollama pull qwen3:8b"),
        (404, "404 page not found".to_owned(), FaultKind::InvalidRequest, "--endpoint"),
        (429, error("you have reached your session usage limit, please wait or upgrade"), FaultKind::Quota, "used up"),
        (429, error("too many concurrent requests"), FaultKind::RateLimited, ""),
        (499, error("request canceled"), FaultKind::TimedOut, ""),
        (500, error("option \"num_ctx\" must be of type integer"), FaultKind::InvalidRequest, ""),
        (500, error("invalid format: expected \"json\" or a schema"), FaultKind::InvalidRequest, ""),
        (
            500,
            error("llama runner process has terminated: CUDA error: out of memory"),
            FaultKind::Overloaded,
            "num_ctx",
        ),
        (500, error("cudaMalloc failed: out of memory"), FaultKind::Overloaded, "num_ctx"),
        (500, error("model requires more system memory (8 GiB) than is available"), FaultKind::Overloaded, "--model"),
        (500, error("llama runner process has terminated: signal: killed"), FaultKind::Unavailable, "server's log"),
        (500, error("llama runner process no longer running: -1"), FaultKind::Unavailable, "server's log"),
        (500, error("model runner has unexpectedly stopped, this may be due to"), FaultKind::Unavailable, "log"),
        (500, error("timed out waiting for llama runner to start"), FaultKind::TimedOut, ""),
        (500, error("error loading model: unknown model architecture: 'x'"), FaultKind::Unsupported, "update"),
        (500, error("something else"), FaultKind::Other, ""),
        (502, "bad gateway".to_owned(), FaultKind::Unavailable, ""),
        (
            503,
            error("server busy, please try again.  maximum pending requests exceeded"),
            FaultKind::Overloaded,
            "--parallel",
        ),
        (504, String::new(), FaultKind::TimedOut, ""),
    ] {
        let fault = parse(job(settings(&[])), status, &body).unwrap_err();
        let is_full = kind == FaultKind::Overloaded && body.contains("memory");
        let code = if is_full { "out-of-memory".to_owned() } else { status.to_string() };
        assert_eq!((fault.kind, fault.code), (kind, Some(code)), "{status} {body}");
        let hint_of = fault.hint.unwrap_or_default();
        assert!(hint_of.contains(hint), "{status} {body}: {hint_of}");
    }
}

#[test]
fn an_error_within_an_error_is_unwrapped() {
    let inner = json!({ "error": { "code": 400, "type": "exceed_context_size_error",
        "message": "request (2622 tokens) exceeds the available context size (512 tokens), try increasing it" } });
    let body = json!({ "error": inner.to_string() }).to_string();
    let fault = parse(job(settings(&[])), 400, &body).unwrap_err();
    assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::TooLong, Some("400")));
    assert!(fault.message.contains("request (2622 tokens) exceeds"), "{}", fault.message);
}

#[test]
fn a_wait_comes_along() {
    let mut busy = response(503, r#"{"error":"server busy, please try again."}"#);
    busy.headers.push(("retry-after".to_owned(), b"3".to_vec()));
    let fault = Ollama::parse_response(job(settings(&[])), Vec::new(), busy).unwrap_err();
    assert_eq!((fault.kind, fault.retry_after_ms), (FaultKind::Overloaded, Some(3_000)));
}
