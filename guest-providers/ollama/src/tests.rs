//! The whole provider through its trait: request as golden text, responses as a table.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use judge_provider::serde_json::{self, Value, json};
use judge_provider::{Cluster, FaultKind, Instructions, Outgoing, Record};

mod answers;
mod failures;
mod preflight;
mod second_round;

const VERDICT: &str =
    r#"{"rationale":"money","decision":"assign","cluster_id":"top-up","confidence":"high","new_cluster":null}"#;

fn settings(extra: &[(&str, &str)]) -> Settings {
    let extra = extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings { model: "qwen3:8b".to_owned(), temperature: None, max_output_tokens: None, seed: None, extra }
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
        allow_new_cluster: false,
        records_max: 1,
        settings,
        profile: Vec::new(),
        extras: Vec::new(),
    }
}

fn job(settings: Settings) -> Job {
    job_of(&task(settings))
}

fn job_of(task: &Task) -> Job {
    let record = Record { id: "r1".to_owned(), text: "add money please".to_owned(), context: Vec::new() };
    let brief = Ollama::brief(task.clone()).unwrap();
    task.job(brief, vec![record])
}

fn response(status: u16, body: &str) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: Body::Text(body.to_owned()) }
}

fn sent(settings: Settings) -> (Outgoing, Value) {
    sent_for(&task(settings))
}

fn sent_for(task: &Task) -> (Outgoing, Value) {
    let Ok(Step::Send(outgoing)) = Ollama::build_request(job_of(task)) else { panic!("a request is built") };
    let body = body_of(&outgoing);
    (outgoing, body)
}

fn body_of(outgoing: &Outgoing) -> Value {
    let Some(Body::Text(body)) = &outgoing.request.body else { panic!("the body is text") };
    serde_json::from_str(body).unwrap()
}

fn profile(profile: &Value) -> Vec<u8> {
    profile.to_string().into_bytes()
}

fn parse(job: Job, status: u16, body: &str) -> Result<Step, Fault> {
    Ollama::parse_response(job, Vec::new(), response(status, body))
}

#[track_caller]
fn assert_hint(fault: &Fault, words: &str) {
    let hint = fault.hint.as_deref().unwrap_or_default();
    assert!(hint.contains(words), "{fault:?}");
}

#[test]
fn the_request_is_as_the_api_wants_it() {
    let (outgoing, mut body) = sent(settings(&[]));
    assert_eq!((outgoing.request.method.as_str(), outgoing.request.path_and_query.as_str()), ("POST", "/api/chat"));
    let system = body["messages"][0]["content"].take();
    assert!(system.as_str().unwrap().ends_with("{\"id\":\"top-up\",\"name\":\"Top up\"}\n"), "{system}");
    assert_eq!(
        body.to_string(),
        r#"{"model":"qwen3:8b","stream":false,"think":false,"format":{"type":"object","properties":{"#.to_owned()
            + r#""rationale":{"type":"string"},"decision":{"type":"string","enum":["assign","skip"]},"#
            + r#""cluster_id":{"anyOf":[{"type":"string","enum":["top-up"]},{"type":"null"}]},"#
            + r#""confidence":{"type":"string","enum":["low","medium","high"]},"new_cluster":{"type":"null"}},"#
            + r#""required":["rationale","decision","cluster_id","confidence","new_cluster"],"additionalProperties":false},"#
            + r#""truncate":false,"shift":false,"options":{"temperature":0.0,"num_predict":512,"num_ctx":8192},"#
            + r#""messages":[{"role":"system","content":null},"#
            + r#"{"role":"user","content":"Record id: r1\nText: \"add money please\"\n"}]}"#
    );
}

#[test]
fn the_same_job_gives_the_same_bytes() {
    assert_eq!(sent(settings(&[])).0, sent(settings(&[])).0);
}

#[test]
fn settings_reach_the_request() {
    let mut chosen = settings(&[("keep_alive", "600"), ("num_ctx", "4096"), ("think", "low")]);
    (chosen.temperature, chosen.max_output_tokens, chosen.seed) = (Some(0.5), Some(99), Some(7));
    let (_, body) = sent(chosen);
    assert_eq!(body["options"], json!({ "temperature": 0.5, "num_predict": 99, "num_ctx": 4096, "seed": 7 }));
    assert_eq!((&body["keep_alive"], &body["think"]), (&json!(600), &json!("low")));
    assert_eq!(sent(settings(&[("keep_alive", "10m")])).1["keep_alive"], json!("10m"));
}

#[test]
fn settings_that_cannot_be_read_fail_before_the_run() {
    for (name, value) in [("num_ctx", "many"), ("num_ctx", "0"), ("think", "maybe"), ("warm", "a bit"), ("repair", "2")]
    {
        let fault = Ollama::prepare(settings(&[(name, value)]), None).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::InvalidRequest, Some("bad-setting")), "{name}");
    }
}

#[test]
fn thinking_is_sent_to_models_that_can_and_given_room() {
    for (known, think, sent, num_predict) in [
        (json!({}), "false", json!(false), 512),
        (json!({}), "true", json!(true), 4608),
        (json!({ "thinks": true }), "false", json!(false), 512),
        (json!({ "thinks": true }), "high", json!("high"), 4608),
        (json!({ "thinks": false }), "false", Value::Null, 512),
        (json!({ "thinks": true, "has_levels_only": true }), "false", json!("low"), 4608),
        (json!({ "thinks": true, "has_levels_only": true }), "medium", json!("medium"), 4608),
    ] {
        let task = Task { profile: profile(&known), ..task(settings(&[("think", think)])) };
        let (_, body) = sent_for(&task);
        assert_eq!((&body["think"], &body["options"]["num_predict"]), (&sent, &json!(num_predict)), "{known} {think}");
        assert_eq!(body.get("think").is_some(), !sent.is_null(), "no explicit null: {known} {think}");
    }
}

#[test]
fn the_cloud_gets_no_format_and_a_small_model_no_large_context() {
    let cloud = Task { profile: profile(&json!({ "is_cloud": true })), ..task(settings(&[])) };
    assert!(sent_for(&cloud).1.get("format").is_none());
    let small = || Task { profile: profile(&json!({ "context_max": 2048 })), ..task(settings(&[])) };
    assert_eq!(sent_for(&small()).1["options"]["num_ctx"], 2048);
    let chosen = Task { settings: settings(&[("num_ctx", "4096")]), ..small() };
    assert_eq!(sent_for(&chosen).1["options"]["num_ctx"], 4096, "the operator's word counts");
}
