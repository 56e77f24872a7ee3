//! Which clusters a judge is shown for a record: always in the order of birth, so that the prompt's beginning
//! stays byte-identical from record to record and the server's prefix cache holds.

use super::Snapshot;
use crate::model::{Cluster, ClusterStatus, Fault, FaultKind, Record};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Clusters born in the run that are shown besides the most relevant. A prompt must stay one that a model can read.
pub const BIRTHS_SHOWN_MAX: usize = 100;

/// The most clusters that records of one request are shown together, where no single one is shown more: what servers take
/// as an enumeration.
pub const SHOWN_TOGETHER_MAX: usize = 1000;

impl Snapshot {
    /// The clusters to choose from for a record, in the order of birth, each once.
    ///
    /// Those that the record names; else all that are not retired, while they are no more than
    /// `max`; else the `max` most relevant to the record's text, filled up with the oldest where fewer match, and besides
    /// those born after the epoch `born_after`, at most the newest [`BIRTHS_SHOWN_MAX`]: a cluster with one sample has few
    /// words to be found by, and one that is not shown is soon proposed again.
    ///
    /// The first to ask where not all are shown builds the index of words for all that ask, or waits until it is built; a
    /// million clusters take seconds.
    ///
    /// Their `count` and `updated_at` may be older than the snapshot: nothing that a prompt shows.
    ///
    /// # Errors
    /// Bad input, where the record names a cluster that is not there (code `unknown-candidate`) or is retired
    /// (`retired-candidate`).
    pub fn candidates(&self, record: &Record, max: usize, born_after: u64) -> Result<Arc<[Arc<Cluster>]>, Fault> {
        if let Some(named) = &record.candidates {
            return self.named(named);
        }
        if self.by_birth.len() - self.retired.len() <= max {
            return Ok(self.offered_slice.get_or_init(|| self.slice(self.offered())).clone());
        }
        let ranked = self.index.get(&self.by_birth).rank(&record.text, max);
        let mut chosen: BTreeSet<u64> = ranked.into_iter().map(|(ordinal, _)| ordinal).collect();
        for ordinal in self.offered() {
            if chosen.len() >= max {
                break;
            }
            chosen.insert(*ordinal);
        }
        chosen.extend(self.births(born_after));
        Ok(self.slice(&chosen))
    }

