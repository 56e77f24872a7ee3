//! The next epoch while it is being made: what a group of commits changes of the clusters. Plain rules on values;
//! the committer makes it durable before anybody sees it.

use super::counted::Counted;
use super::counts::Newest;
use super::snapshot::shown_alike;
use super::{ClusterDraft, Snapshot, UpsertReport, slug};
use crate::model::{Cluster, ClusterId, ClusterStatus, Proposal};
use jiff::{Timestamp, Unit};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A tentative cluster collects this many samples and no more.
pub(super) const SAMPLES_MAX: usize = 5;

/// A verdict's cluster, checked when it was handed in.
#[derive(Debug)]
pub(super) enum Placement {
    /// Into the cluster of this ordinal, which has this id; clusters are never deleted, so it is still there. To look it up
    /// among a million takes time, which whoever hands the verdict in has rather than the committer.
    Into(u64, ClusterId),
    /// Into a new cluster, or the one that already has its id.
    New {
        /// What the judge proposed.
        proposal: Proposal,
        /// The record's text, to be a sample.
        text: Option<String>,
        /// The batch that it is born in.
        batch_id: String,
        /// Why the judge proposed it.
        rationale: String,
    },
    /// Nowhere: a skip or a fault.
    Nowhere,
}

/// What is to be written of a cluster besides its count.
#[derive(Debug)]
pub(super) enum Change<'a> {
    /// All: it was not there.
    Born(&'a Cluster),
    /// All.
    Changed(&'a Cluster),
    /// Nothing.
    Counted,
}

/// The changes on top of a snapshot.
pub(super) struct Next<'a> {
    base: Arc<Snapshot>,
    /// The counts of the same.
    newest: &'a Newest,
    epoch: u64,
    now: Timestamp,
    /// The same as a cluster has it.
    stamp: String,
    /// New clusters, and those of which more than the count has changed, by ordinal.
    changed: BTreeMap<u64, Arc<Cluster>>,
    /// The counts of these, and those that have changed.
    counts: BTreeMap<u64, Counted>,
    /// Ordinals of those born here.
    born: HashMap<ClusterId, u64>,
}

impl<'a> Next<'a> {
    /// The epoch after `base`, whose counts are `newest`, without a change so far; `now` is stamped on what changes.
    pub(super) fn after(base: Arc<Snapshot>, newest: &'a Newest, now: Timestamp) -> Self {
        // Finer than milliseconds would only be noise.
        let now = now.round(Unit::Millisecond).unwrap_or(now);
        Next {
            epoch: base.epoch + 1,
            base,
            newest,
            now,
            stamp: now.to_string(),
            changed: BTreeMap::new(),
            counts: BTreeMap::new(),
            born: HashMap::new(),
        }
    }

    /// Its number.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether no cluster is new or changed, nor any count.
    pub(super) fn is_unchanged(&self) -> bool {
        self.counts.is_empty()
    }

    /// The counts of the new and the changed clusters by ordinal, and what else is to be written of them.
    pub(super) fn changes(&self) -> impl Iterator<Item = (u64, Counted, Change<'_>)> {
        let known = self.base.next_ordinal();
        self.counts.iter().map(move |(ordinal, counted)| {
            let change = match self.changed.get(ordinal) {
                Some(cluster) if *ordinal >= known => Change::Born(cluster),
                Some(cluster) => Change::Changed(cluster),
                None => Change::Counted,
            };
            (*ordinal, *counted, change)
        })
    }

    /// The snapshot to publish, and what has changed of the counts.
    pub(super) fn into_snapshot(self) -> (Snapshot, BTreeMap<u64, Counted>) {
        (self.base.next(self.epoch, self.changed).with_counts(&self.counts), self.counts)
    }

    /// The clusters born after this epoch, the newest first.
    pub(super) fn born_since(&self, epoch: u64) -> impl Iterator<Item = &Arc<Cluster>> {
        let here = self.born.values().map(|ordinal| self.cluster(*ordinal));
        let before = self.base.by_birth.iter().rev().map(|(ordinal, _)| self.cluster(*ordinal));
        here.chain(before.take_while(move |cluster| cluster.birth_epoch > epoch))
    }

