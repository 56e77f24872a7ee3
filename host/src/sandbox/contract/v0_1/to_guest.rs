use super::bindings::contract as guest;
use crate::model::{Body, Cluster, HttpResponse, Instructions, Previous, Settings, Task};

/// A task. The registry's own fields of a cluster stay here.
pub(super) fn task(task: &Task) -> guest::Task {
    guest::Task {
        candidates: task.candidates.iter().map(|one| cluster(one)).collect(),
        instructions: instructions(&task.instructions),
        allow_new_cluster: task.allow_new_cluster,
        records_max: task.records_max,
        settings: settings(&task.settings),
        profile: task.profile.to_vec(),
        extras: Vec::new(),
    }
}

/// How to judge.
pub(super) fn settings(settings: &Settings) -> guest::Settings {
    guest::Settings {
        model: settings.model.clone(),
        temperature: settings.temperature,
        max_output_tokens: settings.max_output_tokens,
        seed: settings.seed,
        extra: settings.extra.clone(),
    }
}

/// What came back in the preparation, and the state beside it.
pub(super) fn previous(previous: Previous) -> guest::Previous {
    guest::Previous { state: previous.state, response: response(previous.response) }
}

/// What came back.
pub(super) fn response(response: HttpResponse) -> guest::HttpResponse {
    guest::HttpResponse { status: response.status, headers: response.headers, body: body(response.body) }
}

fn body(body: Body) -> guest::Body {
    match body {
        Body::Text(text) => guest::Body::Text(text),
        Body::Binary(bytes) => guest::Body::Binary(bytes),
    }
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
