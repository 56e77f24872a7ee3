use crate::FaultRule;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How the server behaves.
#[derive(Clone)]
pub struct Script {
    /// How long an answer takes. Scripted statuses and closed connections come at once.
    pub delay: Duration,
    /// How much longer it takes for each other call under way when it comes: a server that batches answers more in all,
    /// each of them slower, and no more than one in this time.
    pub delay_per_call: Duration,
    /// The models it has; any other is unknown to it.
    pub models: Vec<String>,
    /// The key it asks for, as `Authorization: Bearer KEY` or `x-api-key: KEY`; none lets everybody in.
    pub key: Option<String>,
    /// What it answers.
    pub judge: Judge,
    /// What goes wrong. The first rule that fits a call decides.
    pub faults: Vec<FaultRule>,
    /// Whether the bodies of all calls are kept for [`crate::Stats::bodies`], and their times for
    /// [`crate::Stats::arrivals`].
    pub keep_bodies: bool,
}

/// Answers one record.
pub type Judge = Arc<dyn Fn(&Asked) -> Answered + Send + Sync>;

/// One record, as the server was asked about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// From the line `Record id: ID` of the user message.
    pub record_id: Option<String>,
    /// The last user message; with several records in one request, the part of this one.
    pub user: String,
    /// The system message.
    pub system: Arc<str>,
    /// The ids that the schema allows as `cluster_id`, in its order.
    pub candidate_ids: Arc<[String]>,
    /// Which call it is, the first being 1.
    pub call_index: u64,
}

/// What the model says of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It belongs to the cluster of this id.
    Assign(String),
    /// It deserves a new cluster.
    NewCluster {
        /// Its name.
        name: String,
        /// What its texts have in common.
        summary: String,
        /// What must hold for a text to belong to it.
        criteria: String,
    },
    /// It cannot be told.
    Skip,
    /// No verdict: an answer about several records leaves it out, one about it alone is empty.
    Nothing,
    /// This, word for word, in the place of a verdict.
    Words(String),
}

impl Default for Script {
    /// Answers at once by [`pick_by_hash`], knows the model `fake`, and fails never.
    fn default() -> Self {
        Script {
            delay: Duration::ZERO,
            delay_per_call: Duration::ZERO,
            models: vec!["fake".to_owned()],
            key: None,
            judge: Arc::new(pick_by_hash),
            faults: Vec::new(),
            keep_bodies: false,
        }
    }
}

impl Script {
    /// How long an answer takes that comes to so many under way, itself among them.
    pub(crate) fn delay_of(&self, in_flight: usize) -> Duration {
        let others = u32::try_from(in_flight.saturating_sub(1)).unwrap_or(u32::MAX);
        self.delay.saturating_add(self.delay_per_call.saturating_mul(others))
    }
}

impl Answered {
    /// The verdict in the sdk's form; none for [`Answered::Nothing`] and [`Answered::Words`].
    pub(crate) fn verdict(&self) -> Option<Value> {
        let (decision, cluster_id, new_cluster) = match self {
            Answered::Assign(id) => ("assign", Some(id), Value::Null),
            Answered::NewCluster { name, summary, criteria } => {
                ("new_cluster", None, json!({ "name": name, "summary": summary, "criteria": criteria }))
            }
            Answered::Skip => ("skip", None, Value::Null),
            Answered::Nothing | Answered::Words(_) => return None,
        };
        Some(json!({
            "rationale": "decided by the script",
            "decision": decision,
            "cluster_id": cluster_id,
            "confidence": "high",
            "new_cluster": new_cluster,
        }))
    }
}

/// Assigns each record to one of the candidates, always the same one for the same message, whatever their order; skips
/// where there is none. Most records keep theirs when candidates come or go (rendezvous hashing).
pub fn pick_by_hash(asked: &Asked) -> Answered {
    let text = fnv1a(asked.user.as_bytes());
    let picked = asked.candidate_ids.iter().max_by_key(|id| scatter(text ^ fnv1a(id.as_bytes())));
    picked.map_or(Answered::Skip, |id| Answered::Assign(id.clone()))
}

/// FNV-1a, 64 bits: the same on every machine and with every compiler.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finish of SplitMix64, which lets every bit tell on every other.
fn scatter(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_batch_takes_longer_for_each_call_in_it() {
        let [delay, delay_per_call] = [50, 2].map(Duration::from_millis);
        let script = Script { delay, delay_per_call, ..Script::default() };
        assert_eq!([0, 1, 26].map(|in_flight| script.delay_of(in_flight).as_millis()), [50, 50, 100]);
    }

    fn asked(user: &str, ids: &[&str]) -> Asked {
        let candidate_ids = ids.iter().map(|id| (*id).to_owned()).collect();
        Asked { record_id: None, user: user.into(), system: "".into(), candidate_ids, call_index: 1 }
    }

    #[test]
    fn the_default_judge_is_stable_and_uses_every_candidate() {
        let ids = ["a", "b", "c", "d"];
        let mut used = BTreeSet::new();
        for n in 0..100 {
            let user = format!("Record id: r{n}");
            let answered = pick_by_hash(&asked(&user, &ids));
            assert_eq!(pick_by_hash(&asked(&user, &["d", "c", "b", "a"])), answered, "order plays no part");
            used.insert(format!("{answered:?}"));
        }
        assert_eq!(used.len(), ids.len());
        assert_eq!(pick_by_hash(&asked("x", &[])), Answered::Skip);
        assert_eq!(pick_by_hash(&asked("Record id: r1", &ids)), Answered::Assign("d".into()), "on every machine");
    }
}
