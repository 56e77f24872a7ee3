//! The whole provider through its trait: request as golden text, responses as a table.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod errors;
mod probe;
mod repair;

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
fn what_one_vendor_has_is_sent_only_where_it_is_set() {
    let (_, body) = sent(settings(&[("reasoning_effort", "low"), ("service_tier", "flex"), ("thinking", "off")]));
    assert_eq!((&body["reasoning_effort"], &body["service_tier"]), (&json!("low"), &json!("flex")));
    assert_eq!(body["chat_template_kwargs"], json!({ "enable_thinking": false }));
    assert_eq!(body["max_completion_tokens"], 512 + 4096, "thoughts count towards the limit");
    let (_, body) = sent(settings(&[("reasoning_effort", "none")]));
    assert_eq!(body["max_completion_tokens"], 512);
    let (_, body) = sent(settings(&[("thinking", "on")]));
    assert_eq!(body["chat_template_kwargs"], json!({ "enable_thinking": true }));
}

#[test]
fn jobs_of_a_task_differ_in_the_record_alone() {
    let mut job = job(settings(&[]));
    let body = |job: &Job| {
        let Ok(Step::Send(outgoing)) = OpenAi::build_request(job.clone()) else { panic!("a request is built") };
        let Some(Body::Text(body)) = outgoing.request.body else { panic!("the body is text") };
        body
    };
    let first = body(&job);
    assert_eq!(first, body(&job), "same job, same bytes");
    job.records[0].text = "where is my card".to_owned();
    assert_eq!(body(&job), first.replace("add money please", "where is my card"));
}

#[test]
fn settings_that_cannot_be_read_fail_before_the_run() {
    for (name, value) in [
        ("token_limit_field", "tokens"),
        ("omit", "messages"),
        ("check_model", "perhaps"),
        ("probe", "sometimes"),
        ("reasoning_effort", "much"),
        ("service_tier", "free"),
        ("thinking", "deep"),
        ("repair", "twice"),
    ] {
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
        (choice(json!({ "content": "", "reasoning": "is it a top-up?" }), "stop"), FaultKind::Malformed, "empty"),
        (choice(json!({ "content": "{\"rat" }), "error"), FaultKind::Unavailable, "error"),
        (choice(json!({ "content": "top-up" }), "stop"), FaultKind::Malformed, "not-json"),
        (json!({ "choices": [], "usage": { "completion_tokens": 9 } }), FaultKind::Malformed, "no-choice"),
    ] {
        let fault = parse(200, &body.to_string()).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (kind, Some(code)), "{body}");
        assert_eq!(fault.usage.output_tokens, Some(9), "what was paid is told: {body}");
    }
}

#[test]
fn an_answer_that_is_filed_under_the_thoughts_is_read() {
    for message in [
        json!({ "content": null, "reasoning_content": VERDICT }),
        json!({ "content": "", "reasoning": format!("\n{VERDICT}") }),
        json!({ "content": VERDICT, "reasoning_content": "it is about money" }),
        json!({ "content": format!("<think>money</think>\n\n{VERDICT}") }),
    ] {
        let body = json!({ "choices": [{ "message": message, "finish_reason": "stop" }] });
        let Ok(Step::Done(answer)) = parse(200, &body.to_string()) else { panic!("the job is done: {body}") };
        assert_eq!(answer.verdicts[0].decision, Decision::Assign("top-up".to_owned()));
    }
}

#[test]
fn a_limit_that_thoughts_used_up_says_so() {
    let hint = |body: Value| parse(200, &body.to_string()).unwrap_err().hint.unwrap();
    let plain = hint(json!({ "choices": [{ "message": { "content": "{" }, "finish_reason": "length" }] }));
    assert_eq!(plain, "raise the limit by `--max-output-tokens N`");
    let usage = json!({ "completion_tokens": 512, "completion_tokens_details": { "reasoning_tokens": 512 } });
    let cut = json!({ "message": { "content": "" }, "finish_reason": "length" });
    assert!(hint(json!({ "choices": [cut], "usage": usage })).contains("`--setting reasoning_effort=low`"));
    let thought = json!({ "message": { "content": null, "reasoning": "hm" }, "finish_reason": "stop" });
    assert!(hint(json!({ "choices": [thought] })).contains("`--setting thinking=off`"));
}

#[test]
fn a_model_that_wrote_nothing_at_all_is_asked_again_later() {
    let body = json!({ "choices": [{ "message": { "content": "" } }], "usage": { "completion_tokens": 0 } });
    let fault = parse(200, &body.to_string()).unwrap_err();
    assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::Unavailable, Some("empty")));
}
