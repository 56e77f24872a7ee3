//! The whole provider through its trait: request as golden text, responses as a table.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use judge_provider::serde_json::{self, Value, json};
use judge_provider::{Cluster, Decision, FaultKind, Instructions, Outgoing, Record, Usage};

const VERDICT: &str =
    r#"{"rationale":"money","decision":"assign","cluster_id":"top-up","confidence":"high","new_cluster":null}"#;

fn settings(extra: &[(&str, &str)]) -> Settings {
    let extra = extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings { model: "gpt-4o-mini".to_owned(), temperature: None, max_output_tokens: None, seed: None, extra }
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

fn job(settings: Settings) -> Job {
    let record = Record { id: "r1".to_owned(), text: "add money please".to_owned(), context: Vec::new() };
    let task = task(settings);
    let brief = OpenAi::brief(task.clone()).unwrap();
    task.job(brief, vec![record])
}

fn response(status: u16, body: &str) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: Body::Text(body.to_owned()) }
}

fn parse(status: u16, body: &str) -> Result<Step, Fault> {
    OpenAi::parse_response(job(settings(&[])), Vec::new(), response(status, body))
}

fn sent(settings: Settings) -> (Outgoing, Value) {
    let Ok(Step::Send(outgoing)) = OpenAi::build_request(job(settings)) else { panic!("a request is built") };
    let Some(Body::Text(body)) = outgoing.request.body.clone() else { panic!("the body is text") };
    (outgoing, serde_json::from_str(&body).unwrap())
}

#[test]
fn the_request_is_as_the_api_wants_it() {
    let (outgoing, mut body) = sent(settings(&[]));
    let line = (outgoing.request.method.as_str(), outgoing.request.path_and_query.as_str());
    assert_eq!(line, ("POST", "/v1/chat/completions"));
    body["messages"][0]["content"].take();
    assert_eq!(
        body.to_string(),
        r#"{"model":"gpt-4o-mini","messages":[{"role":"system","content":null},"#.to_owned()
            + r#"{"role":"user","content":"Record id: r1\nText: \"add money please\"\n"}],"#
            + r#""response_format":{"type":"json_schema","json_schema":{"name":"verdict","strict":true,"schema":"#
            + r#"{"type":"object","properties":{"rationale":{"type":"string"},"#
            + r#""decision":{"type":"string","enum":["assign","new_cluster","skip"]},"#
            + r#""cluster_id":{"anyOf":[{"type":"string","enum":["top-up"]},{"type":"null"}]},"#
            + r#""confidence":{"type":"string","enum":["low","medium","high"]},"#
            + r#""new_cluster":{"anyOf":[{"type":"object","properties":{"name":{"type":"string"},"#
            + r#""summary":{"type":"string"},"criteria":{"type":"string"}},"required":["name","summary","criteria"],"#
            + r#""additionalProperties":false},{"type":"null"}]}},"#
            + r#""required":["rationale","decision","cluster_id","confidence","new_cluster"],"additionalProperties":false}}},"#
            + r#""max_completion_tokens":512,"temperature":0.0}"#
    );
}

#[test]
fn settings_reach_the_request() {
    let mut chosen = settings(&[("token_limit_field", "max_tokens"), ("omit", "response_format")]);
    (chosen.temperature, chosen.max_output_tokens, chosen.seed) = (Some(0.5), Some(99), Some(7));
    let (_, body) = sent(chosen);
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["model", "messages", "max_tokens", "temperature", "seed"]);
    let (_, body) = sent(settings(&[("omit", "temperature, token_limit")]));
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["model", "messages", "response_format"]);
}

#[test]
fn settings_that_cannot_be_read_fail_before_the_run() {
    for (name, value) in [("token_limit_field", "tokens"), ("omit", "messages"), ("check_model", "perhaps")] {
        let fault = OpenAi::prepare(settings(&[(name, value)]), None).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::InvalidRequest, Some("bad-setting")), "{name}");
    }
}