    /// The clusters to choose from for several texts at once, in the order of birth, each once: those that each would be
    /// shown, so the same for all while they fit. They are at most [`SHOWN_TOGETHER_MAX`], or `max` and the newborn where
    /// that is more: the most relevant of each come first.
    pub fn candidates_together<'a>(
        &self,
        texts: impl IntoIterator<Item = &'a str>,
        max: usize,
        born_after: u64,
    ) -> Arc<[Arc<Cluster>]> {
        if self.by_birth.len() - self.retired.len() <= max {
            return self.offered_slice.get_or_init(|| self.slice(self.offered())).clone();
        }
        let mut chosen: BTreeSet<u64> = self.births(born_after).collect();
        let most = SHOWN_TOGETHER_MAX.max(chosen.len() + max);
        let index = self.index.get(&self.by_birth);
        let oldest: Vec<u64> = self.offered().copied().take(max).collect();
        let shown_alone = |text: &str| {
            let mut shown: Vec<u64> = index.rank(text, max).into_iter().map(|(ordinal, _)| ordinal).collect();
            let further = oldest.iter().filter(|ordinal| !shown.contains(ordinal)).take(max - shown.len());
            let further: Vec<u64> = further.copied().collect();
            shown.extend(further);
            shown
        };
        let each: Vec<Vec<u64>> = texts.into_iter().map(shown_alone).collect();
        for rank in 0..max {
            for ordinal in each.iter().filter_map(|shown| shown.get(rank)) {
                if chosen.len() < most {
                    chosen.insert(*ordinal);
                }
            }
        }
        self.slice(&chosen)
    }

    /// All that are not retired, in the order of birth.
    fn offered(&self) -> impl Iterator<Item = &u64> {
        self.by_birth.keys().filter(|ordinal| !self.retired.contains(*ordinal))
    }

    /// The newest of the offered clusters that were born after this epoch.
    fn births(&self, born_after: u64) -> impl Iterator<Item = u64> {
        let newest = self.by_birth.iter().rev().take_while(move |(_, cluster)| cluster.birth_epoch > born_after);
        let offered = newest.filter(|(ordinal, _)| !self.retired.contains(*ordinal));
        offered.map(|(ordinal, _)| *ordinal).take(BIRTHS_SHOWN_MAX)
    }

    /// The cluster with this id, or what it was merged into.
    fn after_merges(&self, cluster_id: &str) -> Option<&Arc<Cluster>> {
        let mut cluster = self.uncounted(cluster_id)?;
        // No more steps than there are clusters, should a file that was written by hand lead in a circle.
        for _ in 0..self.len() {
            match cluster.merged_into.as_ref().and_then(|into| self.uncounted(into)) {
                Some(into) => cluster = into,
                None => break,
            }
        }
        Some(cluster)
    }

    /// Exactly the clusters with these ids, or what they were merged into.
    fn named(&self, ids: &[String]) -> Result<Arc<[Arc<Cluster>]>, Fault> {
        let ordinal = |id: &String| {
            let cluster = self.after_merges(id).ok_or_else(|| {
                Fault::new(FaultKind::BadInput, format!("candidate is not a known cluster: `{id}`"))
                    .code("unknown-candidate")
                    .hint("`judge-host registry list` shows the ids; `--clusters FILE` adds clusters")
            })?;
            if cluster.status == ClusterStatus::Retired {
                return Err(Fault::new(FaultKind::BadInput, format!("candidate is retired: `{id}`"))
                    .code("retired-candidate")
                    .hint(
                        "leave it out of the record's `candidates`, or confirm it by `judge-host registry confirm`",
                    ));
            }
            Ok(self.ordinals.get(&cluster.cluster_id).expect("it was found by its id"))
        };
        let chosen = ids.iter().map(ordinal).collect::<Result<BTreeSet<u64>, Fault>>()?;
        Ok(self.slice(&chosen))
    }

    /// The clusters with these ordinals, which come in the order of birth.
    fn slice<'a>(&self, ordinals: impl IntoIterator<Item = &'a u64>) -> Arc<[Arc<Cluster>]> {
        ordinals.into_iter().filter_map(|ordinal| self.by_birth.get(ordinal).cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::model::ClusterStatus;

    fn cluster(id: &str, name: &str) -> Cluster {
        Cluster { cluster_id: id.into(), name: name.into(), ..Cluster::default() }
    }

    /// Four clusters, the second retired.
    fn snapshot() -> Snapshot {
        let retired = Cluster { status: ClusterStatus::Retired, ..cluster("old", "lost card") };
        let clusters = [cluster("pin", "pin change"), retired, cluster("card", "lost card"), cluster("top", "top up")];
        Snapshot::restore(1, (0..).zip(clusters))
    }

    fn ids(candidates: &[Arc<Cluster>]) -> Vec<&str> {
        candidates.iter().map(|cluster| cluster.cluster_id.as_str()).collect()
    }

    #[test]
    fn all_that_are_not_retired_are_shown_in_birth_order_while_they_fit() {
        let record = Record::new("1", "top up");
        assert_eq!(ids(&snapshot().candidates(&record, 3, u64::MAX).unwrap()), ["pin", "card", "top"]);
        assert_eq!(ids(&snapshot().candidates(&record, 20, u64::MAX).unwrap()), ["pin", "card", "top"]);
    }

    #[test]
    fn the_most_relevant_are_shown_in_birth_order_where_not_all_fit() {
        let relevant = snapshot().candidates(&Record::new("1", "top up my card"), 2, u64::MAX).unwrap();
        assert_eq!(ids(&relevant), ["card", "top"]);
    }

    #[test]
    fn the_oldest_fill_up_where_too_few_match() {
        assert_eq!(ids(&snapshot().candidates(&Record::new("1", "top"), 2, u64::MAX).unwrap()), ["pin", "top"]);
        assert_eq!(
            ids(&snapshot().candidates(&Record::new("1", "nothing alike"), 2, u64::MAX).unwrap()),
            ["pin", "card"]
        );
        assert!(snapshot().candidates(&Record::new("1", "top"), 0, u64::MAX).unwrap().is_empty());
    }

    #[test]
    fn what_a_batch_bore_before_it_was_cut_short_is_shown_when_it_goes_on() {
        let born = |batch_id: &str, birth_epoch| Cluster {
            batch_id: batch_id.into(),
            birth_epoch,
            ..cluster(&format!("{batch_id}{birth_epoch}"), "nothing alike")
        };
        let clusters = [born("old", 3), born("mine", 7), born("mine", 9), cluster("top", "top up")];
        let snapshot = Snapshot::restore(12, (0..).zip(clusters));
        assert_eq!((snapshot.before_births_of("mine"), snapshot.before_births_of("new")), (6, 12));
    }

    #[test]
    fn texts_together_are_shown_what_each_would_be_shown() {
        let together = |texts: &[&str], max| snapshot().candidates_together(texts.iter().copied(), max, u64::MAX);
        assert_eq!(ids(&together(&["top up", "x"], 3)), ["pin", "card", "top"], "all, while they fit");
        assert_eq!(ids(&together(&["top up"], 1)), ["top"]);
        assert_eq!(ids(&together(&["top up", "lost card"], 1)), ["card", "top"]);
        assert_eq!(ids(&together(&["top up", "nothing alike"], 1)), ["pin", "top"], "the oldest fill up");
    }

    #[test]
    fn texts_together_are_not_shown_more_than_a_server_takes() {
        let name = |n: u64| (n, cluster(&format!("c{n}"), &format!("word{n}")));
        let snapshot = Snapshot::restore(1, (0..1500).map(name));
        let texts: Vec<String> = (0..60).map(|n| format!("word{} word{}", 1400 + n, 20 * n)).collect();
        let shown = snapshot.candidates_together(texts.iter().map(String::as_str), 990, u64::MAX);
        assert_eq!(shown.len(), SHOWN_TOGETHER_MAX);
        for n in 0..60 {
            assert!(ids(&shown).contains(&format!("c{}", 1400 + n).as_str()), "the most relevant of each are there");
        }
    }

    #[test]
    fn a_record_that_names_its_candidates_gets_those_and_no_others() {
        let named = |names: &[&str]| {
            let candidates = Some(names.iter().map(ToString::to_string).collect());
            snapshot().candidates(&Record { candidates, ..Record::new("1", "top up") }, 1, u64::MAX)
        };
        assert_eq!(ids(&named(&["top", "pin", "top"]).unwrap()), ["pin", "top"]);
        for (name, code) in [("gone", "unknown-candidate"), ("old", "retired-candidate")] {
            let fault = named(&["pin", name]).unwrap_err();
            assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::BadInput, Some(code)));
        }
    }

    #[test]
    fn the_slice_is_shared_until_something_shown_changes() {
        let record = Record::new("1", "x");
        let first = snapshot();
        let before = first.candidates(&record, 20, u64::MAX).unwrap();
        let counted = Arc::new(Cluster { count: 7, ..cluster("pin", "pin change") });
        let second = first.next(2, [(0, counted)]);
        assert!(Arc::ptr_eq(&before, &second.candidates(&record, 20, u64::MAX).unwrap()), "a count is not shown");
        assert_eq!(second.get("pin").unwrap().count, 7);
        let renamed = second.next(3, [(0, Arc::new(cluster("pin", "new name")))]);
        assert_eq!(renamed.candidates(&record, 20, u64::MAX).unwrap()[0].name, "new name");
        assert_eq!(before[0].name, "pin change", "what a reader holds does not change");
    }

    #[test]
    fn retiring_takes_a_cluster_out_of_the_index_and_reviving_brings_it_back() {
        let retired = Cluster { status: ClusterStatus::Retired, ..cluster("top", "top up") };
        let snapshot = snapshot().next(2, [(3, Arc::new(retired))]);
        let record = Record::new("1", "top up");
        assert_eq!(ids(&snapshot.candidates(&record, 1, u64::MAX).unwrap()), ["pin"]);
        let snapshot = snapshot.next(3, [(3, Arc::new(cluster("top", "top up")))]);
        assert_eq!(ids(&snapshot.candidates(&record, 1, u64::MAX).unwrap()), ["top"]);
    }
}
