use crate::model::Cluster;
use jiff::Timestamp;

/// How many records a cluster has. Apart from the cluster: most changes are of this alone, and of a million clusters
/// hardly one is in the processor's cache, so that to copy one for a number would cost more than to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    /// The records.
    pub(super) count: u64,
    /// When one last came or went, in whole milliseconds; none where the cluster itself has changed since.
    pub(super) at: Option<Timestamp>,
}

impl Counted {
    /// The count that a cluster was read or made with.
    pub(super) fn of(cluster: &Cluster) -> Counted {
        Counted { count: cluster.count, at: None }
    }

    /// The cluster with this count.
    pub(super) fn put_into(self, cluster: Cluster) -> Cluster {
        let updated_at = self.at.map_or(cluster.updated_at, |at| at.to_string());
        Cluster { count: self.count, updated_at, ..cluster }
    }
}
