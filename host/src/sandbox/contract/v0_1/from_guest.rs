use super::super::rate;
use super::bindings::contract as guest;
use crate::model::{
    Answer, AuthSlot, Body, Choice, Confidence, Descriptor, Fault, FaultKind, HttpRequest, Outgoing, Preparation,
    Proposal, SettingSpec, Step, Usage, Verdict,
};
use std::time::Duration;

/// A fault's message or hint is a sentence: longer ones are cut here, in bytes.
const SENTENCE_BYTES_MAX: usize = 2048;
/// A fault's code is a word, in bytes.
const CODE_BYTES_MAX: usize = 128;

/// Who the provider is.
pub(super) fn descriptor(descriptor: guest::Descriptor) -> Descriptor {
    let setting = |spec: guest::SettingSpec| SettingSpec {
        name: spec.name,
        summary: spec.summary,
        default_value: spec.default_value,
    };
    Descriptor {
        id: descriptor.id,
        version: descriptor.version,
        summary: descriptor.summary,
        default_endpoint: descriptor.default_endpoint,
        default_model: descriptor.default_model,
        auth: descriptor.auth.map(|auth| AuthSlot { header: auth.header, prefix: auth.prefix }),
        settings: descriptor.settings.into_iter().map(setting).collect(),
        extras: descriptor.extras,
    }
}

/// What happens next in the preparation.
pub(super) fn preparation(preparation: guest::Preparation) -> Preparation {
    match preparation {
        guest::Preparation::Send(next) => Preparation::Send(outgoing(next)),
        guest::Preparation::Ready(profile) => Preparation::Ready(profile),
    }
}

/// A body or a brief.
pub(super) fn body(body: guest::Body) -> Body {
    match body {
        guest::Body::Text(text) => Body::Text(text),
        guest::Body::Binary(bytes) => Body::Binary(bytes),
    }
}

/// What happens next in a job.
pub(super) fn step(step: guest::Step) -> Step {
    match step {
        guest::Step::Send(next) => Step::Send(outgoing(next)),
        guest::Step::Done(end) => Step::Done(answer(end)),
    }
}

/// No verdict, and why. Its texts are made fit for a terminal and a log: bounded, and one line each.
pub(super) fn fault(fault: guest::Fault) -> Fault {
    Fault {
        kind: fault_kind(fault.kind),
        code: fault.code.map(|code| line(&code, CODE_BYTES_MAX)),
        message: line(&fault.message, SENTENCE_BYTES_MAX),
        retry_after: fault.retry_after_ms.map(Duration::from_millis),
        hint: fault.hint.map(|hint| line(&hint, SENTENCE_BYTES_MAX)),
        usage: usage(&fault.usage),
        request_sent: false,
        rate: rate::report(&fault.extras),
    }
}

fn outgoing(outgoing: guest::Outgoing) -> Outgoing {
    let request = outgoing.request;
    let request = HttpRequest {
        method: request.method,
        path_and_query: request.path_and_query,
        headers: request.headers,
        body: request.body.map(body),
    };
    Outgoing { request, state: outgoing.state }
}

fn answer(answer: guest::Answer) -> Answer {
    Answer {
        verdicts: answer.verdicts.into_iter().map(verdict).collect(),
        model: answer.model,
        finish_reason: answer.finish_reason,
        usage: usage(&answer.usage),
        rate: rate::report(&answer.extras),
        extras: answer.extras,
    }
}

fn verdict(verdict: guest::Verdict) -> Verdict {
    let choice = match verdict.decision {
        guest::Decision::Assign(cluster_id) => Choice::Assign(cluster_id),
        guest::Decision::NewCluster(proposal) => {
            Choice::NewCluster(Proposal { name: proposal.name, summary: proposal.summary, criteria: proposal.criteria })
        }
        guest::Decision::Skip => Choice::Skip,
    };
    let confidence = match verdict.confidence {
        guest::Confidence::Low => Confidence::Low,
        guest::Confidence::Medium => Confidence::Medium,
        guest::Confidence::High => Confidence::High,
    };
    Verdict { record_id: verdict.record_id, choice, confidence, rationale: verdict.rationale }
}

fn usage(usage: &guest::Usage) -> Usage {
    Usage {
        input_tokens: usage.input_tokens,
        cached_input_tokens: usage.cached_input_tokens,
        output_tokens: usage.output_tokens,
        cost_micro_usd: usage.cost_micro_usd,
    }
}

fn fault_kind(kind: guest::FaultKind) -> FaultKind {
    match kind {
        guest::FaultKind::RateLimited => FaultKind::RateLimited,
        guest::FaultKind::Overloaded => FaultKind::Overloaded,
        guest::FaultKind::Unavailable => FaultKind::Unavailable,
        guest::FaultKind::TimedOut => FaultKind::TimedOut,
        guest::FaultKind::Credentials => FaultKind::Credentials,
        guest::FaultKind::Quota => FaultKind::Quota,
        guest::FaultKind::ModelNotFound => FaultKind::ModelNotFound,
        guest::FaultKind::InvalidRequest => FaultKind::InvalidRequest,
        guest::FaultKind::TooLong => FaultKind::TooLong,
        guest::FaultKind::Refused => FaultKind::Refused,
        guest::FaultKind::Truncated => FaultKind::Truncated,
        guest::FaultKind::Malformed => FaultKind::Malformed,
        guest::FaultKind::Unsupported => FaultKind::Unsupported,
        guest::FaultKind::Other => FaultKind::Other,
    }
}

/// The start of a text as one line, without anything that moves a terminal's cursor.
fn line(text: &str, bytes_max: usize) -> String {
    let end = text.floor_char_boundary(bytes_max);
    text[..end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faults_texts_are_bounded_and_one_line() {
        let fault = fault(guest::Fault {
            kind: guest::FaultKind::Quota,
            code: Some("ä".repeat(1000)),
            message: "no\nmore\u{1b}[2J".to_owned(),
            retry_after_ms: Some(1500),
            hint: Some("x".repeat(1 << 20)),
            usage: guest::Usage {
                input_tokens: Some(3),
                cached_input_tokens: None,
                output_tokens: None,
                cost_micro_usd: None,
            },
            extras: vec![("rate-requests-remaining".to_owned(), "0".to_owned())],
        });
        assert_eq!(fault.kind, FaultKind::Quota);
        assert_eq!(fault.message, "no more [2J");
        assert_eq!(fault.code.map(|code| code.len()), Some(CODE_BYTES_MAX));
        assert_eq!(fault.hint.map(|hint| hint.len()), Some(SENTENCE_BYTES_MAX));
        assert_eq!(fault.retry_after, Some(Duration::from_millis(1500)));
        assert_eq!(fault.usage.input_tokens, Some(3));
        assert_eq!(fault.rate.and_then(|rate| rate.requests.remaining), Some(0));
    }
}
