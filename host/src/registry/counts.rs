use super::Snapshot;
use super::counted::Counted;
use std::collections::BTreeMap;
use std::iter;
use std::sync::Arc;

/// A run is merged with the one before it unless that is so many times as long. More makes fewer runs, in which counts are
/// found faster; less copies counts less often.
const GROWTH: usize = 4;

/// The counts of clusters by their ordinals, at one epoch: immutable runs that are merged as they grow. A clone is a few
/// pointers, and the counts of the next epoch are made in time in proportion to those that changed, and to the logarithm of
/// all. A tree that shares what is unchanged would copy a path for nearly each count of a group where there are many.
#[derive(Clone, Default)]
pub(super) struct Counts {
    /// Each in the order of the ordinals. Of a cluster the last run that has it holds.
    runs: Vec<Arc<Vec<(u64, Counted)>>>,
}

impl Counts {
    /// The count of this cluster, if it has one here.
    pub(super) fn get(&self, ordinal: u64) -> Option<Counted> {
        self.runs.iter().rev().find_map(|run| {
            let at = run.binary_search_by_key(&ordinal, |(ordinal, _)| *ordinal).ok()?;
            Some(run[at].1)
        })
    }

    /// All of them, in the order of the ordinals.
    pub(super) fn all(&self) -> Vec<(u64, Counted)> {
        self.runs.iter().rev().fold(Vec::new(), |newer, run| merged(run, newer))
    }

    /// These after some changed.
    pub(super) fn with(&self, changed: &BTreeMap<u64, Counted>) -> Counts {
        let mut runs = self.runs.clone();
        let mut newest: Vec<_> = changed.iter().map(|(ordinal, counted)| (*ordinal, *counted)).collect();
        while let Some(last) = runs.pop_if(|last| last.len() < GROWTH * newest.len()) {
            newest = merged(&last, newest);
        }
        if !newest.is_empty() {
            runs.push(Arc::new(newest));
        }
        Counts { runs }
    }
}

/// The newest counts, each found at once: what the committer counts on from. In the runs of a snapshot a count is looked for
/// in one after the other, and in each is as far from the cache as the next.
pub(super) struct Newest(Vec<Counted>);

impl Newest {
    /// Those of this snapshot.
    pub(super) fn of(snapshot: &Snapshot) -> Newest {
        let mut newest = Newest(vec![Counted { count: 0, at: None }; snapshot.len()]);
        for (ordinal, cluster) in &snapshot.by_birth {
            newest.set(*ordinal, Counted::of(cluster));
        }
        newest.extend(snapshot.counts.all());
        newest
    }

    /// The count of the cluster with this ordinal; none where the ordinals have gaps and this one is beyond their number.
    pub(super) fn get(&self, ordinal: u64) -> Option<Counted> {
        self.0.get(usize::try_from(ordinal).ok()?).copied()
    }

    /// After these have changed.
    pub(super) fn extend(&mut self, changed: impl IntoIterator<Item = (u64, Counted)>) {
        for (ordinal, counted) in changed {
            self.set(ordinal, counted);
        }
    }

    fn set(&mut self, ordinal: u64, counted: Counted) {
        let Ok(at) = usize::try_from(ordinal) else { return };
        if at == self.0.len() {
            self.0.push(counted);
        } else if let Some(before) = self.0.get_mut(at) {
            *before = counted;
        }
    }
}

/// Both in the order of the ordinals; where both have a cluster, the newer holds.
fn merged(older: &[(u64, Counted)], newer: Vec<(u64, Counted)>) -> Vec<(u64, Counted)> {
    let mut both = Vec::with_capacity(older.len() + newer.len());
    let mut older = older.iter().copied().peekable();
    for count in newer {
        both.extend(iter::from_fn(|| older.next_if(|(ordinal, _)| *ordinal < count.0)));
        older.next_if(|(ordinal, _)| *ordinal == count.0);
        both.push(count);
    }
    both.extend(older);
    both
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cluster;

    fn counted(count: u64) -> Counted {
        Counted { count, at: None }
    }

    /// So many groups of changes, drawn evenly from the clusters, and what they come to; after each, the counts.
    fn changed(clusters: u64, groups: u64, mut check: impl FnMut(&Counts, &BTreeMap<u64, Counted>)) {
        let mut rng = fastrand::Rng::with_seed(clusters);
        let (mut counts, mut expected) = (Counts::default(), BTreeMap::new());
        for group in 0..groups {
            let size = rng.u64(0..=20);
            let changed: BTreeMap<u64, Counted> = (0..size).map(|_| (rng.u64(..clusters), counted(group))).collect();
            expected.extend(&changed);
            counts = counts.with(&changed);
            check(&counts, &expected);
        }
    }

    #[test]
    fn the_last_count_of_a_cluster_holds() {
        for clusters in [1, 10, 1000] {
            changed(clusters, 300, |counts, expected| {
                for ordinal in 0..=clusters {
                    assert_eq!(counts.get(ordinal), expected.get(&ordinal).copied(), "{ordinal} of {clusters}");
                }
                assert!(counts.all().into_iter().eq(expected.clone()), "of {clusters}");
            });
        }
    }

    #[test]
    fn the_newest_counts_are_those_of_the_snapshot_and_what_changed_since() {
        let cluster = |count| Cluster { count, ..Cluster::default() };
        let restored = Snapshot::restore(1, [(0, cluster(3)), (1, cluster(5)), (9, cluster(7))]);
        let mut newest = Newest::of(&restored.with_counts(&BTreeMap::from([(1, counted(6)), (9, counted(8))])));
        newest.extend([(0, counted(4)), (3, counted(1)), (9, counted(9))]);
        let found = [0, 1, 3].map(|ordinal| newest.get(ordinal).map(|counted| counted.count));
        assert_eq!(found, [Some(4), Some(6), Some(1)]);
        assert!(newest.get(9).is_none(), "an ordinal beyond the number of clusters takes no memory");
    }

    #[test]
    fn what_is_kept_does_not_change() {
        let mut kept = Vec::new();
        changed(100, 200, |counts, expected| kept.push((counts.clone(), expected.clone())));
        for (counts, expected) in kept {
            assert!(counts.all().into_iter().eq(expected));
        }
    }

    #[test]
    fn there_are_few_runs_and_no_more_counts_than_the_clusters_explain() {
        changed(1000, 2000, |counts, expected| {
            let kept: usize = counts.runs.iter().map(|run| run.len()).sum();
            assert!(kept <= expected.len() + expected.len().div_ceil(GROWTH - 1), "{kept} for {}", expected.len());
            assert!(counts.runs.len() <= 6, "{} runs", counts.runs.len());
        });
    }
}
