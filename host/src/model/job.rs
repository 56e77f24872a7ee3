use super::{Body, Cluster, ClusterId, Record};
use std::sync::Arc;

/// How to judge; the same for all jobs of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Model name as the API knows it; empty for a provider that needs none.
    pub model: String,
    /// Sampling temperature, 0.0 to 2.0.
    pub temperature: Option<f64>,
    /// Upper bound of generated tokens for one answer.
    pub max_output_tokens: Option<u32>,
    /// Sampling seed.
    pub seed: Option<u64>,
    /// The provider's own settings, in order of name.
    pub extra: Vec<(String, String)>,
}

/// What the judge should know besides texts and clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instructions {
    /// The operator's words; may be empty.
    pub text: String,
    /// Language of the rationale as a BCP 47 tag; none means the record's own.
    pub rationale_language: Option<String>,
}

/// What is asked of every record that is shown the same candidates.
#[derive(Clone, Debug)]
pub struct Task {
    /// The clusters to choose from, in an order that stays the same from task to task.
    pub candidates: Arc<[Arc<Cluster>]>,
    /// What to know besides.
    pub instructions: Arc<Instructions>,
    /// Whether a new cluster is an allowed decision.
    pub allow_new_cluster: bool,
    /// The most records that a job of it holds, from 1. With 1 the answer is one verdict, with more a list of them.
    pub records_max: u32,
    /// How to judge.
    pub settings: Arc<Settings>,
    /// What the provider's preparation returned.
    pub profile: Arc<[u8]>,
}

/// One question to the judge. Cheap to clone: what jobs share is shared.
#[derive(Clone, Debug)]
pub struct Job {
    /// What to judge; never empty.
    pub records: Vec<Arc<Record>>,
    /// What is asked of them.
    pub task: Arc<Task>,
    /// What the provider made of the task.
    pub brief: Arc<Body>,
}

impl Task {
    /// The ids that an assignment may name, in the order of the candidates.
    pub fn candidate_ids(&self) -> impl Iterator<Item = &ClusterId> {
        self.candidates.iter().map(|cluster| &cluster.cluster_id)
    }
}
