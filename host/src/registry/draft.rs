use super::exchange::field;
use crate::model::{Cluster, ClusterId, ClusterStatus};
use serde::Deserialize;

/// A cluster to insert, or what to change of one that is there. What is left out stays as it is; in a new cluster
/// it is empty, its name the id, and its status confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ClusterDraft {
    /// The id; never empty.
    #[serde(alias = "id", deserialize_with = "field::id")]
    pub cluster_id: ClusterId,
    /// Name for people; one that is empty counts as left out.
    pub name: Option<String>,
    /// What the texts in it have in common.
    pub summary: Option<String>,
    /// What must hold for a text to belong here.
    pub criteria: Option<String>,
    /// Texts that belong here.
    #[serde(alias = "samples")]
    pub sample_requests: Option<Vec<String>>,
    /// How settled it is.
    #[serde(deserialize_with = "field::status")]
    pub status: Option<ClusterStatus>,
    /// When it was made, RFC 3339 in UTC; for a new cluster only.
    #[serde(deserialize_with = "field::timestamp")]
    pub created_at: Option<String>,
    /// When it was last changed, RFC 3339 in UTC; for a new cluster only.
    #[serde(deserialize_with = "field::timestamp")]
    pub updated_at: Option<String>,
    /// Records assigned to it; for a new cluster only.
    pub count: Option<u64>,
    /// The batch that it was born in; for a new cluster only.
    pub batch_id: Option<String>,
    /// The rationale that it was born from; for a new cluster only.
    pub llm_reasoning: Option<String>,
    /// Its revision; for a new cluster only.
    pub revision: Option<u64>,
    /// The cluster that it was merged into; for a new cluster only.
    pub merged_into: Option<ClusterId>,
}

/// What an upsert did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpsertReport {
    /// Clusters that were not there.
    pub inserted: usize,
    /// Clusters of which something changed.
    pub changed: usize,
    /// Clusters that were there just so.
    pub unchanged: usize,
    /// The epoch after the upsert.
    pub epoch: u64,
}

impl ClusterDraft {
    /// A draft of an id and a name.
    pub fn new(cluster_id: impl Into<ClusterId>, name: impl Into<String>) -> Self {
        ClusterDraft { cluster_id: cluster_id.into(), name: Some(name.into()), ..ClusterDraft::default() }
    }

    /// The new cluster that it describes.
    pub(super) fn into_cluster(self, epoch: u64, now: &str) -> Cluster {
        let created_at = self.created_at.unwrap_or_else(|| now.to_owned());
        let merged_into = self.merged_into.filter(|id| !id.is_empty());
        Cluster {
            name: self.name.filter(|name| !name.is_empty()).unwrap_or_else(|| self.cluster_id.clone()),
            cluster_id: self.cluster_id,
            summary: self.summary.unwrap_or_default(),
            criteria: self.criteria.unwrap_or_default(),
            sample_requests: self.sample_requests.unwrap_or_default(),
            updated_at: self.updated_at.unwrap_or_else(|| created_at.clone()),
            created_at,
            count: self.count.unwrap_or(0),
            // What is part of another is offered to nobody, whatever was written beside it.
            status: match &merged_into {
                Some(_) => ClusterStatus::Retired,
                None => self.status.unwrap_or_default(),
            },
            batch_id: self.batch_id.unwrap_or_default(),
            llm_reasoning: self.llm_reasoning.unwrap_or_default(),
            revision: self.revision.unwrap_or(1).max(1),
            birth_epoch: epoch,
            merged_into,
        }
    }

    /// The cluster as it is after the change; equal to `cluster` where nothing differs.
    pub(super) fn over(self, cluster: &Cluster) -> Cluster {
        let kept = cluster.clone();
        Cluster {
            name: self.name.filter(|name| !name.is_empty()).unwrap_or(kept.name),
            summary: self.summary.unwrap_or(kept.summary),
            criteria: self.criteria.unwrap_or(kept.criteria),
            sample_requests: self.sample_requests.unwrap_or(kept.sample_requests),
            status: self.status.filter(|_| kept.merged_into.is_none()).unwrap_or(kept.status),
            ..kept
        }
    }
}

impl From<&Cluster> for ClusterDraft {
    fn from(cluster: &Cluster) -> Self {
        let cluster = cluster.clone();
        ClusterDraft {
            cluster_id: cluster.cluster_id,
            name: Some(cluster.name),
            summary: Some(cluster.summary),
            criteria: Some(cluster.criteria),
            sample_requests: Some(cluster.sample_requests),
            status: Some(cluster.status),
            created_at: Some(cluster.created_at),
            updated_at: Some(cluster.updated_at),
            count: Some(cluster.count),
            batch_id: Some(cluster.batch_id),
            llm_reasoning: Some(cluster.llm_reasoning),
            revision: Some(cluster.revision),
            merged_into: cluster.merged_into,
        }
    }
}
