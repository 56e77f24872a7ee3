//! The registry as it was at one epoch: never changed, cheap to keep, made from the one before it in
//! O(changes · log n).

use super::counted::Counted;
use super::counts::Counts;
use super::index::{ClusterIndex, Clusters, is_offered};
use super::ordinals::Ordinals;
use crate::model::Cluster;
use imbl::OrdSet;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
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
    pub(super) counts: Counts,
    /// Those that are part of another.
    pub(super) merged: OrdSet<u64>,
    /// The ordinal of every id.
    pub(super) ordinals: Ordinals,
    /// Those that are not offered to the judge.
    pub(super) retired: OrdSet<u64>,
    /// What a prompt shows of those offered, by relevance; shared by all snapshots that show the same.
    pub(super) index: Arc<ClusterIndex>,
    /// Those offered as one slice, made when first asked for and shared by all snapshots that show the same.
    pub(super) offered_slice: Arc<OnceLock<Arc<[Arc<Cluster>]>>>,
}

impl Snapshot {
    /// The snapshot of a registry as it was stored, with every cluster's ordinal.
    pub(super) fn restore(epoch: u64, clusters: impl IntoIterator<Item = (u64, impl Into<Arc<Cluster>>)>) -> Self {
        let mut snapshot = Snapshot { epoch, ..Snapshot::default() };
        let clusters = clusters.into_iter();
        let mut ordinals = HashMap::with_capacity(clusters.size_hint().0);
        for (ordinal, cluster) in clusters {
            let cluster = cluster.into();
            ordinals.insert(cluster.cluster_id.clone(), ordinal);
            snapshot.put(ordinal, &cluster);
        }
        Snapshot { ordinals: Ordinals::read(ordinals), ..snapshot }
    }

    /// The snapshot after this one: these clusters are new or changed.
    pub(super) fn next(&self, epoch: u64, changed: impl IntoIterator<Item = (u64, Arc<Cluster>)>) -> Self {
        let mut next = Snapshot { epoch, ..self.clone() };
        let mut shows_the_same = true;
        for (ordinal, cluster) in changed {
            let before = next.put(ordinal, &cluster);
            if before.is_none() {
                next.ordinals.insert(cluster.cluster_id.clone(), ordinal);
            }
            shows_the_same &= before.is_some_and(|before| shown_alike(&before, &cluster));
        }
        if !shows_the_same {
            next.index = self.index.next(&self.by_birth, &next.by_birth);
            next.offered_slice = Arc::default();
        }
        next
    }

    /// Adds or replaces a cluster, but for the ordinal of its id; the one before.
    fn put(&mut self, ordinal: u64, cluster: &Arc<Cluster>) -> Option<Arc<Cluster>> {
        let before = self.by_birth.insert(ordinal, Arc::clone(cluster));
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
        before
    }

    /// This snapshot with these counts.
    pub(super) fn with_counts(self, counts: &BTreeMap<u64, Counted>) -> Self {
        Snapshot { counts: self.counts.with(counts), ..self }
    }

    /// The cluster with this id, retired or not.
    pub fn get(&self, cluster_id: &str) -> Option<Arc<Cluster>> {
        let ordinal = self.ordinals.get(cluster_id)?;
        Some(with_count(self.by_birth.get(&ordinal)?, self.counts.get(ordinal)))
    }

    /// The cluster with this id, its count perhaps an earlier one.
    pub(super) fn uncounted(&self, cluster_id: &str) -> Option<&Arc<Cluster>> {
        self.by_birth.get(&self.ordinals.get(cluster_id)?)
    }

    /// How many records a cluster has.
    pub(super) fn counted(&self, ordinal: u64) -> Option<Counted> {
        let earlier = || self.by_birth.get(&ordinal).map(|cluster| Counted::of(cluster));
        self.counts.get(ordinal).or_else(earlier)
    }

    /// How many clusters there are, retired ones included.
    pub fn len(&self) -> usize {
        self.by_birth.len()
    }

    /// The ordinal of the next that is born: one that no cluster has, also where a file written by hand has gaps.
    pub(super) fn next_ordinal(&self) -> u64 {
        self.by_birth.get_max().map_or(0, |(ordinal, _)| ordinal + 1)
    }

    /// The epoch before a batch gave birth to its first cluster; the latest where it has none.
    pub(crate) fn before_births_of(&self, batch_id: &str) -> u64 {
        let own = self.by_birth.values().filter(|cluster| cluster.batch_id == batch_id);
        own.map(|cluster| cluster.birth_epoch.saturating_sub(1)).min().unwrap_or(self.epoch)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_birth.is_empty()
    }

    /// All clusters in the order of their birth, retired ones included.
    pub fn iter(&self) -> impl Iterator<Item = Arc<Cluster>> {
        self.all().map(|(cluster, counted)| with_count(cluster, counted))
    }

    /// The clusters with the most records first, equals in the order of birth; so many at the most.
    pub(super) fn largest(&self, limit: usize) -> Vec<Arc<Cluster>> {
        let mut clusters: Vec<_> = self.all().collect();
        clusters.sort_by_key(|(cluster, counted)| Reverse(counted.map_or(cluster.count, |counted| counted.count)));
        clusters.truncate(limit);
        clusters.into_iter().map(|(cluster, counted)| with_count(cluster, counted)).collect()
    }

    /// All clusters in the order of their birth, with their counts where these changed since the file was opened.
    fn all(&self) -> impl Iterator<Item = (&Arc<Cluster>, Option<Counted>)> {
        let mut counts = self.counts.all().into_iter().peekable();
        self.by_birth.iter().map(move |(ordinal, cluster)| {
            let counted = counts.next_if(|(counted, _)| counted == ordinal);
            (cluster, counted.map(|(_, counted)| counted))
        })
    }
}

fn with_count(cluster: &Arc<Cluster>, counted: Option<Counted>) -> Arc<Cluster> {
    match counted {
        Some(counted) => Arc::new(counted.put_into((**cluster).clone())),
        None => Arc::clone(cluster),
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
