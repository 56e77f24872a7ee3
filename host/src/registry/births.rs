//! When a cluster that was proposed may be born. A judge that was shown an older snapshot could not know the clusters
//! born since, and might propose one of them again: parallel records would make twins that records one after the other
//! would not.

use super::next::Next;
use crate::model::{Births, Cluster, ClusterStatus, Proposal};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{Mutex, MutexGuard};

/// From which share of a name's words, 0 to 1, two clusters count as alike where births are `similar`.
pub const ALIKE_MIN: f64 = 0.5;

/// Whether a proposal that was made on the epoch `shown` is to be judged again, as a cluster was born since that its judge
/// might have chosen.
pub(super) fn stand_in_the_way(
    births: Births,
    next: &Next<'_>,
    shown: u64,
    proposal: &Proposal,
    text: Option<&str>,
) -> bool {
    let offered = |cluster: &&Arc<Cluster>| cluster.status != ClusterStatus::Retired;
    match births {
        Births::Free => false,
        Births::Strict => next.born_since(shown).any(|cluster| offered(&cluster)),
        Births::Similar => {
            let newer: Vec<_> = next.born_since(shown).filter(offered).collect();
            newer.iter().any(|cluster| next.is_home(cluster, &proposal.name)) || is_alike(&newer, proposal, text)
        }
    }
}

/// Whether one of the clusters shares words with the proposal: its name's with all that is known of the other, in either
/// direction. Not by rarity, as in the candidates' index: a few newborn clusters do not tell which words are rare.
fn is_alike(newer: &[&Arc<Cluster>], proposal: &Proposal, text: Option<&str>) -> bool {
    let name = words([proposal.name.as_str()]);
    let proposed = words([proposal.name.as_str(), &proposal.summary, text.unwrap_or_default()]);
    newer.iter().any(|cluster| {
        let described = [cluster.name.as_str(), &cluster.summary];
        let known = words(described.into_iter().chain(cluster.sample_requests.iter().map(String::as_str)));
        shared(&name, &known) >= ALIKE_MIN || shared(&words([cluster.name.as_str()]), &proposed) >= ALIKE_MIN
    })
}

fn words<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    texts.into_iter().flat_map(relevance::tokens).collect()
}

/// Which share of the first words is among the others, 0 to 1.
fn shared(words: &BTreeSet<String>, others: &BTreeSet<String>) -> f64 {
    words.intersection(others).count() as f64 / words.len().max(1) as f64
}

/// The turn of giving birth: while a record has it, no other record's new cluster is committed, so that whoever has been
/// overtaken again and again comes to an end.
#[derive(Debug, Default)]
pub(super) struct Turns {
    queue: Mutex<()>,
    is_taken: AtomicBool,
}

/// Holds the turn until it is dropped.
#[derive(Debug)]
pub struct BirthTurn<'a> {
    turns: &'a Turns,
    _place: MutexGuard<'a, ()>,
}

impl Turns {
    /// Waits for the turn. Dropped, it gives up the place in the queue.
    pub(super) async fn take(&self) -> BirthTurn<'_> {
        let place = self.queue.lock().await;
        // Sequentially consistent with the committer's load: a birth that it staged before is published on an epoch
        // that the holder may not have seen, which the check against that epoch finds.
        self.is_taken.store(true, Ordering::SeqCst);
        BirthTurn { turns: self, _place: place }
    }

    /// Whether somebody has it.
    pub(super) fn is_taken(&self) -> bool {
        self.is_taken.load(Ordering::SeqCst)
    }
}

impl Drop for BirthTurn<'_> {
    fn drop(&mut self) {
        self.turns.is_taken.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use crate::model::{Births, Confidence, Decision, Judged, Outcome, Proposal, Usage};
    use crate::registry::{Recorded, Registry};
    use std::sync::Arc;
    use std::time::Duration;

    /// A record for which this cluster was proposed by a judge that was shown this epoch.
    fn proposed(request_id: &str, name: &str, shown: u64) -> Outcome {
        let proposal = Proposal { name: name.to_owned(), summary: String::new(), criteria: String::new() };
        let judged = Judged {
            decision: Decision::NewCluster,
            cluster_id: None,
            confidence: Confidence::High,
            rationale: String::new(),
            proposal: Some(proposal),
        };
        Outcome {
            batch_id: "b".into(),
            slice_id: 0,
            request_id: request_id.to_owned(),
            result: Ok(judged),
            provider: String::new(),
            model: String::new(),
            component_digest: String::new(),
            request_hash: String::new(),
            epoch: shown,
            attempts: 1,
            latency: Duration::ZERO,
            usage: Usage::default(),
            overtaken: false,
        }
    }

    async fn born(registry: &Registry, name: &str, shown: u64, births: Births) -> bool {
        let outcome = proposed(name, name, shown);
        match registry.record(outcome.clone(), Some(name), births, None).await.unwrap() {
            Recorded::Committed(_) => true,
            Recorded::Overtaken(back) => {
                assert_eq!(back, outcome, "it comes back as it was");
                false
            }
        }
    }

    #[tokio::test]
    async fn a_birth_is_overtaken_by_what_its_judge_could_not_see() {
        // What is born first, what is proposed on the epoch before that, and whether it is overtaken.
        for (births, proposal, overtaken) in [
            (Births::Free, "lost card", false),
            (Births::Similar, "weather forecast", false),
            (Births::Similar, "my card was lost", true),
            (Births::Similar, "Lost, card!", true),
            (Births::Strict, "weather forecast", true),
        ] {
            let registry = Registry::temporary().unwrap();
            assert!(born(&registry, "lost card", 0, births).await, "the first is in nobody's way");
            assert_eq!(born(&registry, proposal, 0, births).await, !overtaken, "{births:?}: {proposal}");
            let newest = registry.snapshot().epoch;
            assert!(born(&registry, proposal, newest, births).await, "{births:?}: judged again on the newest epoch");
        }
    }

    #[tokio::test]
    async fn of_one_group_only_the_first_is_born() {
        let registry = Arc::new(Registry::temporary().unwrap());
        let at_once = (0..20).map(|n| {
            let registry = Arc::clone(&registry);
            tokio::spawn(async move { born(&registry, &format!("subject {n}"), 0, Births::Strict).await })
        });
        let born: Vec<bool> = futures_util::future::join_all(at_once).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(born.iter().filter(|born| **born).count(), 1);
        assert_eq!(registry.snapshot().len(), 1);
    }

    #[tokio::test]
    async fn whoever_has_the_turn_is_overtaken_by_nobody() {
        let registry = Registry::temporary().unwrap();
        let turn = registry.birth_turn().await.unwrap();
        let shown = registry.snapshot().epoch;
        assert!(!born(&registry, "other", shown, Births::Strict).await, "others stand back");
        let own = registry.record(proposed("own", "own", shown), None, Births::Strict, Some(&turn)).await.unwrap();
        assert!(matches!(own, Recorded::Committed(_)));
        drop(turn);
        assert!(!born(&registry, "other", shown, Births::Strict).await, "and then see what was born");
        assert!(born(&registry, "other", registry.snapshot().epoch, Births::Strict).await);
    }

    #[tokio::test]
    async fn a_retired_cluster_is_in_nobodys_way() {
        let registry = Registry::temporary().unwrap();
        let status = Some(crate::model::ClusterStatus::Retired);
        let retired = crate::registry::ClusterDraft { status, ..crate::registry::ClusterDraft::new("old", "old") };
        registry.upsert(vec![retired]).await.unwrap();
        assert!(born(&registry, "new", 0, Births::Strict).await);
    }
}
