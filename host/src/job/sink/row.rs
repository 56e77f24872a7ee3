use crate::model::{Confidence, Decision, FaultKind, Outcome, Proposal};
use serde::Serialize;

/// An output row: others script against these names and their order.
#[derive(Debug, Serialize)]
pub struct Row<'a> {
    /// The batch.
    pub batch_id: &'a str,
    /// Which slice of the batch, from 0.
    pub slice_id: u64,
    /// The record's id.
    pub request_id: &'a str,
    /// `assign`, `new_cluster`, `skip`; null where there is an error.
    pub decision: Option<Decision>,
    /// The cluster; null for a skip and an error.
    pub cluster_id: Option<&'a str>,
    /// `low`, `medium`, `high`.
    pub confidence: Option<Confidence>,
    /// Why.
    pub rationale: Option<&'a str>,
    /// What the judge proposed, for a new cluster.
    pub suggested_cluster: Option<&'a Proposal>,
    /// Why there is no decision.
    pub error: Option<RowError<'a>>,
    /// Provider id.
    pub provider: &'a str,
    /// Model as reported by the server, else as asked for.
    pub model: &'a str,
    /// SHA-256 of the component that judged, in hex.
    pub component_digest: &'a str,
    /// SHA-256 of the first request, in hex; of the job where nothing is sent.
    pub request_hash: &'a str,
    /// Epoch of the registry that the judge was shown.
    pub epoch: u64,
    /// Attempts made.
    pub attempts: u32,
    /// From the first attempt's start to the end, in milliseconds.
    pub latency_ms: u64,
    /// Prompt tokens; null where unknown.
    pub input_tokens: Option<u64>,
    /// Those from the server's cache; null where unknown.
    pub cached_input_tokens: Option<u64>,
    /// Generated tokens; null where unknown.
    pub output_tokens: Option<u64>,
    /// Cost in US dollars; null where unknown.
    pub cost_usd: Option<f64>,
    /// `true` for a new cluster that stands though others were born since its judge looked; else not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overtaken: Option<bool>,
}

/// Why a row has no decision.
#[derive(Debug, Serialize)]
pub struct RowError<'a> {
    /// The fault's kind, such as `rate-limited`.
    pub kind: FaultKind,
    /// The server's code, or the host's finer word.
    pub code: Option<&'a str>,
    /// One sentence.
    pub message: &'a str,
}

impl<'a> From<&'a Outcome> for Row<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        let judged = outcome.result.as_ref().ok();
        Row {
            batch_id: &outcome.batch_id,
            slice_id: outcome.slice_id,
            request_id: &outcome.request_id,
            decision: judged.map(|judged| judged.decision),
            cluster_id: judged.and_then(|judged| judged.cluster_id.as_deref()),
            confidence: judged.map(|judged| judged.confidence),
            rationale: judged.map(|judged| judged.rationale.as_str()),
            suggested_cluster: judged.and_then(|judged| judged.proposal.as_ref()),
            error: outcome.result.as_ref().err().map(|fault| RowError {
                kind: fault.kind,
                code: fault.code.as_deref(),
                message: &fault.message,
            }),
            provider: &outcome.provider,
            model: &outcome.model,
            component_digest: &outcome.component_digest,
            request_hash: &outcome.request_hash,
            epoch: outcome.epoch,
            attempts: outcome.attempts,
            latency_ms: u64::try_from(outcome.latency.as_millis()).unwrap_or(u64::MAX),
            input_tokens: outcome.usage.input_tokens,
            cached_input_tokens: outcome.usage.cached_input_tokens,
            output_tokens: outcome.usage.output_tokens,
            cost_usd: outcome.usage.cost_micro_usd.map(|micro| micro as f64 / 1e6),
            overtaken: outcome.overtaken.then_some(true),
        }
    }
}
