//! Errors of the server: the kind by status and words, the hint, and what the message leaves out.

use super::*;
use judge_provider::FaultKind;

fn failed(model: &(Value, Value), status: u16, body: &str) -> Fault {
    failed_with(&[], model, status, body)
}

fn failed_with(extra: &[(&str, &str)], model: &(Value, Value), status: u16, body: &str) -> Fault {
    Triton::parse_response(job(extra, model), Vec::new(), response(status, body)).unwrap_err()
}

#[test]
fn every_error_has_its_kind() {
    for (status, words, kind) in [
        (503, "Exceeds maximum queue size", FaultKind::Overloaded),
        (400, "Exceeds maximum queue size", FaultKind::Overloaded),
        (503, "Request timeout expired", FaultKind::TimedOut),
        (400, "Request timeout expired", FaultKind::TimedOut),
        (503, "Request for unknown model: 'm' version 1 is not at ready state", FaultKind::Unavailable),
        (404, "Request for unknown model: 'm' has no available versions", FaultKind::Unavailable),
        (503, "Server not ready", FaultKind::Unavailable),
        (
            503,
            "Server is stopping, scheduler for model has stopped accepting new inference requests",
            FaultKind::Unavailable,
        ),
        (503, "Model is unavailable due to unhealthy vLLM engine", FaultKind::Unavailable),
        (503, "busy", FaultKind::Overloaded),
        (404, "Request for unknown model: 'm' is not found", FaultKind::ModelNotFound),
        (400, "Request for unknown model: 'm' is not found", FaultKind::ModelNotFound),
        (404, "Not Found", FaultKind::InvalidRequest),
        (405, "Method Not Allowed", FaultKind::InvalidRequest),
        (403, "This API is restricted, expecting header 'k'", FaultKind::Credentials),
        (501, "HTTP end point doesn't support models with decoupled transaction policy", FaultKind::Unsupported),
        (200, "generate expects model to produce exactly 1 response, use generate stream", FaultKind::Unsupported),
        (500, "expected a single response, got 2", FaultKind::Unsupported),
        (400, "expected 3 inputs but got 2 inputs for model 'm'", FaultKind::InvalidRequest),
        (400, "expected number of inputs between 1 and 7 but got 8 inputs for model 'm'", FaultKind::InvalidRequest),
        (400, "unexpected shape for input 'text' for model 'm'. Expected [-1,1], got [1]", FaultKind::InvalidRequest),
        (400, "inference input 'text' data-type is 'FP32', but model 'm' expects 'BYTES'", FaultKind::InvalidRequest),
        (500, "Failed to parse 'data' field: shape does not match true shape", FaultKind::InvalidRequest),
        (500, "failed to parse the request JSON buffer: Invalid value. at 3", FaultKind::InvalidRequest),
        (400, "parameter 'structured_outputs' has invalid type. It should be either 'int'", FaultKind::Unsupported),
        (400, "something else", FaultKind::InvalidRequest),
        (500, "Failed to process the request(s) for model 'm_0', message: ValueError: boom", FaultKind::Other),
        (400, "Failed to process the request(s) for model 'm_0', message: ValueError: boom", FaultKind::Other),
        (200, "Error generating stream: engine died", FaultKind::Other),
        (500, "Error generating stream: 'NoneType' object has no attribute 'lora_name'", FaultKind::Unsupported),
        (
            400,
            "Failed to process the request(s) for model 'm', message: Prompt length (2) exceeds maximum input length",
            FaultKind::TooLong,
        ),
        (
            500,
            "Error generating stream: The decoder prompt (length 9) is longer than the maximum model length of 4",
            FaultKind::TooLong,
        ),
        (401, "no token", FaultKind::Credentials),
        (502, "bad gateway", FaultKind::Unavailable),
    ] {
        let fault = failed(&vllm(), status, &json!({ "error": words }).to_string());
        assert_eq!((fault.kind, fault.code), (kind, Some(status.to_string())), "{status} {words}");
        assert!(fault.message.contains(words), "{}", fault.message);
    }
    for (status, body, kind) in [
        (200, "<html>", FaultKind::Unavailable),
        (200, "", FaultKind::Unavailable),
        (502, "<html>", FaultKind::Unavailable),
        (503, "", FaultKind::Overloaded),
    ] {
        assert_eq!(failed(&by_hand(), status, body).kind, kind, "{status} {body}");
    }
}

#[test]
fn a_card_that_is_full_is_told_by_the_code() {
    for (status, words) in [
        (500, "Failed to process the request(s) for model 'm': OutOfMemoryError: CUDA out of memory."),
        (400, "CUDA error: out of memory"),
        (200, "cudaMalloc failed: out of memory"),
    ] {
        let fault = failed(&vllm(), status, &json!({ "error": words }).to_string());
        assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::Overloaded, Some("out-of-memory")), "{words}");
    }
}

