//! What the preparation learns, against servers that refuse one thing or another.

use super::*;
use std::cell::Cell;

/// Settings for a model of which nothing is known.
fn unknown(extra: &[(&str, &str)]) -> Settings {
    Settings { model: "gpt-9".to_owned(), seed: Some(7), ..settings(extra) }
}

fn refusing(param: &str, code: &str) -> HttpResponse {
    let message = format!("Unsupported parameter: '{param}' is not supported with this model.");
    let error = json!({ "message": message, "type": "invalid_request_error", "param": param, "code": code });
    response(400, &json!({ "error": error }).to_string())
}

fn saying(message: &str) -> HttpResponse {
    response(400, &json!({ "error": { "message": message, "type": "invalid_request_error" } }).to_string())
}

fn good(usage: &Value) -> HttpResponse {
    let choice = json!({ "message": { "content": "{\"count\":\"1 2" }, "finish_reason": "length" });
    response(200, &json!({ "choices": [choice], "usage": usage }).to_string())
}

/// Runs the preparation against a server that answers by the body of a probe.
fn prepare(settings: &Settings, answer: impl Fn(&Value) -> HttpResponse) -> Result<(Vec<u8>, Vec<Value>), Fault> {
    let (mut previous, mut bodies) = (None, Vec::new());
    for _ in 0..9 {
        let outgoing = match OpenAi::prepare(settings.clone(), previous)? {
            Preparation::Ready(profile) => return Ok((profile, bodies)),
            Preparation::Send(outgoing) => outgoing,
        };
        let response = match &outgoing.request.body {
            None => response(200, r#"{"data":[]}"#),
            Some(Body::Text(text)) => {
                let body: Value = serde_json::from_str(text).unwrap();
                let response = answer(&body);
                bodies.push(body);
                response
            }
            Some(Body::Binary(_)) => panic!("the body is text"),
        };
        previous = Some(Previous { state: outgoing.state, response });
    }
    panic!("more requests than the contract allows");
}

/// The fields of a record's request after a preparation.
fn fields(settings: &Settings, profile: Vec<u8>) -> Value {
    let task = Task { profile, ..task(settings.clone()) };
    let job = task.job(OpenAi::brief(task.clone()).unwrap(), job(settings.clone()).records);
    let Ok(Step::Send(outgoing)) = OpenAi::build_request(job) else { panic!("a request is built") };
    let Some(Body::Text(body)) = outgoing.request.body else { panic!("the body is text") };
    serde_json::from_str(&body).unwrap()
}

#[test]
fn the_probe_is_tiny_and_has_the_runs_parameters() {
    let (profile, bodies) = prepare(&unknown(&[("service_tier", "flex")]), |_| good(&json!({}))).unwrap();
    assert_eq!(profile, Vec::<u8>::new(), "nothing was learned");
    assert_eq!(
        bodies.iter().map(Value::to_string).collect::<Vec<_>>(),
        [r#"{"model":"gpt-9","messages":[{"role":"user","content":"Answer with this JSON object and nothing else: "#
            .to_owned()
            + r#"{\"count\":\"1 2 3 4 5 6 7 8 9 10 11 12\"}"}],"#
            + r#""response_format":{"type":"json_schema","json_schema":{"name":"verdict","strict":true,"schema":"#
            + r#"{"type":"object","properties":{"count":{"type":"string"}},"required":["count"],"#
            + r#""additionalProperties":false}}},"max_completion_tokens":8,"temperature":0.0,"seed":7,"service_tier":"flex"}"#]
    );
}

#[test]
fn only_models_that_may_refuse_something_are_asked() {
    let asked = |settings: Settings| prepare(&settings, |_| good(&json!({}))).unwrap().1.len();
    assert_eq!(asked(settings(&[])), 0, "gpt-4o-mini takes all of it");
    assert_eq!(asked(settings(&[("probe", "always")])), 1);
    assert_eq!(asked(unknown(&[])), 1);
    assert_eq!(asked(unknown(&[("probe", "never")])), 0);
    assert_eq!(asked(unknown(&[("check_model", "false")])), 1);
}

#[test]
fn what_is_refused_is_left_out_of_every_request() {
    // A reasoning model that is choosy: it names one parameter at a time.
    let choosy = |body: &Value| {
        let refused = ["temperature", "seed"].into_iter().find(|name| body.get(name).is_some());
        match refused {
            Some(name) => refusing(name, "unsupported_value"),
            None => saying("Could not finish the message because max_tokens or model output limit was reached."),
        }
    };
    let settings = unknown(&[]);
    let (profile, bodies) = prepare(&settings, choosy).unwrap();
    assert_eq!(bodies.len(), 3);
    let body = fields(&settings, profile.clone());
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["model", "messages", "response_format", "max_completion_tokens"]);
    assert_eq!(body["max_completion_tokens"], 512 + 4096, "it reasons, so it needs room");

    let task = Task { profile, ..task(settings.clone()) };
    let job = task.job(OpenAi::brief(task.clone()).unwrap(), job(settings).records);
    let answer = json!({ "choices": [{ "message": { "content": VERDICT }, "finish_reason": "stop" }] });
    let Ok(Step::Done(answer)) = OpenAi::parse_response(job, Vec::new(), response(200, &answer.to_string())) else {
        panic!("the job is done")
    };
    assert_eq!(answer.extras, [("left-out".to_owned(), "temperature, seed".to_owned())]);
}

#[test]
fn the_form_is_loosened_step_by_step() {
    let deepseek = |body: &Value| match body["response_format"]["type"].as_str() {
        Some("json_schema") => saying("This response_format type is unavailable now"),
        _ => good(&json!({})),
    };
    let (profile, bodies) = prepare(&unknown(&[]), deepseek).unwrap();
    assert_eq!(bodies.len(), 2);
    assert_eq!(fields(&unknown(&[]), profile)["response_format"], json!({ "type": "json_object" }));
    let plain = |body: &Value| match body.get("response_format") {
        Some(_) => refusing("response_format", "unsupported_parameter"),
        None => good(&json!({})),
    };
    let (profile, bodies) = prepare(&unknown(&[]), plain).unwrap();
    assert_eq!(bodies.len(), 3);
    assert!(fields(&unknown(&[]), profile).get("response_format").is_none());
}

#[test]
fn the_token_field_is_the_one_that_the_server_heeds() {
    let settings = unknown(&[]);
    let older = |body: &Value| match body.get("max_completion_tokens") {
        Some(_) => {
            let place = json!({ "type": "extra_forbidden", "loc": ["body", "max_completion_tokens"], "msg": "Extra inputs are not permitted" });
            response(422, &json!({ "detail": [place] }).to_string())
        }
        None => good(&json!({ "completion_tokens": 8 })),
    };
    let (profile, bodies) = prepare(&settings, older).unwrap();
    assert_eq!((bodies.len(), &fields(&settings, profile)["max_tokens"]), (2, &json!(512)));

    let deaf = |_: &Value| good(&json!({ "completion_tokens": 31 }));
    let (profile, bodies) = prepare(&settings, deaf).unwrap();
    let body = fields(&settings, profile);
    assert_eq!((bodies.len(), &body["max_tokens"], body.get("max_completion_tokens")), (1, &json!(512), None));

    // "Use 'max_completion_tokens' instead" names the remedy too, and must not be taken for the culprit.
    let words =
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    let newer = |body: &Value| if body.get("max_tokens").is_some() { saying(words) } else { good(&json!({})) };
    let chosen = unknown(&[("token_limit_field", "max_tokens")]);
    let (profile, _) = prepare(&chosen, newer).unwrap();
    assert_eq!(fields(&chosen, profile)["max_completion_tokens"], 512);
}

#[test]
fn a_model_that_reasons_gets_room_for_it() {
    let usage = json!({ "completion_tokens": 8, "completion_tokens_details": { "reasoning_tokens": 8 } });
    let (profile, _) = prepare(&unknown(&[]), |_| good(&usage)).unwrap();
    assert_eq!(fields(&unknown(&[]), profile)["max_completion_tokens"], 512 + 4096);
    let capped = Settings { max_output_tokens: Some(99), ..unknown(&[]) };
    let (profile, _) = prepare(&capped, |_| good(&usage)).unwrap();
    assert_eq!(fields(&capped, profile)["max_completion_tokens"], 99, "the operator's own number stands");
}

#[test]
fn what_would_end_every_record_ends_the_preparation() {
    let probes = Cell::new(0);
    let both = |body: &Value| {
        probes.set(probes.get() + 1);
        let field = if body.get("max_tokens").is_some() { "max_tokens" } else { "max_completion_tokens" };
        refusing(field, "unsupported_parameter")
    };
    let refused = prepare(&unknown(&[]), both).unwrap_err();
    assert_eq!((refused.kind, probes.get()), (FaultKind::Unsupported, 2), "it does not go round in circles");
    let error = |code: &str| json!({ "error": { "message": "m", "type": "t", "code": code } }).to_string();
    for (status, body, kind) in [
        (429, error("insufficient_quota"), FaultKind::Quota),
        (401, r#"{"error":"Unauthorized"}"#.to_owned(), FaultKind::Credentials),
        (404, error("model_not_found"), FaultKind::ModelNotFound),
        (503, error("unavailable_error"), FaultKind::Unavailable),
        (200, error("server_error"), FaultKind::Unavailable),
        (200, "<html>".to_owned(), FaultKind::Unavailable),
        (429, error("rate_limit_exceeded"), FaultKind::RateLimited),
        (400, error("odd"), FaultKind::InvalidRequest),
    ] {
        let fault = prepare(&unknown(&[]), |_| response(status, &body)).unwrap_err();
        assert_eq!(fault.kind, kind, "{status} {body}");
    }
    let odd = prepare(&unknown(&[]), |_| saying("bad")).unwrap_err();
    assert!(odd.hint.unwrap().contains("--setting probe=never"));
    let effort = unknown(&[("reasoning_effort", "max")]);
    let fault = prepare(&effort, |_| refusing("reasoning_effort", "unsupported_value")).unwrap_err();
    assert!(fault.hint.unwrap().contains("reasoning_effort"), "the operator's own choice is not dropped in silence");
}

#[test]
fn what_says_nothing_of_the_records_lets_the_run_begin() {
    for answer in [
        saying("max_completion_tokens must be at least 16"),
        saying("the maximum context length is 4"),
        response(400, r#"{"error":{"message":"filtered","code":"content_filter"}}"#),
    ] {
        assert_eq!(prepare(&unknown(&[]), |_| answer.clone()).unwrap().0, Vec::<u8>::new(), "{answer:?}");
    }
}

#[test]
fn another_providers_profile_is_a_fault() {
    let task = Task { profile: b"tensors".to_vec(), ..task(settings(&[])) };
    assert_eq!(OpenAi::brief(task).unwrap_err().kind, FaultKind::Other);
}
