use serde::{Deserialize, Serialize};

/// A cluster's id: a slug where the host made it, the operator's own text where it was imported.
pub type ClusterId = String;

/// How settled a cluster is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterStatus {
    /// Proposed by a judge, not yet looked at by a person.
    Tentative,
    /// Given or confirmed by the operator.
    #[default]
    Confirmed,
    /// No longer offered to the judge.
    Retired,
}

/// One cluster of the registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Its id.
    pub cluster_id: ClusterId,
    /// Name for people.
    pub name: String,
    /// What the texts in it have in common; may be empty.
    pub summary: String,
    /// What must hold for a text to belong here; may be empty.
    pub criteria: String,
    /// Texts that belong here, shown to the judge; may be empty.
    pub sample_requests: Vec<String>,
    /// When it was made: RFC 3339, UTC.
    pub created_at: String,
    /// When it was last changed, assignments included: RFC 3339, UTC.
    pub updated_at: String,
    /// Records assigned to it.
    pub count: u64,
    /// How settled it is.
    pub status: ClusterStatus,
    /// The batch that it was born in; empty for one that was imported.
    pub batch_id: String,
    /// The rationale of the verdict that it was born from; empty for one that was imported.
    pub llm_reasoning: String,
    /// 1 at birth, one more at every change of what a prompt shows.
    pub revision: u64,
    /// The epoch in which it was born: the order in which clusters are shown.
    pub birth_epoch: u64,
    /// The cluster that it was merged into; it is retired then, and verdicts for it go there.
    pub merged_into: Option<ClusterId>,
}
