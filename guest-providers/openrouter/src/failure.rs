//! What an error of OpenRouter means. Its stable word `error.metadata.error_type` decides where it is given; what the
//! provider behind it said stands in `error.metadata.raw`.

use crate::wait;
use judge_provider::error::{self, ServerError};
use judge_provider::serde_json::{self, Value};
use judge_provider::{Fault, FaultKind, HttpResponse, chat};

/// The vocabulary of `error_type` (errors-and-debugging.mdx, "Typed error codes"); what is about images cannot occur.
const TYPES: [(&str, FaultKind); 20] = [
    ("context_length_exceeded", FaultKind::TooLong),
    ("max_tokens_exceeded", FaultKind::Truncated),
    // A budget of tokens that OpenRouter enforces, such as what the credit still buys.
    ("token_limit_exceeded", FaultKind::Quota),
    ("string_too_long", FaultKind::TooLong),
    ("authentication", FaultKind::Credentials),
    ("permission_denied", FaultKind::Credentials),
    ("payment_required", FaultKind::Quota),
    ("rate_limit_exceeded", FaultKind::RateLimited),
    ("provider_overloaded", FaultKind::Overloaded),
    ("provider_unavailable", FaultKind::Unavailable),
    ("invalid_request", FaultKind::InvalidRequest),
    ("invalid_prompt", FaultKind::InvalidRequest),
    ("not_found", FaultKind::ModelNotFound),
    ("payload_too_large", FaultKind::TooLong),
    ("unprocessable", FaultKind::InvalidRequest),
    ("content_policy_violation", FaultKind::Refused),
    ("refusal", FaultKind::Refused),
    ("server", FaultKind::Unavailable),
    ("timeout", FaultKind::TimedOut),
    ("unmapped", FaultKind::Unavailable),
];

/// What helps where routing left no provider.
const NO_PARAMETERS: &str = "no provider of the model takes all parameters: try `--setting omit=temperature`, or \
    `--setting require_parameters=false`";
const NO_POLICY: &str = "no provider fits the data policy: see `--setting data_collection` and `zdr`, and \
    https://openrouter.ai/settings/privacy";
const NO_ENDPOINT: &str = "name a model that somebody offers by `--model AUTHOR/NAME`; see `--setting only` and \
    `order` too";

/// The fault of an error; `holder` is as in [`chat::Dialect::meaning`].
pub(crate) fn of(response: &HttpResponse, holder: &Value) -> Fault {
    let error = &holder["error"];
    let server = ServerError::read(holder).unwrap_or_default();
    let mut fault = chat::fault(response, holder);
    let given = error["metadata"]["error_type"].as_str();
    if let Some((word, kind)) = TYPES.iter().find(|(word, _)| given == Some(*word)) {
        fault.kind = *kind;
        fault.code = Some((*word).to_owned());
    }
    // Newer bodies may lack a code, and say this instead.
    if fault.kind == FaultKind::Other && error["availability"]["retryable"] == true {
        fault.kind = FaultKind::Unavailable;
    }
    fault.retry_after_ms = wait::milliseconds(response, error);
    fault.extras = wait::rates(response, error);
    if let Some(cause) = cause(&error["metadata"]) {
        fault.message = format!("{}; {cause}", fault.message);
    }
    settled(response, fault, error, &server)
}

/// The cases that kind and status leave open, and what helps in each.
fn settled(response: &HttpResponse, fault: Fault, error: &Value, server: &ServerError) -> Fault {
    let status = server.code.as_deref().and_then(|code| code.parse().ok()).unwrap_or(response.status);
    if status == 403
        && let Some(why) = blocked(&error["metadata"])
    {
        let message = format!("the text was blocked before a model saw it: {}", error::safe(&why));
        return Fault { kind: FaultKind::Refused, message, hint: None, ..fault };
    }
    let says = |words: &str| server.says(words);
    // Routing that leaves no provider comes as 404 too, for a model that exists.
    let unrouted = status == 404 && says("no endpoints");
    let (kind, hint) = match fault.kind {
        _ if unrouted && says("parameters") => (FaultKind::Unsupported, Some(NO_PARAMETERS)),
        _ if unrouted && (says("data policy") || says("privacy")) => (FaultKind::Unsupported, Some(NO_POLICY)),
        _ if unrouted => (FaultKind::ModelNotFound, Some(NO_ENDPOINT)),
        // `author/name is not a valid model ID`, with status 400.
        _ if says("not a valid model id") => (FaultKind::ModelNotFound, hint(FaultKind::ModelNotFound)),
        kind => (kind, hint(kind)),
    };
    let hint = hint.map(str::to_owned).or(fault.hint);
    Fault { kind, hint, ..fault }
}

fn hint(kind: FaultKind) -> Option<&'static str> {
    Some(match kind {
        // A negative balance blocks the free models too (limits.mdx).
        FaultKind::Quota => "add credit at https://openrouter.ai/credits, or ask for less by `--max-output-tokens N`",
        FaultKind::Credentials => {
            "check the key at https://openrouter.ai/settings/keys, and that `--api-key-env` names the environment \
             variable that holds it"
        }
        FaultKind::ModelNotFound => "name one of https://openrouter.ai/models by `--model AUTHOR/NAME`",
        FaultKind::TooLong => "show fewer clusters by `--candidates-max N`, or use a model of a larger context",
        FaultKind::Truncated => "raise the limit by `--max-output-tokens N`",
        _ => return None,
    })
}

/// Why moderation or a guardrail stopped a request: reasons in the one case, patterns in the other. The flagged text
/// itself stands beside them, and stays there.
fn blocked(metadata: &Value) -> Option<String> {
    let list = ["reasons", "patterns"].iter().find_map(|name| metadata[*name].as_array())?;
    Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
}

/// "Provider returned error" hides the cause in `raw`: the provider's body, as JSON in a text, or as it was.
fn cause(metadata: &Value) -> Option<String> {
    let body = match &metadata["raw"] {
        Value::Null => return None,
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        body => body.clone(),
    };
    let words = match &body {
        Value::String(text) => text.clone(),
        body => ServerError::read(body)
            .and_then(|error| error.message)
            .or_else(|| body["message"].as_str().map(str::to_owned))?,
    };
    let who = metadata["provider_name"].as_str().unwrap_or("the provider");
    let words = error::safe(&words);
    (!words.is_empty()).then(|| format!("{who} said: {words}"))
}
