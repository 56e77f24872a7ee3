//! The index of words over the clusters that are offered, by which they are chosen where they do not all fit. It costs
//! more than all else of a snapshot, and many a run needs none: so it is made when it is first asked for, or ahead of that
//! by a thread of its own, and from then on kept up by the committer.

use super::Snapshot;
use super::snapshot::shown_alike;
use crate::model::{Cluster, ClusterStatus};
use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use relevance::Index;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};

/// A registry with more clusters than this has its index built ahead: up to so many may be shown whole, as the
/// configuration lets `candidates_max` be, and the index of so few takes milliseconds.
pub const UNCHOSEN_MAX: usize = 1000;

/// A name says more of a cluster than any other text of its length.
const NAME_WEIGHT: f32 = 3.0;
/// The summary and the criteria describe it in the operator's or the judge's own words.
const DESCRIPTION_WEIGHT: f32 = 1.0;
/// Samples are the records' own words; a single one may be off the point.
const SAMPLE_WEIGHT: f32 = 1.0;

/// All clusters by the order of their birth.
pub(super) type Clusters = OrdMap<u64, Arc<Cluster>>;

/// The index of all snapshots that show the same, once it is built.
#[derive(Default)]
pub(super) struct ClusterIndex {
    built: OnceLock<Index<u64>>,
    /// Held while it is being built, so that whoever asks meanwhile waits for that instead of building another. In it, what
    /// it will be built from, if not from nothing.
    unbuilt: Mutex<Option<Earlier>>,
}

/// An index that was being built when the clusters went on, and the clusters that it is of.
struct Earlier {
    index: Arc<ClusterIndex>,
    clusters: Clusters,
}

impl ClusterIndex {
    /// The index, which is of these clusters. Where it is not built, builds it or waits until it is.
    pub(super) fn get(&self, clusters: &Clusters) -> &Index<u64> {
        if self.built.get().is_none() {
            self.build(clusters, || true);
        }
        self.built.get().expect("it was built, as nothing stopped that")
    }

    /// Builds it where that is not done, as long as `goes_on`; stopped, it is as if this had not been called.
    fn build(&self, clusters: &Clusters, goes_on: impl Fn() -> bool) {
        // Who panicked while building has left nothing half done.
        let mut unbuilt = self.unbuilt.lock().unwrap_or_else(PoisonError::into_inner);
        if self.built.get().is_some() {
            return;
        }
        let index = if let Some(earlier) = unbuilt.take() {
            changed(earlier.index.get(&earlier.clusters), &earlier.clusters, clusters)
        } else {
            let mut index = Index::default();
            let offered = clusters.iter().filter(|(_, cluster)| is_offered(cluster));
            index.extend(offered.take_while(|_| goes_on()).map(|(ordinal, cluster)| (*ordinal, texts(cluster))));
            index
        };
        if goes_on() {
            // Nobody else sets it without the lock.
            let _ = self.built.set(index);
        }
    }

    /// The index of later clusters. Built where this one is; else to be built when it is asked for, from this one if that is
    /// on its way.
    pub(super) fn next(self: &Arc<Self>, clusters: &Clusters, later: &Clusters) -> Arc<ClusterIndex> {
        if let Some(index) = self.built.get() {
            return ClusterIndex { built: changed(index, clusters, later).into(), ..ClusterIndex::default() }.into();
        }
        match self.unbuilt.try_lock() {
            Ok(unbuilt) => match &*unbuilt {
                Some(earlier) => earlier.index.next(&earlier.clusters, later),
                None => Arc::default(),
            },
            Err(TryLockError::WouldBlock) => {
                let earlier = Earlier { index: Arc::clone(self), clusters: clusters.clone() };
                ClusterIndex { built: OnceLock::new(), unbuilt: Mutex::new(Some(earlier)) }.into()
            }
            Err(TryLockError::Poisoned(_)) => Arc::default(),
        }
    }
}