#[test]
fn what_can_be_fixed_has_a_hint() {
    const DECOUPLED: &str = "HTTP end point doesn't support models with decoupled transaction policy";
    for (model, status, words, hint) in [
        (by_hand(), 501, DECOUPLED, "--setting route=generate"),
        (vllm(), 501, DECOUPLED, "`decoupled` to false"),
        (vllm(), 200, "generate expects model to produce exactly 1 response", "--setting tensors="),
        (vllm(), 500, "'NoneType' object has no attribute 'lora_name'", "--setting guided=guided_decoding"),
        (trtllm(), 500, "Guided decoding is not enabled for this server", "--setting guided=none"),
        (by_hand(), 404, "Request for unknown model: 'm' is not found", "--model NAME"),
        (by_hand(), 400, "expected 3 inputs but got 2 inputs for model 'm'", "--setting input=NAME"),
        (by_hand(), 404, "Not Found", "--endpoint"),
        (by_hand(), 405, "Method Not Allowed", "--endpoint"),
        (by_hand(), 307, "Moved", "--endpoint"),
        (by_hand(), 403, "This API is restricted, expecting header 'k'", "--api-key-env"),
        (by_hand(), 500, "Prompt length (9) exceeds maximum input length (8)", "--candidates-max"),
    ] {
        let given = failed(&model, status, &json!({ "error": words }).to_string()).hint.unwrap_or_default();
        assert!(given.contains(hint), "{words}: {given}");
    }
    assert_eq!(failed(&by_hand(), 503, r#"{"error":"Exceeds maximum queue size"}"#).hint, None);
}

#[test]
fn advice_on_the_schema_is_for_the_backend_and_not_what_is_set_already() {
    const UNREAD: &str = "'NoneType' object has no attribute 'lora_name'";
    const NOT_ENABLED: &str = "Guided decoding is not enabled for this server";
    let set = |guided| [("guided", guided)];
    for (extra, model, words, hints, others) in [
        (&[][..], vllm(), UNREAD, &["guided=guided_decoding", "guided=none"][..], &["structured_outputs"][..]),
        (
            &set("guided_decoding"),
            vllm(),
            UNREAD,
            &["guided=structured_outputs", "guided=none"],
            &["guided=guided_decoding"],
        ),
        (&set("none"), vllm(), UNREAD, &["--setting tensors"], &["guided="]),
        (&[], trtllm(), NOT_ENABLED, &["guided=none"], &["guided=guided_decoding", "structured_outputs", "vLLM"]),
    ] {
        let hint = failed_with(extra, &model, 500, &json!({ "error": words }).to_string()).hint.unwrap();
        assert!(hints.iter().all(|words| hint.contains(words)), "{extra:?}: {hint}");
        assert!(!others.iter().any(|words| hint.contains(words)), "{extra:?}: {hint}");
    }
}

#[test]
fn tracebacks_are_cut_to_their_last_line() {
    let place = "Failed to process the request(s) for model 'm_0_0', message: ";
    for (words, kept) in [
        ("ValueError: boom\n\nAt:\n  /models/m/1/model.py(41): execute\n", "ValueError: boom"),
        (
            concat!(
                "Model execute error: Traceback (most recent call last):\n  File \"/m/model.py\", line 4\n",
                "    run(prompt)\nmine.Error: Traceback (most recent call last):\n  File \"/serve.py\", line 9\n",
                "    raise\nValueError: boom\n\n"
            ),
            "Model execute error: ValueError: boom",
        ),
    ] {
        let fault = failed(&by_hand(), 500, &json!({ "error": format!("{place}{words}") }).to_string());
        assert_eq!(fault.message, format!("the server answered status 500: {place}{kept}"));
    }
}

#[test]
fn a_wait_comes_along() {
    let mut busy = response(503, r#"{"error":"Exceeds maximum queue size"}"#);
    busy.headers.push(("retry-after".to_owned(), b"3".to_vec()));
    let fault = Triton::parse_response(job(&[], &by_hand()), Vec::new(), busy).unwrap_err();
    assert_eq!(fault.retry_after_ms, Some(3_000));
}

#[test]
fn a_job_of_another_provider_is_a_fault() {
    let foreign = Job { brief: Body::Text("null\n{}".to_owned()), ..job(&[], &by_hand()) };
    assert!(Triton::build_request(foreign.clone()).is_err());
    assert!(Triton::parse_response(foreign, Vec::new(), response(200, "{}")).is_err());
}
