use crate::model::{Body, Cluster, HttpResponse, Instructions, Job, Previous, Record, Settings};
use crate::sandbox::bindings::contract as guest;

/// A job. A record's label and the registry's own fields stay here.
pub(in crate::sandbox) fn job(job: &Job) -> guest::Job {
    guest::Job {
        records: job.records.iter().map(|one| record(one)).collect(),
        candidates: job.candidates.iter().map(|one| cluster(one)).collect(),
        instructions: instructions(&job.instructions),
        allow_new_cluster: job.allow_new_cluster,
        settings: settings(&job.settings),
        profile: job.profile.to_vec(),
        extras: Vec::new(),
    }
}

/// How to judge.
pub(in crate::sandbox) fn settings(settings: &Settings) -> guest::Settings {
    guest::Settings {
        model: settings.model.clone(),
        temperature: settings.temperature,
        max_output_tokens: settings.max_output_tokens,
        seed: settings.seed,
        extra: settings.extra.clone(),
    }
}

/// What came back in the preparation, and the state beside it.
pub(in crate::sandbox) fn previous(previous: Previous) -> guest::Previous {
    guest::Previous { state: previous.state, response: response(previous.response) }
}

/// What came back.
pub(in crate::sandbox) fn response(response: HttpResponse) -> guest::HttpResponse {
    guest::HttpResponse {
        status: response.status,
        headers: response.headers,
        body: match response.body {
            Body::Text(text) => guest::Body::Text(text),
            Body::Binary(bytes) => guest::Body::Binary(bytes),
        },
    }
}

fn record(record: &Record) -> guest::Record {
    guest::Record { id: record.request_id.clone(), text: record.text.clone(), context: record.context.clone() }
}

fn cluster(cluster: &Cluster) -> guest::Cluster {
    guest::Cluster {
        id: cluster.cluster_id.clone(),
        name: cluster.name.clone(),
        summary: cluster.summary.clone(),
        criteria: cluster.criteria.clone(),
        samples: cluster.sample_requests.clone(),
    }
}

fn instructions(instructions: &Instructions) -> guest::Instructions {
    guest::Instructions { text: instructions.text.clone(), rationale_language: instructions.rationale_language.clone() }
}
