//! A job as the two calls of a record take it: borrowed, since a guest gets a copy of its own anyway. What
//! wasmtime makes of the contract would own every text, and so copy each of them once more.

use crate::model::{Body, Job, Record};
use wasmtime::component::{ComponentType, Lower};

/// The contract's `job`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct JobParam<'a> {
    records: &'a [RecordParam<'a>],
    brief: BodyParam<'a>,
    #[component(name = "candidate-ids")]
    candidate_ids: &'a [&'a str],
    #[component(name = "allow-new-cluster")]
    allow_new_cluster: bool,
    extras: &'a [(String, String)],
}

/// The contract's `record`. A record's label stays here.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct RecordParam<'a> {
    id: &'a str,
    text: &'a str,
    context: &'a [(String, String)],
}

/// The contract's `body`.
#[derive(ComponentType, Lower)]
#[component(variant)]
pub(super) enum BodyParam<'a> {
    #[component(name = "text")]
    Text(&'a str),
    #[component(name = "binary")]
    Binary(&'a [u8]),
}

/// The lists of a job, which its parameter points into.
pub(super) struct Lists<'a> {
    records: Vec<RecordParam<'a>>,
    candidate_ids: Vec<&'a str>,
}

impl<'a> Lists<'a> {
    /// Those of this job.
    pub(super) fn of(job: &'a Job) -> Lists<'a> {
        Lists {
            records: job.records.iter().map(|one| record(one)).collect(),
            candidate_ids: job.task.candidate_ids().map(String::as_str).collect(),
        }
    }

    /// The job, with these lists of it.
    pub(super) fn job(&'a self, job: &'a Job) -> JobParam<'a> {
        JobParam {
            records: &self.records,
            brief: match job.brief.as_ref() {
                Body::Text(text) => BodyParam::Text(text),
                Body::Binary(bytes) => BodyParam::Binary(bytes),
            },
            candidate_ids: &self.candidate_ids,
            allow_new_cluster: job.task.allow_new_cluster,
            extras: &[],
        }
    }
}

fn record(record: &Record) -> RecordParam<'_> {
    RecordParam { id: &record.request_id, text: &record.text, context: &record.context }
}