    /// Whether a cluster proposed under this name would be this one.
    pub(super) fn is_home(&self, cluster: &Cluster, name: &str) -> bool {
        self.home(name).is_ok_and(|ordinal| self.cluster(ordinal).cluster_id == cluster.cluster_id)
    }

    /// Inserts or changes clusters by their id. The report's epoch is left to the committer.
    pub(super) fn upsert(&mut self, drafts: Vec<ClusterDraft>) -> UpsertReport {
        let mut report = UpsertReport::default();
        for draft in drafts {
            let Some(ordinal) = self.ordinal(&draft.cluster_id) else {
                self.bear(draft.into_cluster(self.epoch, &self.stamp));
                report.inserted += 1;
                continue;
            };
            let before = self.cluster(ordinal);
            let mut after = draft.over(before);
            if after == **before {
                report.unchanged += 1;
                continue;
            }
            after.revision += u64::from(!shown_alike(before, &after));
            *self.change(ordinal) = Cluster { updated_at: self.stamp.clone(), ..after };
            report.changed += 1;
        }
        report
    }

    /// Takes back what an earlier outcome of the same record counted.
    pub(super) fn uncount(&mut self, cluster_id: &str) {
        if let Some(ordinal) = self.ordinal(cluster_id) {
            let count = self.count(ordinal);
            *count = count.saturating_sub(1);
        }
    }

    /// Counts a record where its verdict places it; the id of that cluster.
    ///
    /// A plain assignment changes no sample: what prompts show stays byte-identical, and the server's prefix cache
    /// holds.
    pub(super) fn place(&mut self, placement: Placement) -> Option<ClusterId> {
        let ordinal = match placement {
            Placement::Nowhere => return None,
            Placement::Into(ordinal, cluster_id) if !self.is_merged(ordinal) => {
                *self.count(ordinal) += 1;
                return Some(cluster_id);
            }
            Placement::Into(ordinal, _) => self.after_merges(ordinal),
            Placement::New { proposal, text, batch_id, rationale } => match self.home(&proposal.name) {
                Ok(ordinal) => {
                    self.add_sample(ordinal, text);
                    ordinal
                }
                Err(cluster_id) => self.bear(Cluster {
                    cluster_id,
                    name: proposal.name,
                    summary: proposal.summary,
                    criteria: proposal.criteria,
                    sample_requests: text.into_iter().collect(),
                    created_at: self.stamp.clone(),
                    updated_at: self.stamp.clone(),
                    status: ClusterStatus::Tentative,
                    batch_id,
                    llm_reasoning: rationale,
                    revision: 1,
                    birth_epoch: self.epoch,
                    ..Cluster::default()
                }),
            },
        };
        *self.count(ordinal) += 1;
        Some(self.id(ordinal).to_owned())
    }

    /// Makes one cluster part of another: its count goes there, and as many of its samples as there is room for. It is
    /// retired, and keeps its id to itself.
    pub(super) fn merge(&mut self, from: u64, into: u64) {
        let merged = Arc::clone(self.cluster(from));
        let moved = std::mem::take(self.count(from));
        *self.count(into) += moved;
        let target = self.change(into);
        let before = target.sample_requests.len();
        for sample in &merged.sample_requests {
            if target.sample_requests.len() < SAMPLES_MAX && !target.sample_requests.contains(sample) {
                target.sample_requests.push(sample.clone());
            }
        }
        target.revision += u64::from(target.sample_requests.len() != before);
        let into_id = target.cluster_id.clone();
        let source = self.change(from);
        source.status = ClusterStatus::Retired;
        source.merged_into = Some(into_id);
        source.revision += 1;
    }

    fn is_offered(&self, ordinal: u64) -> bool {
        self.cluster(ordinal).status != ClusterStatus::Retired
    }

