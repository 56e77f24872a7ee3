//! The whole provider through its trait: requests as golden text, responses as tables.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod errors;
mod preflight;
mod repair;
mod requests;
mod responses;

use super::*;
use judge_provider::serde_json::{self, Value, json};
use judge_provider::{Cluster, FaultKind, Instructions, Outgoing, Record};

const VERDICT: &str =
    r#"{"rationale":"money","decision":"assign","cluster_id":"top-up","confidence":"high","new_cluster":null}"#;

fn settings(extra: &[(&str, &str)]) -> Settings {
    let extra = extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings { model: "claude-haiku-4-5".to_owned(), temperature: None, max_output_tokens: None, seed: None, extra }
}

fn task(settings: Settings) -> Task {
    let cluster = Cluster {
        id: "top-up".to_owned(),
        name: "Top up".to_owned(),
        summary: String::new(),
        criteria: String::new(),
        samples: Vec::new(),
    };
    Task {
        candidates: vec![cluster],
        instructions: Instructions { text: String::new(), rationale_language: None },
        allow_new_cluster: true,
        records_max: 1,
        settings,
        profile: Vec::new(),
        extras: Vec::new(),
    }
}

fn record(id: &str, text: &str) -> Record {
    Record { id: id.to_owned(), text: text.to_owned(), context: Vec::new() }
}

fn job_of(task: &Task) -> Job {
    let brief = Anthropic::brief(task.clone()).unwrap();
    task.job(brief, vec![record("r1", "add money please")])
}

fn job(settings: Settings) -> Job {
    job_of(&task(settings))
}

fn response(status: u16, headers: &[(&str, &str)], body: &str) -> HttpResponse {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    HttpResponse { status, headers, body: Body::Text(body.to_owned()) }
}

fn parse(status: u16, headers: &[(&str, &str)], body: &str) -> Result<Step, Fault> {
    Anthropic::parse_response(job(settings(&[])), Vec::new(), response(status, headers, body))
}

fn text_of(outgoing: &Outgoing) -> String {
    let Some(Body::Text(body)) = outgoing.request.body.clone() else { panic!("the body is text") };
    body
}

fn sent_for(job: Job) -> (Outgoing, Value) {
    let Ok(Step::Send(outgoing)) = Anthropic::build_request(job) else { panic!("a request is built") };
    let body = serde_json::from_str(&text_of(&outgoing)).unwrap();
    (outgoing, body)
}

/// An error as the API words it.
fn error(kind: &str, message: &str) -> String {
    json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "req_1" }).to_string()
}
