//! A task as `brief` takes it: borrowed, as a job is. Where candidates are chosen for each record, each has a task of its own.

use super::bindings::contract as guest;
use super::to_guest;
use crate::model::{Cluster, Task};
use wasmtime::component::{ComponentType, Lower};

/// The contract's `task`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct TaskParam<'a> {
    candidates: &'a [ClusterParam<'a>],
    instructions: InstructionsParam<'a>,
    #[component(name = "allow-new-cluster")]
    allow_new_cluster: bool,
    #[component(name = "records-max")]
    records_max: u32,
    settings: &'a guest::Settings,
    profile: &'a [u8],
    extras: &'a [(String, String)],
}

/// The contract's `cluster`. The registry's own fields of one stay here.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct ClusterParam<'a> {
    id: &'a str,
    name: &'a str,
    summary: &'a str,
    criteria: &'a str,
    samples: &'a [String],
}

/// The contract's `instructions`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct InstructionsParam<'a> {
    text: &'a str,
    #[component(name = "rationale-language")]
    rationale_language: Option<&'a str>,
}

/// What a task's parameter points into.
pub(super) struct Parts<'a> {
    candidates: Vec<ClusterParam<'a>>,
    settings: guest::Settings,
}

impl<'a> Parts<'a> {
    /// Those of this task.
    pub(super) fn of(task: &'a Task) -> Parts<'a> {
        let candidates = task.candidates.iter().map(|one| cluster(one)).collect();
        Parts { candidates, settings: to_guest::settings(&task.settings) }
    }

    /// The task, with these parts of it.
    pub(super) fn task(&'a self, task: &'a Task) -> TaskParam<'a> {
        TaskParam {
            candidates: &self.candidates,
            instructions: InstructionsParam {
                text: &task.instructions.text,
                rationale_language: task.instructions.rationale_language.as_deref(),
            },
            allow_new_cluster: task.allow_new_cluster,
            records_max: task.records_max,
            settings: &self.settings,
            profile: &task.profile,
            extras: &[],
        }
    }
}

fn cluster(cluster: &Cluster) -> ClusterParam<'_> {
    ClusterParam {
        id: &cluster.cluster_id,
        name: &cluster.name,
        summary: &cluster.summary,
        criteria: &cluster.criteria,
        samples: &cluster.sample_requests,
    }
}