    /// Why these two cannot be made one, if so.
    pub(super) fn merge_refused(&self, from: u64, into: u64) -> Option<&'static str> {
        if from == into {
            return Some("they are the same");
        }
        if self.cluster(from).merged_into.is_some() {
            return Some("the first is part of another already");
        }
        (!self.is_offered(into)).then_some("the second is retired")
    }

    fn is_merged(&self, ordinal: u64) -> bool {
        let here = self.changed.get(&ordinal).map(|cluster| cluster.merged_into.is_some());
        here.unwrap_or_else(|| self.base.merged.contains(&ordinal))
    }

    /// Where a cluster's records go: it itself, or what it was merged into, and so on.
    fn after_merges(&self, mut ordinal: u64) -> u64 {
        // No more steps than there are clusters, should a file that was written by hand lead in a circle.
        for _ in 0..=self.base.len() + self.born.len() {
            let into = self.cluster(ordinal).merged_into.as_ref().and_then(|id| self.ordinal(id));
            match into {
                Some(into) => ordinal = into,
                None => break,
            }
        }
        ordinal
    }

    /// The cluster that a proposed name belongs to, or else the free id for it. A retired cluster keeps its id to
    /// itself.
    fn home(&self, name: &str) -> Result<u64, ClusterId> {
        let first = slug::slug(name);
        let mut id = first.clone();
        let mut n = 1;
        loop {
            match self.ordinal(&id) {
                None => return Err(id),
                // Its own cluster, or the one that this was merged into.
                Some(ordinal) if self.is_offered(self.after_merges(ordinal)) => return Ok(self.after_merges(ordinal)),
                Some(_) => {
                    n += 1;
                    id = slug::numbered(&first, n);
                }
            }
        }
    }

    /// Adds a cluster with the next ordinal.
    fn bear(&mut self, cluster: Cluster) -> u64 {
        let ordinal = self.base.next_ordinal() + self.born.len() as u64;
        self.born.insert(cluster.cluster_id.clone(), ordinal);
        self.counts.insert(ordinal, Counted::of(&cluster));
        self.changed.insert(ordinal, Arc::new(cluster));
        ordinal
    }

    fn ordinal(&self, cluster_id: &str) -> Option<u64> {
        self.born.get(cluster_id).copied().or_else(|| self.base.ordinals.get(cluster_id))
    }

    /// The id of a cluster.
    pub(super) fn id(&self, ordinal: u64) -> &str {
        &self.cluster(ordinal).cluster_id
    }

    fn cluster(&self, ordinal: u64) -> &Arc<Cluster> {
        let cluster = self.changed.get(&ordinal).or_else(|| self.base.by_birth.get(&ordinal));
        cluster.expect("an ordinal comes from an earlier snapshot, and clusters are never deleted")
    }

    /// The cluster, to be changed now. It is copied at the first change of a group only.
    fn change(&mut self, ordinal: u64) -> &mut Cluster {
        if !self.changed.contains_key(&ordinal) {
            let copy = self.cluster(ordinal).clone();
            self.changed.insert(ordinal, copy);
        }
        self.counted(ordinal).at = None;
        let cluster = Arc::make_mut(self.changed.get_mut(&ordinal).expect("inserted above"));
        cluster.updated_at.clone_from(&self.stamp);
        cluster
    }

    /// The count of a cluster, to be changed now.
    fn count(&mut self, ordinal: u64) -> &mut u64 {
        let now = self.now;
        let counted = self.counted(ordinal);
        counted.at = Some(now);
        &mut counted.count
    }

    fn counted(&mut self, ordinal: u64) -> &mut Counted {
        let earlier = || self.newest.get(ordinal).or_else(|| self.base.counted(ordinal));
        let before = || earlier().expect("those born here have theirs, and no other is deleted");
        self.counts.entry(ordinal).or_insert_with(before)
    }

    /// Shows one more of its texts, while a person has not settled the cluster and there is room.
    fn add_sample(&mut self, ordinal: u64, text: Option<String>) {
        let Some(text) = text else { return };
        let Cluster { status, sample_requests, .. } = self.cluster(ordinal).as_ref();
        let wanted = *status == ClusterStatus::Tentative && sample_requests.len() < SAMPLES_MAX;
        if wanted && !sample_requests.contains(&text) {
            let cluster = self.change(ordinal);
            cluster.sample_requests.push(text);
            cluster.revision += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn after(base: Snapshot) -> Next<'static> {
        let newest = Box::leak(Box::new(Newest::of(&base)));
        Next::after(Arc::new(base), newest, "2026-01-01T00:00:00Z".parse().unwrap())
    }

    fn proposed(name: &str, text: &str) -> Placement {
        let proposal = Proposal { name: name.into(), summary: "s".into(), criteria: "c".into() };
        Placement::New { proposal, text: Some(text.into()), batch_id: "b".into(), rationale: "because".into() }
    }

    /// A verdict for the first cluster.
    fn into_first(next: &Next) -> Placement {
        Placement::Into(0, next.id(0).to_owned())
    }

    #[test]
    fn a_proposed_cluster_is_born_tentative_with_its_first_sample() {
        let mut next = after(Snapshot::default());
        assert_eq!(next.place(proposed("Возврат денег", "где деньги")).as_deref(), Some("vozvrat_deneg"));
        let snapshot = next.into_snapshot().0;
        let born = snapshot.get("vozvrat_deneg").unwrap();
        assert_eq!((born.count, born.revision, born.birth_epoch), (1, 1, 1));
        assert_eq!((born.status, born.name.as_str()), (ClusterStatus::Tentative, "Возврат денег"));
        assert_eq!(born.sample_requests, ["где деньги"]);
        assert_eq!((born.batch_id.as_str(), born.llm_reasoning.as_str()), ("b", "because"));
        assert_eq!((&born.created_at, &born.updated_at), (&"2026-01-01T00:00:00Z".into(), &born.created_at.clone()));
    }

    #[test]
    fn proposals_of_one_name_share_a_cluster_and_five_samples() {
        let mut next = after(Snapshot::default());
        for n in 0..8 {
            assert_eq!(next.place(proposed("Lost card!", &format!("text {n}"))).as_deref(), Some("lost_card"));
        }
        next.place(proposed("lost  CARD", "text 0"));
        let snapshot = next.into_snapshot().0;
        let lost = snapshot.get("lost_card").unwrap();
        assert_eq!((snapshot.len(), lost.count, lost.revision), (1, 9, 5));
        assert_eq!(lost.sample_requests, ["text 0", "text 1", "text 2", "text 3", "text 4"]);
    }

    #[test]
    fn confirmed_clusters_take_proposals_in_without_a_change_of_what_is_shown() {
        let mut next = after(Snapshot::default());
        next.upsert(vec![ClusterDraft::new("lost_card", "Lost card")]);
        next.place(proposed("Lost card", "text"));
        let snapshot = next.into_snapshot().0;
        let lost = snapshot.get("lost_card").unwrap();
        assert_eq!((lost.count, lost.revision, lost.sample_requests.len()), (1, 1, 0));
    }

    #[test]
    fn a_retired_cluster_keeps_its_id_to_itself() {
        let mut next = after(Snapshot::default());
        let retired = |id: &str| ClusterDraft { status: Some(ClusterStatus::Retired), ..ClusterDraft::new(id, "x") };
        next.upsert(vec![retired("fee"), retired("fee_2")]);
        assert_eq!(next.place(proposed("fee", "a")).as_deref(), Some("fee_3"));
        assert_eq!(next.place(proposed("fee", "b")).as_deref(), Some("fee_3"));
    }

    #[test]
    fn upserts_change_only_what_differs() {
        let mut next = after(Snapshot::default());
        next.upsert(vec![ClusterDraft { count: Some(9), ..ClusterDraft::new("a", "A") }]);
        let mut next = after(next.into_snapshot().0);
        let same = ClusterDraft { count: Some(3), summary: Some(String::new()), ..ClusterDraft::new("a", "A") };
        let report = next.upsert(vec![same, ClusterDraft::new("b", "")]);
        assert_eq!((report.inserted, report.changed, report.unchanged), (1, 0, 1));
        let report = next.upsert(vec![ClusterDraft::new("a", "A2"), ClusterDraft::new("a", "A3")]);
        assert_eq!(report.changed, 2);
        let snapshot = next.into_snapshot().0;
        let a = snapshot.get("a").unwrap();
        assert_eq!((a.name.as_str(), a.count, a.revision, a.birth_epoch), ("A3", 9, 3, 1));
        assert_eq!((snapshot.get("b").unwrap().name.as_str(), snapshot.get("b").unwrap().birth_epoch), ("b", 2));
    }

    #[test]
    fn confirming_is_a_change_but_no_revision_and_retiring_is_one() {
        let mut next = after(Snapshot::default());
        next.place(proposed("fee", "a"));
        let status = |status| ClusterDraft { status: Some(status), name: None, ..ClusterDraft::new("fee", "") };
        assert_eq!(next.upsert(vec![status(ClusterStatus::Confirmed)]).changed, 1);
        assert_eq!(next.cluster(0).revision, 1);
        assert_eq!(next.upsert(vec![status(ClusterStatus::Retired)]).changed, 1);
        assert_eq!(next.cluster(0).revision, 2);
    }

    #[test]
    fn what_is_merged_goes_where_it_can_be_offered() {
        let mut next = after(Snapshot::default());
        next.upsert(vec![ClusterDraft::new("a", "A"), ClusterDraft::new("b", "B"), ClusterDraft::new("c", "C")]);
        assert_eq!(next.merge_refused(0, 0), Some("they are the same"));
        next.merge(0, 1);
        assert_eq!(next.merge_refused(0, 2), Some("the first is part of another already"));
        assert_eq!(next.merge_refused(2, 0), Some("the second is retired"));
        assert_eq!(next.place(proposed("A", "text")).as_deref(), Some("b"), "a proposal follows the merge");
        next.merge(1, 2);
        let verdict = into_first(&next);
        assert_eq!(next.place(verdict).as_deref(), Some("c"), "and so does a verdict, all the way");
        let revived = ClusterDraft { status: Some(ClusterStatus::Confirmed), ..ClusterDraft::new("a", "A") };
        next.upsert(vec![revived]);
        assert_eq!(next.cluster(0).status, ClusterStatus::Retired, "a file of clusters does not half revive it");
        let retired = ClusterDraft { status: Some(ClusterStatus::Retired), ..ClusterDraft::new("c", "C") };
        next.upsert(vec![retired]);
        assert_eq!(next.place(proposed("A", "text")).as_deref(), Some("a_2"), "nothing is born into a retired cluster");
    }

    #[test]
    fn counts_go_on_where_a_file_written_by_hand_has_gaps() {
        let cluster = |id: &str, count| Cluster { cluster_id: id.into(), count, ..Cluster::default() };
        let mut next = after(Snapshot::restore(1, [(0, cluster("a", 3)), (9, cluster("b", 7))]));
        assert_eq!(next.place(Placement::Into(9, "b".into())).as_deref(), Some("b"));
        let mut next = after(next.into_snapshot().0);
        next.place(Placement::Into(9, "b".into()));
        next.place(proposed("c", "text"));
        let after = next.into_snapshot().0;
        assert_eq!((after.len(), after.get("b").unwrap().count), (3, 9), "what is born takes nobody's place");
    }

    #[test]
    fn counts_never_fall_below_zero() {
        let mut next = after(Snapshot::default());
        next.upsert(vec![ClusterDraft::new("a", "A")]);
        next.uncount("a");
        next.uncount("nowhere");
        let verdict = into_first(&next);
        assert_eq!(next.place(verdict).as_deref(), Some("a"));
        assert_eq!(next.into_snapshot().0.get("a").unwrap().count, 1);
    }
}
