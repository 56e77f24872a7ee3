//! The preflight: the key, the model, and what its providers take.

use super::*;

const LIST: &str = "/api/v1/models/openai/gpt-4o-mini/endpoints";
const ALL: [&str; 5] = ["structured_outputs", "response_format", "max_tokens", "temperature", "seed"];

fn path(step: Result<Preparation, Fault>) -> (String, Vec<u8>) {
    let Ok(Preparation::Send(outgoing)) = step else { panic!("a request is sent: {step:?}") };
    assert_eq!(outgoing.request.method, "GET");
    (outgoing.request.path_and_query, outgoing.state)
}

fn key(settings: &Settings, status: u16, body: &str) -> Result<Preparation, Fault> {
    let (asked, state) = path(OpenRouter::prepare(settings.clone(), None));
    assert_eq!(asked, "/api/v1/key");
    OpenRouter::prepare(settings.clone(), Some(Previous { state, response: response(status, &[], body) }))
}

fn model(settings: &Settings, status: u16, body: &str) -> Result<Preparation, Fault> {
    let (_, state) = path(key(settings, 200, r#"{"data":{"limit":null,"limit_remaining":null}}"#));
    OpenRouter::prepare(settings.clone(), Some(Previous { state, response: response(status, &[], body) }))
}

/// The fields of a record's request, where the model's providers take these parameters.
fn fields(settings: &Settings, providers: &[&[&str]]) -> Value {
    let endpoints: Vec<Value> = providers.iter().map(|names| json!({ "supported_parameters": names })).collect();
    let list = json!({ "data": { "id": "m", "endpoints": endpoints } });
    let Ok(Preparation::Ready(profile)) = model(settings, 200, &list.to_string()) else { panic!("the run may begin") };
    sent(job_of(&Task { profile, ..task(settings.clone()) })).1
}

#[test]
fn the_key_is_checked_before_the_model() {
    let settings = settings(&[]);
    for body in [
        r#"{"data":{"limit":null,"limit_remaining":null}}"#,
        r#"{"data":{"limit":5,"limit_remaining":0.1}}"#,
        r#"{"data":{"limit":0,"limit_remaining":0}}"#,
    ] {
        assert_eq!(path(key(&settings, 200, body)).0, LIST, "{body}");
    }
    assert_eq!(path(key(&settings, 404, "")).0, LIST, "a gateway may have no such route");
    let wrong = key(&settings, 401, r#"{"error":{"code":401,"message":"Missing Authentication header"}}"#).unwrap_err();
    assert_eq!(wrong.kind, FaultKind::Credentials);
    assert!(wrong.hint.unwrap().contains("--api-key-env"));
    let used_up = key(&settings, 200, r#"{"data":{"limit":5,"limit_remaining":0}}"#).unwrap_err();
    assert_eq!((used_up.kind, used_up.code.as_deref()), (FaultKind::Quota, Some("limit_remaining")));
    assert_eq!(key(&settings, 502, "<html>").unwrap_err().kind, FaultKind::Unavailable);
}

#[test]
fn the_model_is_looked_up_by_its_bare_name() {
    for (name, expected) in [
        ("openai/gpt-4o-mini:nitro", Some(LIST)),
        ("openai/gpt-4o-mini:floor", Some(LIST)),
        ("z-ai/glm-5.1:free", Some("/api/v1/models/z-ai/glm-5.1:free/endpoints")),
        ("~anthropic/claude-haiku-latest", Some("/api/v1/models/~anthropic/claude-haiku-latest/endpoints")),
        ("@preset/tickets", None),
        ("gpt-4o-mini", None),
        ("../key", None),
        ("a/../b", None),
        ("a/b?c", None),
    ] {
        let named = Settings { model: name.to_owned(), ..settings(&[]) };
        let step = key(&named, 200, r#"{"data":{}}"#);
        match expected {
            Some(expected) => assert_eq!(path(step).0, expected, "{name}"),
            None => assert_eq!(step, Ok(Preparation::Ready(Vec::new())), "{name}"),
        }
    }
    let unchecked = settings(&[("check_model", "false")]);
    assert_eq!(OpenRouter::prepare(unchecked, None), Ok(Preparation::Ready(Vec::new())));
}

#[test]
fn an_unknown_model_ends_the_run() {
    let missing = r#"{"error":{"code":404,"message":"Model not found"}}"#;
    let fault = model(&settings(&[]), 404, missing).unwrap_err();
    assert_eq!(fault.kind, FaultKind::ModelNotFound);
    assert!(fault.hint.unwrap().contains("--model"));
    let variant = Settings { model: "openai/gpt-4o-mini:extended".to_owned(), ..settings(&[]) };
    assert_eq!(model(&variant, 404, missing), Ok(Preparation::Ready(Vec::new())), "the router may know it");
    assert_eq!(model(&settings(&[]), 503, "").unwrap_err().kind, FaultKind::Overloaded);
    assert_eq!(model(&settings(&[]), 200, "<html>").unwrap_err().kind, FaultKind::Unavailable);
}

#[test]
fn what_no_provider_takes_is_left_out() {
    let seeded = Settings { seed: Some(7), ..settings(&[]) };
    let names = |body: &Value| body.as_object().unwrap().keys().skip(2).cloned().collect::<Vec<_>>();
    for (providers, expected) in [
        (&[&ALL[..]][..], &["response_format", "max_tokens", "temperature", "seed", "provider"][..]),
        (&[], &["response_format", "max_tokens", "temperature", "seed", "provider"]),
        (&[&ALL[..3]], &["response_format", "max_tokens", "provider"]),
        // The one that enforces the schema counts, whatever the other takes.
        (&[&ALL[..4], &ALL[2..]], &["response_format", "max_tokens", "temperature", "provider"]),
        (
            &[&["structured_outputs", "max_completion_tokens", "temperature", "seed"]],
            &["response_format", "max_completion_tokens", "temperature", "seed", "provider"],
        ),
        (&[&ALL[2..]], &["max_tokens", "temperature", "seed", "provider"]),
    ] {
        assert_eq!(names(&fields(&seeded, providers)), expected, "{providers:?}");
    }
    assert_eq!(fields(&seeded, &[&ALL[1..]])["response_format"], json!({ "type": "json_object" }));
    let free = settings(&[("omit", "response_format")]);
    let body = fields(&free, &[&ALL[..2], &ALL[2..]]);
    assert_eq!(body["temperature"], 0.0, "a schema that is not sent rules nobody out");
}

#[test]
fn a_model_that_reasons_gets_room_for_it() {
    let reasoning = [&ALL[..], &["reasoning"]].concat();
    assert_eq!(fields(&settings(&[]), &[&reasoning])["max_tokens"], 512 + 4096);
    assert_eq!(fields(&settings(&[]), &[&ALL])["max_tokens"], 512);
    let effort = settings(&[("reasoning_effort", "low")]);
    assert_eq!(fields(&effort, &[&reasoning])["reasoning"], json!({ "effort": "low" }));
    let list = json!({ "data": { "endpoints": [{ "supported_parameters": ALL }] } });
    let fault = model(&effort, 200, &list.to_string()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unsupported);
    assert!(fault.hint.unwrap().contains("reasoning_effort"));
}

#[test]
fn another_providers_profile_is_a_fault() {
    let task = Task { profile: b"tensors".to_vec(), ..task(settings(&[])) };
    assert_eq!(OpenRouter::brief(task).unwrap_err().kind, FaultKind::Other);
}
