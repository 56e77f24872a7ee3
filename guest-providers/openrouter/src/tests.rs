//! The whole provider through its trait: request as golden text, responses as a table.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod errors;
mod prepare;

use super::*;
use judge_provider::serde_json::{self, json};
use judge_provider::{Cluster, Decision, FaultKind, Instructions, Outgoing, Record};

const VERDICT: &str =
    r#"{"rationale":"money","decision":"assign","cluster_id":"top-up","confidence":"high","new_cluster":null}"#;

fn settings(extra: &[(&str, &str)]) -> Settings {
    let extra = extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings { model: "openai/gpt-4o-mini".to_owned(), temperature: None, max_output_tokens: None, seed: None, extra }
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

fn job_of(task: &Task) -> Job {
    let record = Record { id: "r1".to_owned(), text: "add money please".to_owned(), context: Vec::new() };
    task.job(OpenRouter::brief(task.clone()).unwrap(), vec![record])
}

fn job(settings: Settings) -> Job {
    job_of(&task(settings))
}

fn response(status: u16, headers: &[(&str, &str)], body: &str) -> HttpResponse {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    HttpResponse { status, headers, body: Body::Text(body.to_owned()) }
}

fn parse(response: HttpResponse) -> Result<Step, Fault> {
    OpenRouter::parse_response(job(settings(&[])), Vec::new(), response)
}

fn sent(job: Job) -> (Outgoing, Value) {
    let Ok(Step::Send(outgoing)) = OpenRouter::build_request(job) else { panic!("a request is built") };
    let Some(Body::Text(body)) = outgoing.request.body.clone() else { panic!("the body is text") };
    (outgoing, serde_json::from_str(&body).unwrap())
}

#[test]
fn the_request_is_as_the_api_wants_it() {
    let (outgoing, mut body) = sent(job(settings(&[])));
    let line = (outgoing.request.method.as_str(), outgoing.request.path_and_query.as_str());
    assert_eq!(line, ("POST", "/api/v1/chat/completions"));
    let names: Vec<_> = outgoing.request.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-type", "accept"], "nobody is named unasked");
    body["messages"][0]["content"].take();
    assert_eq!(
        body.to_string(),
        r#"{"model":"openai/gpt-4o-mini","messages":[{"role":"system","content":null},"#.to_owned()
            + r#"{"role":"user","content":"Record id: r1\nText: \"add money please\"\n"}],"#
            + r#""response_format":{"type":"json_schema","json_schema":{"name":"verdict","strict":true,"schema":"#
            + r#"{"type":"object","properties":{"rationale":{"type":"string"},"#
            + r#""decision":{"type":"string","enum":["assign","skip"]},"#
            + r#""cluster_id":{"anyOf":[{"type":"string","enum":["top-up"]},{"type":"null"}]},"#
            + r#""confidence":{"type":"string","enum":["low","medium","high"]},"new_cluster":{"type":"null"}},"#
            + r#""required":["rationale","decision","cluster_id","confidence","new_cluster"],"#
            + r#""additionalProperties":false}}},"max_tokens":512,"temperature":0.0,"#
            + r#""provider":{"require_parameters":true}}"#
    );
}

#[test]
fn settings_reach_the_request() {
    let mut chosen = settings(&[
        ("allow_fallbacks", "false"),
        ("data_collection", "deny"),
        ("fallbacks", "anthropic/claude-haiku-4.5, google/gemini-3-flash"),
        ("omit", "response_format"),
        ("only", "azure,openai"),
        ("order", "azure"),
        ("reasoning_effort", "low"),
        ("require_parameters", "false"),
        ("sort", "price"),
        ("title", "Ticket sorter"),
        ("zdr", "true"),
    ]);
    (chosen.temperature, chosen.max_output_tokens, chosen.seed) = (Some(0.5), Some(99), Some(7));
    let (outgoing, body) = sent(job(chosen));
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["model", "messages", "max_tokens", "temperature", "seed", "models", "provider", "reasoning"]);
    assert_eq!(
        body["models"],
        json!(["openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "google/gemini-3-flash"]),
        "the chosen model is the first"
    );
    assert_eq!(
        body["provider"],
        json!({ "require_parameters": false, "allow_fallbacks": false, "zdr": true, "data_collection": "deny",
            "sort": "price", "order": ["azure"], "only": ["azure", "openai"] })
    );
    assert_eq!(body["reasoning"], json!({ "effort": "low" }));
    let title = outgoing.request.headers.iter().find(|(name, _)| name == "x-openrouter-title").unwrap();
    assert_eq!(title.1, b"Ticket sorter");
}

#[test]
fn settings_that_cannot_be_read_fail_before_the_run() {
    for (name, value) in [
        ("require_parameters", "perhaps"),
        ("allow_fallbacks", "1"),
        ("data_collection", "never"),
        ("zdr", "yes"),
        ("sort", "beauty"),
        ("title", "Карты"),
        ("title", "a\r\nhost: evil"),
        ("reasoning_effort", "much"),
        ("omit", "model"),
        ("check_model", "maybe"),
        ("repair", "twice"),
    ] {
        let fault = OpenRouter::prepare(settings(&[(name, value)]), None).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::InvalidRequest, Some("bad-setting")), "{name}");
    }
}

