//! What an error of the server means. Triton has few statuses and no codes, so its words decide: before release 24.01
//! every inference error was a 400, a backend's exception is a 500 on `/infer` and a 400 on `/generate`, and
//! `/generate` may also put an error into a 200.

use crate::head::Head;
use crate::options::{Enforcement, Route};
use judge_provider::error::{self, ServerError};
use judge_provider::{Fault, FaultKind, HttpResponse, http};

/// The server's words, and what they stand for; the first that fit count.
const WORDS: [(&str, FaultKind); 32] = [
    // triton core: scheduler_utils.cc, dynamic_batch_scheduler.cc
    ("exceeds maximum queue size", FaultKind::Overloaded),
    ("request timeout expired", FaultKind::TimedOut),
    // triton core: model_lifecycle.cc, server.cc; before the next, as `Request for unknown model: ` leads these too
    ("is not at ready state", FaultKind::Unavailable),
    ("has no available versions", FaultKind::Unavailable),
    ("server not ready", FaultKind::Unavailable),
    ("server is stopping", FaultKind::Unavailable),
    ("unhealthy vllm engine", FaultKind::Unavailable),
    // triton core: model_repository_manager.cc; 404, and 400 where model namespacing is on
    ("unknown model", FaultKind::ModelNotFound),
    // http_server.cc
    ("decoupled transaction policy", FaultKind::Unsupported),
    ("exactly 1 response", FaultKind::Unsupported),
    ("expected a single response", FaultKind::Unsupported),
    // vllm_backend, src/utils/request.py: what it says of any sampling parameter that it cannot read
    ("no attribute 'lora_name'", FaultKind::Unsupported),
    ("structured_outputs", FaultKind::Unsupported),
    ("guided_decoding", FaultKind::Unsupported),
    ("guided decoding", FaultKind::Unsupported),
    // vLLM and TensorRT-LLM
    ("maximum model length", FaultKind::TooLong),
    ("maximum context length", FaultKind::TooLong),
    ("exceeds maximum input length", FaultKind::TooLong),
    ("exceed max_num_tokens", FaultKind::TooLong),
    ("max_seq_len", FaultKind::TooLong),
    ("max_input_len", FaultKind::TooLong),
    // triton core: infer_request.cc; http_server.cc, which answers what it cannot parse with 500
    ("inputs but got", FaultKind::InvalidRequest),
    ("expected number of inputs", FaultKind::InvalidRequest),
    ("unexpected shape", FaultKind::InvalidRequest),
    ("shape does not match true shape", FaultKind::InvalidRequest),
    ("data-type is", FaultKind::InvalidRequest),
    ("unexpected inference", FaultKind::InvalidRequest),
    ("missing required input", FaultKind::InvalidRequest),
    ("has invalid type", FaultKind::InvalidRequest),
    ("failed to parse", FaultKind::InvalidRequest),
    ("unable to parse", FaultKind::InvalidRequest),
    // python_backend: an exception of the model, which another attempt may not meet
    ("failed to process the request", FaultKind::Other),
];

/// The fault of a response that holds an error, of any status; the head of the job, once there is one.
pub(crate) fn of(response: &HttpResponse, head: Option<&Head>) -> Fault {
    let error = http::json(response).ok().and_then(|body| ServerError::read(&body)).unwrap_or_default();
    let error = ServerError { message: error.message.as_deref().map(without_traceback), ..error };
    let fault = error::fault(response);
    let of_words = || WORDS.iter().find(|(words, _)| error.says(words)).map(|(_, kind)| *kind);
    // Whatever the exception is called that a backend makes of it, and whatever its status.
    let of_words = error.is_out_of_memory().then_some(FaultKind::Overloaded).or_else(of_words);
    // A 500 is the backend's, and worth one more attempt. An error in a 200 is what would have been one, had the status
    // not been sent before.
    let of_status = if http::is_success(response) || response.status == 500 { FaultKind::Other } else { fault.kind };
    let kind = of_words.unwrap_or(of_status);
    // Where an address is wrong, the status tells more than its words.
    let is_elsewhere = matches!(response.status, 300..=399 | 404 | 405);
    let hint = match kind {
        FaultKind::InvalidRequest if is_elsewhere => None,
        kind => hint(kind, head, &error).map(str::to_owned),
    };
    let named = error::named(kind, response.status, &error);
    // A hint of the status is beside the point where the words say more.
    Fault { retry_after_ms: fault.retry_after_ms, hint: hint.or(fault.hint.filter(|_| of_words.is_none())), ..named }
}