/// An index of clusters brought up to later ones, in time in proportion to what they do not share.
fn changed(index: &Index<u64>, clusters: &Clusters, later: &Clusters) -> Index<u64> {
    let (mut index, mut shown) = (index.clone(), Vec::new());
    for difference in clusters.diff(later) {
        match difference {
            DiffItem::Update { old, new } if shown_alike(old.1, new.1) => {}
            DiffItem::Add(ordinal, cluster) | DiffItem::Update { new: (ordinal, cluster), .. } => {
                if is_offered(cluster) {
                    shown.push((*ordinal, texts(cluster)));
                } else {
                    index.remove(ordinal);
                }
            }
            DiffItem::Remove(ordinal, _) => index.remove(ordinal),
        }
    }
    index.extend(shown);
    index
}

pub(super) fn is_offered(cluster: &Cluster) -> bool {
    cluster.status != ClusterStatus::Retired
}

/// What a prompt shows of a cluster, with what it weighs.
fn texts(cluster: &Cluster) -> impl Iterator<Item = (&str, f32)> {
    let described = [
        (cluster.name.as_str(), NAME_WEIGHT),
        (cluster.summary.as_str(), DESCRIPTION_WEIGHT),
        (cluster.criteria.as_str(), DESCRIPTION_WEIGHT),
    ];
    described.into_iter().chain(cluster.sample_requests.iter().map(|sample| (sample.as_str(), SAMPLE_WEIGHT)))
}

