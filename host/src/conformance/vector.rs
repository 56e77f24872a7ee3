//! What a vector says: a job or a preparation, and the exchanges that follow. Everything but `about` has a default.

use crate::model::{Cluster, Instructions, Record, Settings, Task};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;

/// One file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vector {
    #[expect(dead_code, reason = "for readers of the file; that it is there is what is checked")]
    about: String,
    #[serde(default)]
    settings: VectorSettings,
    #[serde(default)]
    profile: Value,
    #[serde(default)]
    profile_base64: Value,
    #[serde(default)]
    task: VectorTask,
    #[serde(default)]
    records: Vec<VectorRecord>,
    /// What a preparation goes through; a vector with this has no job.
    #[serde(default)]
    pub(super) prepare: Vec<VectorCase>,
    /// What `build-request` sends.
    pub(super) request: Option<Value>,
    /// What `build-request` ends in, where it sends nothing.
    pub(super) answer: Option<Value>,
    /// Likewise.
    pub(super) fault: Option<Value>,
    /// What may come back.
    #[serde(default)]
    pub(super) cases: Vec<VectorCase>,
}

/// One way that things go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VectorCase {
    pub(super) about: String,
    /// Responses (with a `status`), and the requests (with a `method`) that the provider answers them with.
    #[serde(default)]
    pub(super) exchange: Vec<Value>,
    /// The end of a preparation.
    pub(super) ready: Option<Value>,
    /// The end of a job.
    pub(super) answer: Option<Value>,
    /// The end of either.
    pub(super) fault: Option<Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct VectorSettings {
    model: Option<String>,
    temperature: Option<f64>,
    max_output_tokens: Option<u32>,
    seed: Option<u64>,
    #[serde(default)]
    extra: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VectorTask {
    #[serde(default = "sample_candidates")]
    candidates: Vec<VectorCluster>,
    #[serde(default)]
    instructions: String,
    rationale_language: Option<String>,
    #[serde(default = "yes")]
    allow_new_cluster: bool,
    /// The most records that a job holds; 1 where the vector does not say.
    records_max: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VectorCluster {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    criteria: String,
    #[serde(default)]
    samples: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VectorRecord {
    id: String,
    text: String,
    #[serde(default)]
    context: Map<String, Value>,
}

impl Default for VectorTask {
    fn default() -> Self {
        VectorTask {
            candidates: sample_candidates(),
            instructions: String::new(),
            rationale_language: None,
            allow_new_cluster: true,
            records_max: None,
        }
    }
}

impl Vector {
    /// The settings of the run; the model is the provider's own where the vector names none.
    pub(super) fn settings(&self, default_model: Option<&str>) -> Settings {
        let mut extra: Vec<_> = self.settings.extra.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        extra.sort();
        Settings {
            model: self.settings.model.clone().or_else(|| default_model.map(str::to_owned)).unwrap_or_default(),
            temperature: self.settings.temperature,
            max_output_tokens: self.settings.max_output_tokens,
            seed: self.settings.seed,
            extra,
        }
    }

    /// What is asked of the records.
    pub(super) fn task(&self, default_model: Option<&str>) -> Result<Task, String> {
        let cluster = |cluster: &VectorCluster| {
            Arc::new(Cluster {
                cluster_id: cluster.id.clone(),
                name: cluster.name.clone(),
                summary: cluster.summary.clone(),
                criteria: cluster.criteria.clone(),
                sample_requests: cluster.samples.clone(),
                ..Cluster::default()
            })
        };
        let instructions = Instructions {
            text: self.task.instructions.clone(),
            rationale_language: self.task.rationale_language.clone(),
        };
        let profile = serde_json::json!({ "profile": self.profile, "profile_base64": self.profile_base64 });
        Ok(Task {
            candidates: self.task.candidates.iter().map(cluster).collect(),
            instructions: Arc::new(instructions),
            allow_new_cluster: self.task.allow_new_cluster,
            records_max: self.task.records_max.unwrap_or(1),
            settings: Arc::new(self.settings(default_model)),
            profile: super::spell::bytes(&profile, "profile")?.into(),
        })
    }

    /// The records to judge; one about a card where the vector names none.
    pub(super) fn records(&self) -> Vec<Arc<Record>> {
        if self.records.is_empty() {
            return vec![Arc::new(Record::new("r1", "Where is my new card?"))];
        }
        let record = |record: &VectorRecord| {
            let context = record.context.iter().map(|(name, value)| (name.clone(), text(value))).collect();
            Arc::new(Record { context, ..Record::new(record.id.as_str(), record.text.as_str()) })
        };
        self.records.iter().map(record).collect()
    }
}

/// A value as settings and context fields hold it.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn sample_candidates() -> Vec<VectorCluster> {
    let cluster = |id: &str, name: &str, summary: &str, sample: &str| VectorCluster {
        id: id.to_owned(),
        name: name.to_owned(),
        summary: summary.to_owned(),
        criteria: String::new(),
        samples: vec![sample.to_owned()],
    };
    vec![
        cluster("card_arrival", "Card arrival", "A card that was ordered has not come yet", "My card is late."),
        cluster("top_up_failed", "Top-up failed", "Money could not be added", "My top-up was declined."),
    ]
}

fn yes() -> bool {
    true
}