/// What the operator can do about it.
fn hint(kind: FaultKind, head: Option<&Head>, error: &ServerError) -> Option<&'static str> {
    match kind {
        FaultKind::ModelNotFound => {
            Some("name a model that the server has by `--model NAME`, or another version by `--setting version=N`")
        }
        FaultKind::Unavailable if error.says("no available versions") => {
            Some("the model is known, but not loaded: wait for it, load it, or see the server's log")
        }
        FaultKind::Unsupported => unsupported_hint(head, error),
        FaultKind::TooLong => {
            Some("show fewer clusters by `--candidates-max N`, or let the engine take longer prompts")
        }
        FaultKind::InvalidRequest if error.message.is_some() => Some(
            "see the model's tensors at `/v2/models/NAME/config`, and name them by `--setting input=NAME`, `output`, \
             `max_tokens_input`, `temperature_input` or `tensors`",
        ),
        FaultKind::Credentials if error.says("api is restricted") => Some(
            "Triton runs with `--http-restricted-api`: of its headers only `authorization` can be given, by \
             `--api-key-env VAR`; for another put a gateway in front",
        ),
        _ => None,
    }
}

fn unsupported_hint(head: Option<&Head>, error: &ServerError) -> Option<&'static str> {
    if error.says("decoupled transaction policy") {
        return Some(match head.map(|head| head.route) {
            Some(Route::Generate) => "the model only streams: set `decoupled` to false in its configuration",
            _ => "try `--setting route=generate`",
        });
    }
    if error.says("exactly 1 response") || error.says("a single response") {
        return Some(
            "the model streams its answer in pieces: switch that off in the model, or name its switch by \
             `--setting tensors={...}`",
        );
    }
    let is_about_schema = ["lora_name", "structured_outputs", "guided"].iter().any(|word| error.says(word));
    is_about_schema.then(|| schema_hint(head.map(|head| head.guided)))
}

/// What gets past a backend that does not take the schema as it was sent.
fn schema_hint(sent: Option<Enforcement>) -> &'static str {
    match sent {
        Some(Enforcement::GuidedDecoding) => {
            "try `--setting guided=structured_outputs` for a vLLM backend since 25.11, else `--setting guided=none`: the \
             schema is in the prompt too"
        }
        // The engine has no backend for guides (tensorrtllm_backend, docs/guided_decoding.md).
        Some(Enforcement::TrtLlm) => {
            "give the engine a `guided_decoding_backend`, or try `--setting guided=none`: the schema is in the prompt too"
        }
        // No schema was sent, so it is another parameter that cannot be read.
        Some(Enforcement::Prompt) => "correct or drop the parameters in `--setting tensors={...}`",
        Some(Enforcement::StructuredOutputs) | None => {
            "try `--setting guided=guided_decoding` for a vLLM backend before 25.11, else `--setting guided=none`: the \
             schema is in the prompt too"
        }
    }
}

/// The words without the places in the code that the Python backend and PyTriton add: they name paths, and sometimes
/// the prompt. Of a traceback only its last line is an explanation.
fn without_traceback(message: &str) -> String {
    const TRACEBACK: &str = "Traceback (most recent call last):";
    let message = message.split("\nAt:\n").next().unwrap_or_default();
    let Some((before, trace)) = message.split_once(TRACEBACK) else {
        return message.to_owned();
    };
    let last = trace.lines().rev().find(|line| !line.trim().is_empty() && !line.starts_with(char::is_whitespace));
    format!("{}{}", before, last.unwrap_or_default())
}
