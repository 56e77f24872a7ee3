//! What an error of the API means (docs, "Errors" and "Rate limits"). Its types say mostly what the status says; money
//! that is used up, prompts that are too long and fields that a model does not take come as other errors, and only
//! their words tell.

use judge_provider::error::{self, ServerError};
use judge_provider::serde_json::Value;
use judge_provider::{Fault, FaultKind, HttpResponse, http};

/// `error.details.error_code` of a 429 that does not pass: the month's money is spent.
const SPEND_LIMIT: &str = "enforced_spend_limit_reached";

/// Types, and the kinds that they stand for. Not among them are those for which the status knows better:
/// `invalid_request_error`, `not_found_error`, `conflict_error`.
const TYPES: [(&str, FaultKind); 8] = [
    ("authentication_error", FaultKind::Credentials),
    ("permission_error", FaultKind::Credentials),
    ("billing_error", FaultKind::Quota),
    ("request_too_large", FaultKind::TooLong),
    ("rate_limit_error", FaultKind::RateLimited),
    ("api_error", FaultKind::Unavailable),
    ("timeout_error", FaultKind::TimedOut),
    ("overloaded_error", FaultKind::Overloaded),
];

/// Money. The account's own limit is a 400 with "You have reached your specified API usage limits" (docs, "Errors"),
/// and so is a balance of none (anthropics/claude-code issue 66314).
const SPENT: [&str; 3] = ["api usage limits", "credit balance is too low", "spend limit"];

/// In the words that users report: "prompt is too long: 210000 tokens > 200000 maximum"; "input length and `max_tokens` exceed
/// context limit".
const TOO_LONG: [&str; 2] = ["prompt is too long", "exceed context limit"];

/// "max_tokens: 128001 > 64000, which is the maximum allowed number of output tokens for claude-opus-4-5-20251101"
/// (anthropics/claude-code issue 24451).
const TOO_MANY_TOKENS: &str = "maximum allowed number of output tokens";

/// A schema that the server cannot turn into a grammar (docs, "Structured outputs"; TanStack/ai issue 682).
const TOO_COMPLEX: [&str; 3] = ["schema is too complex", "compiled grammar is too large", "grammar compilation"];

/// How the API says that a model or server does not take a field (docs, "What's new" of the models; users' reports
/// where an issue stands).
const NOT_TAKEN: [&str; 6] = [
    // "`temperature` is deprecated for this model"
    "deprecated for this model",
    // "This model does not support the effort parameter" (anthropics/claude-code issue 30010)
    "does not support",
    // "tool_choice: type \"tool\" and \"any\" are not supported for this model"
    "not supported",
    // "tool_choice forces tool use is not compatible with this model" (browser-use/browser-use issue 5009)
    "not compatible",
    // "Thinking may not be enabled when tool_choice forces tool use"
    "may not be enabled",
    // "tools.0.custom.strict: Extra inputs are not permitted", where a server does not know it (BerriAI/litellm
    // issue 33193)
    "not permitted",
];

/// Fields that a model or server may not take, and what gets past that. The first that is named counts.
const FIELDS: [(&str, &str); 6] = [
    ("temperature", "leave it out by `--setting omit=temperature`"),
    ("tool_choice", "the model cannot be made to call a tool: try `--setting schema=output_config`"),
    (".strict", "try `--setting schema=none`; the form of the answer stands in the prompt too"),
    ("effort", "drop `--setting effort=LEVEL`"),
    ("output_config", "try `--setting schema=tool`, or `--setting schema=none`"),
    ("cache_control", "try `--setting cache=off`"),
];

/// The fault of a response of an error status. At the edge such a response may be HTML: the status tells then.
pub(crate) fn of(response: &HttpResponse) -> Fault {
    let body = http::json(response).unwrap_or_default();
    let error = ServerError::read(&body).unwrap_or_default();
    refined(error::fault(response), &body, &error)
}

/// The fault of an error in a body of a success status, as gateways send them.
pub(crate) fn of_body(response: &HttpResponse, body: &Value, error: &ServerError) -> Fault {
    let wrong = error.is("invalid_request_error");
    let kind = if wrong { FaultKind::InvalidRequest } else { FaultKind::Other };
    refined(error::named(kind, response.status, error).retry_after_ms(http::retry_after(response)), body, error)
}

fn refined(fault: Fault, body: &Value, error: &ServerError) -> Fault {
    let by_type = TYPES.iter().find(|(name, _)| error.is(name)).map(|(_, kind)| *kind);
    let fault = Fault { kind: by_type.unwrap_or(fault.kind), ..fault };
    let says = |words: &[&str]| words.iter().any(|words| error.says(words));
    let advice = advice(error);
    let spend_limit = body["error"]["details"]["error_code"] == SPEND_LIMIT;
    let fault = if spend_limit { fault.code(SPEND_LIMIT) } else { fault };
    let kind = match fault.kind {
        _ if spend_limit => FaultKind::Quota,
        // A limit of rates says when to come back; one of money does not.
        FaultKind::RateLimited if fault.retry_after_ms.is_none() && says(&SPENT) => FaultKind::Quota,
        FaultKind::InvalidRequest if says(&SPENT) => FaultKind::Quota,
        FaultKind::InvalidRequest if says(&TOO_LONG) => FaultKind::TooLong,
        FaultKind::InvalidRequest if advice.is_some() => FaultKind::Unsupported,
        kind => kind,
    };
    let fault = Fault { kind, ..fault };
    match (kind, advice) {
        (FaultKind::Quota, _) => {
            fault.hint("credit or spending limit is used up: see billing and limits in the console")
        }
        (FaultKind::TooLong, _) => fault.hint("show fewer clusters by `--candidates-max N`"),
        (FaultKind::ModelNotFound, _) => fault.hint("name a model that the server has by `--model NAME`"),
        (FaultKind::Unsupported, Some(advice)) => fault.hint(advice),
        (FaultKind::InvalidRequest, _) if error.says(TOO_MANY_TOKENS) => {
            fault.hint("ask for no more than the model can write by `--max-output-tokens N`")
        }
        _ => fault,
    }
}

/// What gets past a field or schema that is not taken.
fn advice(error: &ServerError) -> Option<&'static str> {
    let says = |words: &[&str]| words.iter().any(|words| error.says(words));
    if says(&TOO_COMPLEX) {
        return Some("show fewer clusters by `--candidates-max N`, or try `--setting schema=none`");
    }
    let named = FIELDS.iter().find(|(field, _)| error.says(field));
    named.filter(|_| says(&NOT_TAKEN)).map(|(_, advice)| *advice)
}
