//! The whole provider through its trait: request as golden text, responses as a table.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use judge_provider::serde_json::{Value, json};
use judge_provider::{Cluster, Decision, FaultKind, Instructions, Outgoing, Record, Usage};

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
    let record = Record { id: "r1".to_owned(), text: "add money please".to_owned(), context: Vec::new() };
    let task = task(settings);
    let brief = Ollama::brief(task.clone()).unwrap();
    task.job(brief, vec![record])
}

fn response(status: u16, body: &str) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: Body::Text(body.to_owned()) }
}

fn sent(settings: Settings) -> (Outgoing, Value) {
    let Ok(Step::Send(outgoing)) = Ollama::build_request(job(settings)) else { panic!("a request is built") };
    let Some(Body::Text(body)) = outgoing.request.body.clone() else { panic!("the body is text") };
    let body = judge_provider::serde_json::from_str(&body).unwrap();
    (outgoing, body)
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
    for (name, value) in [("num_ctx", "many"), ("num_ctx", "0"), ("think", "maybe")] {
        let fault = Ollama::prepare(settings(&[(name, value)]), None).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::InvalidRequest, Some("bad-setting")), "{name}");
    }
}

#[test]
fn the_preflight_checks_the_model() {
    let check = |model: &str, status, body: &str| {
        let previous = Previous { state: Vec::new(), response: response(status, body) };
        Ollama::prepare(Settings { model: model.to_owned(), ..settings(&[]) }, Some(previous))
    };
    let tags = r#"{"models":[{"name":"qwen3:8b","model":"qwen3:8b"},{"name":"Gemma3:latest"}]}"#;
    for model in ["qwen3:8b", "gemma3", "gemma3:latest"] {
        assert_eq!(check(model, 200, tags), Ok(Preparation::Ready(Vec::new())), "{model}");
    }
    let missing = check("qwen3", 200, tags).unwrap_err();
    assert_eq!(missing.kind, FaultKind::ModelNotFound);
    assert!(missing.message.ends_with("it has qwen3:8b, Gemma3:latest"), "{}", missing.message);
    assert_eq!(missing.hint.as_deref(), Some("ollama pull qwen3"));
    assert_eq!(check("host:5000/gemma3", 200, tags).unwrap_err().kind, FaultKind::ModelNotFound);
    assert!(check("", 200, tags).unwrap_err().hint.unwrap().contains("--model"));
    for (status, body, kind) in [
        (200, "<html>hello</html>", FaultKind::Unsupported),
        (200, r#"{"object":"list","data":[]}"#, FaultKind::Unsupported),
        (404, "404 page not found", FaultKind::Unsupported),
        (401, r#"{"error":"unauthorized"}"#, FaultKind::Credentials),
        (502, "", FaultKind::Unavailable),
    ] {
        assert_eq!(check("qwen3:8b", status, body).unwrap_err().kind, kind, "{status} {body}");
    }
}

#[test]
fn an_answer_is_read_with_its_cost() {
    let content =
        r#"{"rationale":"money","decision":"assign","cluster_id":"top-up","confidence":"high","new_cluster":null}"#;
    let body = json!({ "model": "qwen3:8b", "message": { "role": "assistant", "content": content }, "done": true,
        "done_reason": "stop", "prompt_eval_count": 310, "eval_count": 42 });
    let Ok(Step::Done(answer)) =
        Ollama::parse_response(job(settings(&[])), Vec::new(), response(200, &body.to_string()))
    else {
        panic!("the job is done")
    };
    assert_eq!(answer.verdicts[0].decision, Decision::Assign("top-up".to_owned()));
    assert_eq!((answer.model.as_deref(), answer.finish_reason.as_deref()), (Some("qwen3:8b"), Some("stop")));
    assert_eq!(answer.usage, Usage { input_tokens: Some(310), output_tokens: Some(42), ..Usage::default() });
}

#[test]
fn every_failure_has_its_kind() {
    let said = |content: &str| json!({ "message": { "content": content }, "done": true, "eval_count": 3 }).to_string();
    for (status, body, kind, code) in [
        (200, r#"{"error":"llama runner process has terminated"}"#.to_owned(), FaultKind::Other, "200"),
        (200, r#"{"error":"model 'x' not found"}"#.to_owned(), FaultKind::ModelNotFound, "200"),
        (200, r#"{"message":{"content":"{\"ra"},"done":false}"#.to_owned(), FaultKind::Truncated, "not-done"),
        (
            200,
            r#"{"message":{"content":"{}"},"done":true,"done_reason":"length"}"#.to_owned(),
            FaultKind::Truncated,
            "length",
        ),
        (
            200,
            r#"{"message":{"content":""},"done":true,"done_reason":"load"}"#.to_owned(),
            FaultKind::Malformed,
            "empty",
        ),
        (200, "<html>".to_owned(), FaultKind::Unavailable, "not-json-body"),
        (200, said("top-up"), FaultKind::Malformed, "not-json"),
        (200, said(r#"{"decision":"assign","cluster_id":"elsewhere"}"#), FaultKind::Malformed, "unknown-cluster"),
        (400, r#"{"error":"\"qwen3\" does not support thinking"}"#.to_owned(), FaultKind::Unsupported, "400"),
        (400, r#"{"error":"the input length exceeds the context length"}"#.to_owned(), FaultKind::TooLong, "400"),
        (400, r#"{"error":"model is required"}"#.to_owned(), FaultKind::InvalidRequest, "400"),
        (401, r#"{"error":"unauthorized","signin_url":"u"}"#.to_owned(), FaultKind::Credentials, "401"),
        (404, r#"{"error":"model \"x\" not found, try pulling it first"}"#.to_owned(), FaultKind::ModelNotFound, "404"),
        (404, "404 page not found".to_owned(), FaultKind::InvalidRequest, "404"),
        (429, r#"{"error":"usage limit"}"#.to_owned(), FaultKind::RateLimited, "429"),
        (500, r#"{"error":"option \"num_ctx\" must be of type integer"}"#.to_owned(), FaultKind::InvalidRequest, "500"),
        (500, r#"{"error":"llama runner process has terminated"}"#.to_owned(), FaultKind::Unavailable, "500"),
        (502, "bad gateway".to_owned(), FaultKind::Unavailable, "502"),
        (
            503,
            r#"{"error":"server busy, please try again.  maximum pending requests exceeded"}"#.to_owned(),
            FaultKind::Overloaded,
            "503",
        ),
    ] {
        let fault = Ollama::parse_response(job(settings(&[])), Vec::new(), response(status, &body)).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (kind, Some(code)), "{status} {body}");
    }
}

#[test]
fn what_can_be_fixed_has_a_hint() {
    let hint = |status, body: &str| {
        Ollama::parse_response(job(settings(&[])), Vec::new(), response(status, body)).unwrap_err().hint.unwrap()
    };
    assert_eq!(hint(404, r#"{"error":"model 'qwen3:8b' not found"}"#), "ollama pull qwen3:8b");
    assert!(hint(400, r#"{"error":"\"x\" does not support thinking"}"#).contains("think=false"));
    assert!(hint(200, r#"{"message":{"content":"","thinking":"hm"},"done":true}"#).contains("think=false"));
}

#[test]
fn a_paid_failure_says_what_it_cost() {
    let body = r#"{"message":{"content":"no"},"done":true,"prompt_eval_count":5,"eval_count":2}"#;
    let fault = Ollama::parse_response(job(settings(&[])), Vec::new(), response(200, body)).unwrap_err();
    assert_eq!((fault.usage.input_tokens, fault.usage.output_tokens), (Some(5), Some(2)));
}