/// Builds a snapshot's index in a thread, so that the first records of a run find it, or a part of the work done. Dropped,
/// it stops, and waits for the thread.
pub(super) struct BuildAhead {
    goes_on: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl BuildAhead {
    /// Starts where there are more than [`UNCHOSEN_MAX`] clusters.
    pub(super) fn start(snapshot: Arc<Snapshot>) -> Option<BuildAhead> {
        if snapshot.len() <= UNCHOSEN_MAX {
            return None;
        }
        let goes_on = Arc::new(AtomicBool::new(true));
        let seen = Arc::clone(&goes_on);
        // Relaxed: a document more or less is no matter.
        let build = move || snapshot.index.build(&snapshot.by_birth, || seen.load(Ordering::Relaxed));
        // Without a thread, whoever asks first builds it.
        let thread = thread::Builder::new().name("index".into()).spawn(build).ok()?;
        Some(BuildAhead { goes_on, thread: Some(thread) })
    }
}

impl Drop for BuildAhead {
    fn drop(&mut self) {
        self.goes_on.store(false, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic over there has left the index unbuilt, and nothing else.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    #![expect(clippy::used_underscore_binding, reason = "what only has to be dropped is looked at")]
    use super::*;
    use crate::model::Record;
    use crate::registry::{ClusterDraft, Registry};
    use std::cell::Cell;

    fn cluster(number: u64, name: &str) -> Arc<Cluster> {
        Arc::new(Cluster { cluster_id: format!("c{number}"), name: name.into(), ..Cluster::default() })
    }

    fn snapshot(clusters: u64) -> Snapshot {
        let clusters = (0..clusters).map(|number| (number, (*cluster(number, &format!("word{number}"))).clone()));
        Snapshot::restore(1, clusters)
    }

    /// The one cluster that is chosen for a text.
    fn chosen(snapshot: &Snapshot, text: &str) -> String {
        snapshot.candidates(&Record::new("r", text), 1, u64::MAX).unwrap()[0].name.clone()
    }

    fn is_built(snapshot: &Snapshot) -> bool {
        snapshot.index.built.get().is_some()
    }

    #[test]
    fn the_index_is_built_when_it_is_first_needed_and_kept_up_from_then_on() {
        let first = snapshot(10);
        let second = first.next(2, [(3, cluster(3, "pin"))]);
        second.candidates(&Record::new("r", "pin"), 10, u64::MAX).unwrap();
        assert!(!is_built(&first) && !is_built(&second), "all are shown");
        assert_eq!(chosen(&second, "pin"), "pin");
        assert!(!is_built(&first) && is_built(&second));
        let third = second.next(3, [(10, cluster(10, "card"))]);
        assert!(is_built(&third));
        assert_eq!((chosen(&third, "card"), chosen(&second, "card")), ("card".into(), "word0".into()));
    }

    #[test]
    fn snapshots_that_show_the_same_share_one_index() {
        let first = snapshot(10);
        let counted = Arc::new(Cluster { count: 7, ..(*cluster(3, "word3")).clone() });
        let second = first.next(2, [(3, counted)]);
        assert_eq!(chosen(&second, "word7"), "word7");
        assert!(is_built(&first) && Arc::ptr_eq(&first.index, &second.index));
    }

    #[test]
    fn while_an_index_is_being_built_later_ones_are_to_be_built_from_it() {
        let first = snapshot(10);
        let building = first.index.unbuilt.lock().unwrap();
        let second = first.next(2, [(3, cluster(3, "pin"))]);
        let third = second.next(3, [(4, cluster(4, "card"))]);
        for later in [&second, &third] {
            let unbuilt = later.index.unbuilt.lock().unwrap();
            assert!(Arc::ptr_eq(&unbuilt.as_ref().unwrap().index, &first.index), "and not one from the other");
        }
        drop(building);
        assert_eq!((chosen(&third, "card"), chosen(&third, "word3")), ("card".into(), "word0".into()));
        assert!(is_built(&first) && !is_built(&second));
        assert!(third.index.unbuilt.lock().unwrap().is_none(), "the earlier one is let go");
        let fourth = second.next(4, [(5, cluster(5, "fee"))]);
        assert!(is_built(&fourth), "what it would be built from is there by now");
        assert_eq!((chosen(&fourth, "fee"), chosen(&fourth, "pin")), ("fee".into(), "pin".into()));
    }

    #[test]
    fn a_build_that_was_stopped_leaves_nothing_behind() {
        let snapshot = snapshot(10);
        for clusters in [0u32, 1, 5, 10] {
            let left = Cell::new(clusters);
            let goes_on = || left.replace(left.get().saturating_sub(1)) > 0;
            snapshot.index.build(&snapshot.by_birth, goes_on);
            assert!(!is_built(&snapshot), "{clusters}");
        }
        assert_eq!(chosen(&snapshot, "word9"), "word9");
    }

    #[test]
    fn an_index_that_is_kept_up_is_the_one_that_is_built_anew() {
        let mut state = 7u64;
        let mut below = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        let mut snapshot = snapshot(30);
        snapshot.index.get(&snapshot.by_birth);
        for epoch in 2..100 {
            let changes: Vec<_> = (0..=below(5)).map(|_| (below(60), below(12), below(4) == 0)).collect();
            let changes = changes.into_iter().map(|(number, word, is_retired)| {
                let status = if is_retired { ClusterStatus::Retired } else { ClusterStatus::Tentative };
                (number, Arc::new(Cluster { status, ..(*cluster(number, &format!("word{word} card"))).clone() }))
            });
            snapshot = snapshot.next(epoch, changes);
            let anew = ClusterIndex::default();
            for query in ["word3", "card", "word1 word2 word29"] {
                let kept = snapshot.index.built.get().unwrap().rank(query, 10);
                assert_eq!(kept, anew.get(&snapshot.by_birth).rank(query, 10), "epoch {epoch}: {query}");
            }
        }
    }

    #[tokio::test]
    async fn the_index_of_a_large_registry_is_built_ahead_and_that_of_a_small_one_or_of_a_reader_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("judge.db");
        let names =
            |range: std::ops::Range<usize>| range.map(|n| ClusterDraft::new(format!("c{n}"), format!("word{n}")));
        let registry = Registry::open(&path).unwrap();
        registry.upsert(names(0..UNCHOSEN_MAX).collect()).await.unwrap();
        drop(registry);
        let registry = Registry::open(&path).unwrap();
        assert!(registry._index.is_none());
        registry.upsert(names(UNCHOSEN_MAX..UNCHOSEN_MAX + 1).collect()).await.unwrap();
        drop(registry);
        assert!(Registry::open_read_only(&path).unwrap()._index.is_none());
        let mut registry = Registry::open(&path).unwrap();
        let snapshot = registry.snapshot();
        registry._index.as_mut().unwrap().thread.take().unwrap().join().unwrap();
        assert!(is_built(&snapshot));
        assert_eq!(chosen(&snapshot, "word77"), "word77");
        drop(registry);
        // Whether it was stopped or not: nobody gets less than the whole.
        let registry = Registry::open(&path).unwrap();
        let snapshot = registry.snapshot();
        drop(registry);
        assert_eq!(chosen(&snapshot, "word1000"), "word1000");
    }
}
