//! The registry as it was at one epoch: never changed, cheap to keep, made from the one before it in
//! O(changes · log n).

use super::counted::Counted;
use super::index::{ClusterIndex, Clusters, is_offered};
use crate::model::{Cluster, ClusterId};
use imbl::{HashMap, OrdMap, OrdSet};
use std::cmp::Reverse;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// The registry at one epoch. Cloning shares everything.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// Its number: 0 for an empty registry, one more with every transaction that changed the registry, clusters
    /// and outcomes alike. It goes on growing when the file is opened again.
    pub epoch: u64,
    /// Every cluster by its ordinal, the number of its birth. Its count may be an earlier one.
    pub(super) by_birth: Clusters,
    /// The counts of those that changed, or were counted, since the file was opened.
    pub(super) counts: OrdMap<u64, Counted>,
    /// Those that are part of another.
    pub(super) merged: OrdSet<u64>,
    /// The ordinal of every id.
    pub(super) ordinals: HashMap<ClusterId, u64>,
    /// Those that are not offered to the judge.
    pub(super) retired: OrdSet<u64>,
    /// What a prompt shows of those offered, by relevance; shared by all snapshots that show the same.
    pub(super) index: Arc<ClusterIndex>,
    /// Those offered as one slice, made when first asked for and shared by all snapshots that show the same.
    pub(super) offered_slice: Arc<OnceLock<Arc<[Arc<Cluster>]>>>,
}

impl Snapshot {
    /// The snapshot of a registry as it was stored, with every cluster's ordinal.
    pub(super) fn restore(epoch: u64, clusters: impl IntoIterator<Item = (u64, Cluster)>) -> Self {
        let mut snapshot = Snapshot { epoch, ..Snapshot::default() };
        for (ordinal, cluster) in clusters {
            snapshot.put(ordinal, &Arc::new(cluster));
        }
        snapshot
    }

    /// The snapshot after this one: these clusters are new or changed.
    pub(super) fn next(&self, epoch: u64, changed: impl IntoIterator<Item = (u64, Arc<Cluster>)>) -> Self {
        let mut next = Snapshot { epoch, ..self.clone() };
        let mut shows_the_same = true;
        for (ordinal, cluster) in changed {
            shows_the_same &= next.put(ordinal, &cluster);
        }
        if !shows_the_same {
            next.index = self.index.next(&self.by_birth, &next.by_birth);
            next.offered_slice = Arc::default();
        }
        next
    }

    /// Adds or replaces a cluster; whether a prompt is the same after that.
    fn put(&mut self, ordinal: u64, cluster: &Arc<Cluster>) -> bool {
        let before = self.by_birth.insert(ordinal, Arc::clone(cluster));
        if before.is_none() {
            self.ordinals.insert(cluster.cluster_id.clone(), ordinal);
        }
        if cluster.merged_into.is_some() {
            self.merged.insert(ordinal);
        }
        let is_offered_now = is_offered(cluster);
        if before.as_deref().is_none_or(is_offered) != is_offered_now {
            if is_offered_now {
                self.retired.remove(&ordinal);
            } else {
                self.retired.insert(ordinal);
            }
        }
        before.is_some_and(|before| shown_alike(&before, cluster))
    }

    /// This snapshot with these counts.
    pub(super) fn with_counts(mut self, counts: impl IntoIterator<Item = (u64, Counted)>) -> Self {
        for (ordinal, counted) in counts {
            self.counts.insert(ordinal, counted);
        }
        self
    }

    /// The cluster with this id, retired or not.
    pub fn get(&self, cluster_id: &str) -> Option<Arc<Cluster>> {
        let ordinal = self.ordinals.get(cluster_id)?;
        Some(self.with_its_count(*ordinal, self.by_birth.get(ordinal)?))
    }

    /// The cluster with this id, its count perhaps an earlier one.
    pub(super) fn uncounted(&self, cluster_id: &str) -> Option<&Arc<Cluster>> {
        self.by_birth.get(self.ordinals.get(cluster_id)?)
    }

    /// How many records a cluster has.
    pub(super) fn counted(&self, ordinal: u64) -> Option<Counted> {
        let earlier = || self.by_birth.get(&ordinal).map(|cluster| Counted::of(cluster));
        self.counts.get(&ordinal).copied().or_else(earlier)
    }

    /// How many clusters there are, retired ones included.
    pub fn len(&self) -> usize {
        self.by_birth.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_birth.is_empty()
    }

    /// All clusters in the order of their birth, retired ones included.
    pub fn iter(&self) -> impl Iterator<Item = Arc<Cluster>> {
        self.by_birth.iter().map(|(ordinal, cluster)| self.with_its_count(*ordinal, cluster))
    }

    /// The clusters with the most records first, equals in the order of birth; so many at the most.
    pub(super) fn largest(&self, limit: usize) -> Vec<Arc<Cluster>> {
        let mut clusters: Vec<_> = self
            .by_birth
            .iter()
            .map(|(ordinal, cluster)| {
                let counted = self.counts.get(ordinal).map_or(cluster.count, |counted| counted.count);
                (counted, *ordinal, cluster)
            })
            .collect();
        clusters.sort_by_key(|(count, ..)| Reverse(*count));
        clusters.truncate(limit);
        clusters.into_iter().map(|(_, ordinal, cluster)| self.with_its_count(ordinal, cluster)).collect()
    }

    fn with_its_count(&self, ordinal: u64, cluster: &Arc<Cluster>) -> Arc<Cluster> {
        match self.counts.get(&ordinal) {
            Some(counted) => Arc::new(counted.put_into((**cluster).clone())),
            None => Arc::clone(cluster),
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("epoch", &self.epoch).field("clusters", &self.len()).finish_non_exhaustive()
    }
}

/// Whether a prompt is the same with either: the same texts, both offered or both retired.
pub(super) fn shown_alike(one: &Cluster, other: &Cluster) -> bool {
    one.name == other.name
        && one.summary == other.summary
        && one.criteria == other.criteria
        && one.sample_requests == other.sample_requests
        && is_offered(one) == is_offered(other)
}
