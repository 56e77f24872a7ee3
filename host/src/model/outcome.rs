use super::{ClusterId, Confidence, Fault, Proposal, Usage};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The word of a decision, as rows and summaries spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It belongs to a known cluster.
    Assign,
    /// It was given a new cluster.
    NewCluster,
    /// It cannot be told.
    Skip,
}

/// What was decided on a record, as it is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The decision.
    pub decision: Decision,
    /// The cluster: as chosen for an assignment, as the registry named it for a new one (none before the
    /// commit), none for a skip.
    pub cluster_id: Option<ClusterId>,
    /// How sure the judge is.
    pub confidence: Confidence,
    /// Why; may be empty.
    pub rationale: String,
    /// What the judge proposed, for a new cluster.
    pub proposal: Option<Proposal>,
}

/// A record's verdict or fault, and what it took. Exactly one for every record read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The batch; with `request_id` the key that a second run skips.
    pub batch_id: String,
    /// Which slice of the batch, from 0.
    pub slice_id: u64,
    /// The record's id.
    pub request_id: String,
    /// What was decided, or why nothing was.
    pub result: Result<Judged, Fault>,
    /// Provider id of the run.
    pub provider: String,
    /// Model as the server reported it, else as it was asked for.
    pub model: String,
    /// SHA-256 of the component that judged, in hex.
    pub component_digest: String,
    /// SHA-256 of the first request (or of the job, for a judge that sends none), in hex.
    pub request_hash: String,
    /// Epoch of the registry that the judge was shown.
    pub epoch: u64,
    /// Attempts made; 0 where the record never reached a provider.
    pub attempts: u32,
    /// From the first attempt's start to the verdict or fault, waits included.
    pub latency: Duration,
    /// What all attempts together cost.
    pub usage: Usage,
    /// Whether it is a new cluster that was overtaken and stands nevertheless: others were born since its judge looked,
    /// and judging it again came to no verdict, or no end.
    pub overtaken: bool,
}