#[test]
fn the_preflight_checks_key_and_model() {
    let check = |status, body: &str| {
        OpenAi::prepare(settings(&[]), Some(Previous { state: Vec::new(), response: response(status, body) }))
    };
    let ready = Ok(Preparation::Ready(Vec::new()));
    for (status, body) in [
        (200, r#"{"object":"list","data":[{"id":"gpt-4o"},{"id":"gpt-4o-mini"}]}"#),
        (200, r#"{"object":"list","data":[]}"#),
        (404, r#"{"detail":"Not Found"}"#),
        (405, ""),
    ] {
        assert_eq!(check(status, body), ready, "{status} {body}");
    }
    assert_eq!(OpenAi::prepare(settings(&[("check_model", "false")]), None), ready);

    let others: Vec<Value> = (0..12).map(|n| json!({ "id": format!("m{n}") })).collect();
    let missing = check(200, &json!({ "data": others }).to_string()).unwrap_err();
    assert_eq!(missing.kind, FaultKind::ModelNotFound);
    assert!(missing.message.ends_with("m8, m9, among others"), "{}", missing.message);

    let key =
        r#"{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}"#;
    let refused = check(401, key).unwrap_err();
    assert_eq!(refused.kind, FaultKind::Credentials);
    assert!(refused.hint.unwrap().contains("--api-key-env"));
    assert!(check(403, "").unwrap_err().hint.unwrap().contains("check_model=false"));
    assert_eq!(check(200, "<html>").unwrap_err().kind, FaultKind::Unavailable);
}

#[test]
fn an_answer_is_read_with_its_cost() {
    let usage =
        json!({ "prompt_tokens": 310, "prompt_tokens_details": { "cached_tokens": 256 }, "completion_tokens": 42 });
    for content in [json!(VERDICT), json!([{ "type": "text", "text": VERDICT }])] {
        let body = json!({ "model": "gpt-4o-mini-2024-07-18", "usage": usage,
            "choices": [{ "index": 0, "message": { "content": content, "refusal": null }, "finish_reason": "stop" }] });
        let Ok(Step::Done(answer)) = parse(200, &format!("\n\n{body}")) else { panic!("the job is done") };
        assert_eq!(answer.verdicts[0].decision, Decision::Assign("top-up".to_owned()));
        assert_eq!(answer.model.as_deref(), Some("gpt-4o-mini-2024-07-18"));
        assert_eq!(answer.finish_reason.as_deref(), Some("stop"));
        let cost = Usage {
            input_tokens: Some(310),
            cached_input_tokens: Some(256),
            output_tokens: Some(42),
            cost_micro_usd: None,
        };
        assert_eq!(answer.usage, cost);
    }
}

#[test]
fn answers_that_are_none_have_their_kind() {
    let choice = |message: Value, reason: &str| json!({ "choices": [{ "message": message, "finish_reason": reason }], "usage": { "completion_tokens": 9 } });
    let refusal = json!({ "content": null, "refusal": "I cannot help with that" });
    let refusing_part = json!({ "content": [{ "type": "refusal", "refusal": "no" }] });
    for (body, kind, code) in [
        (choice(refusal, "stop"), FaultKind::Refused, "refusal"),
        (choice(refusing_part, "stop"), FaultKind::Refused, "refusal"),
        (choice(json!({ "content": VERDICT }), "length"), FaultKind::Truncated, "length"),
        (choice(json!({ "content": "" }), "length"), FaultKind::Truncated, "length"),
        (choice(json!({ "content": "{\"rat" }), "content_filter"), FaultKind::Refused, "content_filter"),
        (choice(json!({ "content": null }), "stop"), FaultKind::Malformed, "empty"),
        (choice(json!({ "content": [] }), "stop"), FaultKind::Malformed, "empty"),
        (choice(json!({ "content": "top-up" }), "stop"), FaultKind::Malformed, "not-json"),
        (json!({ "choices": [], "usage": { "completion_tokens": 9 } }), FaultKind::Malformed, "no-choice"),
    ] {
        let fault = parse(200, &body.to_string()).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (kind, Some(code)), "{body}");
        assert_eq!(fault.usage.output_tokens, Some(9), "what was paid is told: {body}");
    }
}

#[test]
fn every_error_has_its_kind() {
    let error = |kind: &str, code: Value, message: &str| {
        json!({ "error": { "message": message, "type": kind, "param": null, "code": code } }).to_string()
    };
    for (status, body, kind, code) in [
        (200, error("server_error", json!(503), "upstream"), FaultKind::Unavailable, "503"),
        (200, error("upstream", json!(429), "busy"), FaultKind::RateLimited, "429"),
        (200, r#"{"error":"odd"}"#.to_owned(), FaultKind::Other, "200"),
        (200, "<html>".to_owned(), FaultKind::Unavailable, "not-json-body"),
        (
            400,
            error("invalid_request_error", json!("unsupported_parameter"), "max_tokens"),
            FaultKind::Unsupported,
            "unsupported_parameter",
        ),
        (
            400,
            error("invalid_request_error", json!("context_length_exceeded"), "long"),
            FaultKind::TooLong,
            "context_length_exceeded",
        ),
        (400, error("exceed_context_size_error", json!(400), "long"), FaultKind::TooLong, "400"),
        (
            400,
            error("BadRequestError", json!(400), "This model's maximum context length is 4096"),
            FaultKind::TooLong,
            "400",
        ),
        (400, error("invalid_request_error", Value::Null, "bad"), FaultKind::InvalidRequest, "invalid_request_error"),
        (401, r#"{"error":"Unauthorized"}"#.to_owned(), FaultKind::Credentials, "401"),
        (
            403,
            error("invalid_request_error", json!("unsupported_country_region_territory"), "no"),
            FaultKind::Credentials,
            "unsupported_country_region_territory",
        ),
        (
            404,
            error("invalid_request_error", json!("model_not_found"), "no such"),
            FaultKind::ModelNotFound,
            "model_not_found",
        ),
        (
            404,
            r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}"#
                .to_owned(),
            FaultKind::ModelNotFound,
            "404",
        ),
        (404, r#"{"detail":"Not Found"}"#.to_owned(), FaultKind::InvalidRequest, "404"),
        (408, String::new(), FaultKind::TimedOut, "408"),
        (429, error("tokens", json!("rate_limit_exceeded"), "slow"), FaultKind::RateLimited, "rate_limit_exceeded"),
        (429, error("insufficient_quota", json!("insufficient_quota"), "pay"), FaultKind::Quota, "insufficient_quota"),
        (
            429,
            error("insufficient_quota", json!("project_spend_limit_exceeded"), "pay"),
            FaultKind::Quota,
            "project_spend_limit_exceeded",
        ),
        (500, error("server_error", Value::Null, "oops"), FaultKind::Unavailable, "server_error"),
        (502, "<html>".to_owned(), FaultKind::Unavailable, "502"),
        (503, error("server_error", json!("slow_down"), "slow"), FaultKind::Overloaded, "slow_down"),
        (503, error("unavailable_error", json!(503), "Loading model"), FaultKind::Unavailable, "503"),
        (529, String::new(), FaultKind::Overloaded, "529"),
    ] {
        let fault = parse(status, &body).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (kind, Some(code)), "{status} {body}");
    }
}

#[test]
fn unsupported_parameters_name_the_setting_that_helps() {
    for (param, setting) in [
        ("max_tokens", "token_limit_field=max_completion_tokens"),
        ("max_completion_tokens", "token_limit_field=max_tokens"),
        ("temperature", "omit=temperature"),
        ("response_format", "omit=response_format"),
    ] {
        let body = json!({ "error": { "message": "m", "param": param, "code": "unsupported_value" } });
        let hint = parse(400, &body.to_string()).unwrap_err().hint.unwrap();
        assert!(hint.contains(setting), "{hint}");
    }
}

#[test]
fn a_wait_comes_along() {
    let mut limited = response(429, r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#);
    limited.headers.push(("retry-after".to_owned(), b"3".to_vec()));
    let fault = OpenAi::parse_response(job(settings(&[])), Vec::new(), limited).unwrap_err();
    assert_eq!(fault.retry_after_ms, Some(3_000));
}