#[test]
fn jobs_of_a_task_differ_in_the_record_alone() {
    let mut job = job(settings(&[("order", "azure")]));
    let text = |job: &Job| {
        let Ok(Step::Send(outgoing)) = OpenRouter::build_request(job.clone()) else { panic!("a request is built") };
        let Some(Body::Text(body)) = outgoing.request.body else { panic!("the body is text") };
        body
    };
    let first = text(&job);
    assert_eq!(first, text(&job), "same job, same bytes");
    job.records[0].text = "where is my card".to_owned();
    assert_eq!(text(&job), first.replace("add money please", "where is my card"));
}

#[test]
fn an_answer_says_who_gave_it_and_what_it_cost() {
    let usage = json!({ "prompt_tokens": 310, "prompt_tokens_details": { "cached_tokens": 256 },
        "completion_tokens": 42, "cost": 0.000_123, "is_byok": false,
        "cost_details": { "upstream_inference_cost": 0.000_123 } });
    let mut body = json!({ "id": "gen-1", "model": "openai/gpt-4o-mini-2024-07-18", "provider": "Azure", "usage": usage,
        "choices": [{ "message": { "content": VERDICT }, "finish_reason": "stop", "native_finish_reason": "stop" }] });
    let answered = |body: &Value| {
        // Blank lines keep slow connections open.
        let Ok(Step::Done(answer)) = parse(response(200, &[], &format!("\n\n         \n{body}"))) else {
            panic!("the job is done")
        };
        answer
    };
    let answer = answered(&body);
    assert_eq!(answer.verdicts[0].decision, Decision::Assign("top-up".to_owned()));
    assert_eq!(answer.model.as_deref(), Some("openai/gpt-4o-mini-2024-07-18"));
    assert_eq!(answer.extras, [("provider".to_owned(), "Azure".to_owned())]);
    let cost = Usage {
        input_tokens: Some(310),
        cached_input_tokens: Some(256),
        output_tokens: Some(42),
        cost_micro_usd: Some(123),
    };
    assert_eq!(answer.usage, cost);

    body["usage"]["is_byok"] = true.into();
    body["usage"]["cost"] = json!(0.000_006);
    assert_eq!(answered(&body).usage.cost_micro_usd, Some(129), "one's own key is charged beside the fee");
    body["usage"]["cost"].take();
    body["usage"]["is_byok"] = false.into();
    assert_eq!(answered(&body).usage.cost_micro_usd, None, "unknown is not 0");
}

#[test]
fn the_second_round_is_asked_of_the_same_server() {
    let job = job(settings(&[("repair", "true"), ("title", "Ticket sorter")]));
    let said = |content: &str, cost: f64| {
        let choice = json!({ "message": { "content": content }, "finish_reason": "stop" });
        response(200, &[], &json!({ "choices": [choice], "usage": { "cost": cost } }).to_string())
    };
    let Ok(Step::Send(second)) = OpenRouter::parse_response(job.clone(), Vec::new(), said("top-up", 0.000_01)) else {
        panic!("it is asked once more")
    };
    assert!(second.request.headers.iter().any(|(name, _)| name == "x-openrouter-title"));
    let Some(Body::Text(body)) = &second.request.body else { panic!("the body is text") };
    let body: Value = serde_json::from_str(body).unwrap();
    let roles: Vec<_> = body["messages"].as_array().unwrap().iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    assert_eq!(body["provider"], json!({ "require_parameters": true }));
    let Ok(Step::Done(answer)) = OpenRouter::parse_response(job, second.state, said(VERDICT, 0.000_02)) else {
        panic!("the job is done")
    };
    assert_eq!(answer.usage.cost_micro_usd, Some(30));
}
