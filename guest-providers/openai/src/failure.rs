//! What an error of the API means. OpenAI's own codes decide before the status: 429 alone has two meanings. The codes
//! of vLLM, llama.cpp and other compatible servers are beside them.

use judge_provider::error::{self, ServerError};
use judge_provider::{Fault, FaultKind, HttpResponse, http};

/// Codes and types, and the kinds that they stand for.
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
    // llama.cpp
    ("exceed_context_size_error", FaultKind::TooLong),
    ("unsupported_parameter", FaultKind::Unsupported),
    ("unsupported_value", FaultKind::Unsupported),
    ("not_supported_error", FaultKind::Unsupported),
    ("model_not_found", FaultKind::ModelNotFound),
    ("invalid_api_key", FaultKind::Credentials),
    ("authentication_error", FaultKind::Credentials),
    ("permission_error", FaultKind::Credentials),
    ("content_policy_violation", FaultKind::Refused),
    ("content_filter", FaultKind::Refused),
    // llama.cpp while it loads the model
    ("unavailable_error", FaultKind::Unavailable),
    ("server_error", FaultKind::Unavailable),
];

/// The fault of a response of an error status.
pub(crate) fn of(response: &HttpResponse) -> Fault {
    let error = http::json(response).ok().and_then(|body| ServerError::read(&body)).unwrap_or_default();
    let fault = error::fault(response);
    refined(fault, &error)
}

/// The fault of an error in a body of a success status.
pub(crate) fn of_body(response: &HttpResponse, error: &ServerError) -> Fault {
    // Some servers put the status that they mean into the code.
    let meant = error.code.as_deref().and_then(|code| code.parse().ok());
    let kind = meant.map_or(FaultKind::Other, error::kind_of_status);
    let fault = error::named(kind, response.status, error);
    refined(fault.retry_after_ms(http::retry_after(response)), error)
}

fn refined(fault: Fault, error: &ServerError) -> Fault {
    let of_code = CODES.iter().find(|(code, _)| error.is(code)).map(|(_, kind)| *kind);
    // vLLM and older servers say it in words only.
    let of_words = || {
        let too_long = error.says("maximum context length") || error.says("context size");
        (fault.kind == FaultKind::InvalidRequest && too_long).then_some(FaultKind::TooLong)
    };
    let kind = of_code.or_else(of_words).unwrap_or(fault.kind);
    let fault = Fault { kind, ..fault };
    match kind {
        FaultKind::Unsupported => match advice(error) {
            Some(hint) => fault.hint(hint),
            None => fault,
        },
        FaultKind::Quota => fault.hint("the account has no credit left: see its billing page"),
        FaultKind::ModelNotFound => fault.hint("name a model that the server has by `--model NAME`"),
        _ => fault,
    }
}

/// Which setting gets past a parameter that the model does not take.
fn advice(error: &ServerError) -> Option<&'static str> {
    match error.param.as_deref()? {
        "max_tokens" => Some("try `--setting token_limit_field=max_completion_tokens`"),
        "max_completion_tokens" => Some("try `--setting token_limit_field=max_tokens`"),
        "temperature" => Some("try `--setting omit=temperature`"),
        "response_format" => Some("try `--setting omit=response_format`; the schema is in the prompt too"),
        _ => None,
    }
}
