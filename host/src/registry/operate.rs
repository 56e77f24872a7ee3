//! An operator's hand: clusters made one, confirmed and retired.

use super::committer::Command;
use super::{ClusterDraft, Registry, RegistryError};
use crate::model::{ClusterId, ClusterStatus};

/// What a merge did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeReport {
    /// Records that went from the one cluster to the other.
    pub records: u64,
    /// The epoch after the merge.
    pub epoch: u64,
}

impl Registry {
    /// Makes the cluster `from` part of `into`: its records and their count go there, and its samples while there is
    /// room. It is retired; verdicts for it, and proposals of its name, go to `into` from then on.
    ///
    /// Dropped before it is done, it is either carried out whole or not at all.
    ///
    /// # Errors
    /// Where one of them is not there, they are one, one of them is part of another already, `into` is retired, or
    /// the store fails: then nothing has changed.
    pub async fn merge(&self, from: &str, into: &str) -> Result<MergeReport, RegistryError> {
        let snapshot = self.snapshot();
        let find = |id: &str| {
            let unknown = || RegistryError::UnknownCluster { cluster_id: id.to_owned() };
            snapshot.ordinals.get(id).ok_or_else(unknown)
        };
        // Clusters are never deleted, so the ordinals hold; whether the two fit is the committer's to say.
        let (from, into) = (find(from)?, find(into)?);
        self.committer()?.ask(|reply| Command::Merge { from, into, reply }).await
    }

    /// Sets how settled clusters are, all or none of them. A retired one is offered to no judge.
    ///
    /// # Errors
    /// Where one of them is not there, is part of another, or the store fails: then nothing has changed.
    pub async fn settle(&self, cluster_ids: &[ClusterId], status: ClusterStatus) -> Result<u64, RegistryError> {
        let draft = |cluster_id: &ClusterId| {
            let unknown = || RegistryError::UnknownCluster { cluster_id: cluster_id.clone() };
            let cluster = self.get_cluster(cluster_id).ok_or_else(unknown)?;
            if let Some(into) = &cluster.merged_into {
                let problem = "it is part of the other, and stays so";
                return Err(RegistryError::Merge { from: cluster_id.clone(), into: into.clone(), problem });
            }
            Ok(ClusterDraft { cluster_id: cluster_id.clone(), status: Some(status), ..ClusterDraft::default() })
        };
        let drafts = cluster_ids.iter().map(draft).collect::<Result<Vec<_>, _>>()?;
        Ok(self.upsert(drafts).await?.epoch)
    }
}
