//! What an error means, as far as the servers of chat completions agree on it. Codes and types decide before the
//! status: 429 alone has two meanings.

use crate::error::{self, ServerError};
use crate::{Fault, FaultKind, HttpResponse, http};
use serde_json::Value;

/// Codes and types, and the kinds that they stand for. OpenAI's are those of its guide to error codes.
const CODES: [(&str, FaultKind); 21] = [
    // A quota is used up until somebody pays; they come with status 429 and must not be tried again.
    ("insufficient_quota", FaultKind::Quota),
    ("credit_balance_exhausted", FaultKind::Quota),
    ("billing_hard_limit_reached", FaultKind::Quota),
    ("organization_spend_limit_exceeded", FaultKind::Quota),
    ("project_spend_limit_exceeded", FaultKind::Quota),
    ("organization_usage_limit_exceeded", FaultKind::Quota),
    ("rate_limit_exceeded", FaultKind::RateLimited),
    ("slow_down", FaultKind::Overloaded),
    ("context_length_exceeded", FaultKind::TooLong),
    // llama.cpp (tools/server/README.md)
    ("exceed_context_size_error", FaultKind::TooLong),
    ("unsupported_parameter", FaultKind::Unsupported),
    ("unsupported_value", FaultKind::Unsupported),
    // llama.cpp
    ("not_supported_error", FaultKind::Unsupported),
    // A schema that the server cannot enforce: an issue reports it with the parameter `response_format`.
    ("invalid_json_schema", FaultKind::Unsupported),
    ("model_not_found", FaultKind::ModelNotFound),
    ("invalid_api_key", FaultKind::Credentials),
    ("authentication_error", FaultKind::Credentials),
    ("permission_error", FaultKind::Credentials),
    ("content_policy_violation", FaultKind::Refused),
    // Azure-like hosts, for a prompt that was filtered
    ("content_filter", FaultKind::Refused),
    // llama.cpp while it loads the model
    ("unavailable_error", FaultKind::Unavailable),
];

/// The type of whatever goes wrong on OpenAI's side: with status 500, but with 503 too, where the engine is overloaded
/// (its guide to error codes). So it counts only where no status tells.
const SERVER_ERROR: &str = "server_error";

/// Where status 400 has no finer code: vLLM's and older servers' words.
const WORDS: [(&str, FaultKind); 4] = [
    ("maximum context length", FaultKind::TooLong),
    ("context size", FaultKind::TooLong),
    // OpenAI's reasoning models, where thoughts used the limit up before the first word (its community and issues).
    ("model output limit was reached", FaultKind::Truncated),
    // Triton's OpenAI-compatible frontend, as `{"detail": "Unknown model: x"}` (python/openai, engine/triton_engine.py)
    ("unknown model:", FaultKind::ModelNotFound),
];

/// The fault of an error: of a response of an error status, or in the body of a good one. `holder` is as in
/// [`super::Dialect::meaning`].
pub fn fault(response: &HttpResponse, holder: &Value) -> Fault {
    let error = ServerError::read(holder).unwrap_or_default();
    let fault = if http::is_success(response) { of_body(response, &error) } else { error::fault(response) };
    let of_code = CODES.iter().find(|(code, _)| error.is(code)).map(|(_, kind)| *kind);
    let of_words = || {
        let row = WORDS.iter().find(|(words, _)| error.says(words))?;
        (fault.kind == FaultKind::InvalidRequest).then_some(row.1)
    };
    let of_status = match fault.kind {
        FaultKind::Other if error.is(SERVER_ERROR) => FaultKind::Unavailable,
        kind => kind,
    };
    let kind = of_code.or_else(of_words).unwrap_or(of_status);
    let fault = Fault { kind, ..fault };
    match kind {
        FaultKind::Quota => fault.hint("the account has no credit left: see its billing page"),
        FaultKind::ModelNotFound => fault.hint("name a model that the server has by `--model NAME`"),
        FaultKind::TooLong => {
            fault.hint("show fewer clusters by `--candidates-max N`, or use a model of a larger context")
        }
        FaultKind::Truncated => fault.hint("raise the limit by `--max-output-tokens N`"),
        _ => fault,
    }
}

/// Some servers put the status that they mean into the code.
fn of_body(response: &HttpResponse, error: &ServerError) -> Fault {
    let meant = error.code.as_deref().and_then(|code| code.parse().ok());
    let kind = meant.map_or(FaultKind::Other, error::kind_of_status);
    error::named(kind, response.status, error).retry_after_ms(http::retry_after(response))
}
