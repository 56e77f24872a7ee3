//! What an error of OpenAI's API means beyond what all chat completions share.

use crate::refusal;
use judge_provider::error::ServerError;
use judge_provider::serde_json::Value;
use judge_provider::{Fault, FaultKind, HttpResponse, chat};

/// The fault of an error; `holder` is as in [`chat::Dialect::meaning`].
pub(crate) fn of(response: &HttpResponse, holder: &Value) -> Fault {
    let fault = chat::fault(response, holder);
    let error = ServerError::read(holder).unwrap_or_default();
    match fault.kind {
        FaultKind::InvalidRequest | FaultKind::Unsupported if response.status != 404 => refused(fault, &error, holder),
        // Flex processing without a free machine; nothing is charged (OpenAI's guide to flex processing).
        FaultKind::RateLimited if error.says("resource unavailable") => Fault { kind: FaultKind::Overloaded, ..fault }
            .hint("flex has no room now: wait, or use `--setting service_tier=default`"),
        _ => fault,
    }
}

fn refused(fault: Fault, error: &ServerError, holder: &Value) -> Fault {
    if let Some(field) = refusal::field(holder) {
        return Fault { kind: FaultKind::Unsupported, ..fault }.hint(refusal::advice(field));
    }
    // A prompt that OpenAI's reasoning models decline to read.
    if error.is("invalid_prompt") && error.says("flagged") {
        return Fault { kind: FaultKind::Refused, hint: None, ..fault };
    }
    match error.param.as_deref() {
        Some(param) if param.starts_with("response_format") => fault.hint(refusal::advice("response_format")),
        _ => fault,
    }
}
