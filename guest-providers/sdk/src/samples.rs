//! Values that the unit tests of this crate share.

use crate::{Body, Cluster, HttpResponse, Instructions, Job, Record, Settings, Task};

pub(crate) fn record(id: &str, text: &str) -> Record {
    Record { id: id.to_owned(), text: text.to_owned(), context: Vec::new() }
}

pub(crate) fn cluster(id: &str, name: &str) -> Cluster {
    Cluster {
        id: id.to_owned(),
        name: name.to_owned(),
        summary: String::new(),
        criteria: String::new(),
        samples: Vec::new(),
    }
}

pub(crate) fn task() -> Task {
    let mut first = cluster("card-arrival", "Card arrival");
    first.summary = "When the card comes".to_owned();
    first.samples = vec!["where is my card".to_owned()];
    Task {
        candidates: vec![first, cluster("top-up", "Top up")],
        instructions: Instructions { text: "We are a bank.".to_owned(), rationale_language: None },
        allow_new_cluster: true,
        records_max: 1,
        settings: Settings {
            model: "m".to_owned(),
            temperature: None,
            max_output_tokens: None,
            seed: None,
            extra: Vec::new(),
        },
        profile: Vec::new(),
        extras: Vec::new(),
    }
}

pub(crate) fn job() -> Job {
    let mut asked = record("r1", "where is my карта?");
    asked.context = vec![("channel".to_owned(), "app".to_owned())];
    task().job(Body::Text(String::new()), vec![asked])
}

pub(crate) fn response(status: u16, headers: &[(&str, &str)], body: &str) -> HttpResponse {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    HttpResponse { status, headers, body: Body::Text(body.to_owned()) }
}
