#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use crate::{Answered, FakeLlm, FaultRule, Script, Then, When};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const OLLAMA: &str = "/api/chat";
const OPENAI: &str = "/v1/chat/completions";

struct Got {
    status: u16,
    head: String,
    body: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// One exchange on a connection of its own; none where it was closed without an answer.
async fn exchange(server: &FakeLlm, method: &str, path: &str, key: &str, body: &str) -> Option<Got> {
    let mut stream = TcpStream::connect(server.url().trim_start_matches("http://")).await.unwrap();
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {length}\r\n");
    stream.write_all(format!("{head}{key}\r\n{body}").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some(Got { status: head[9..12].parse().unwrap(), head: head.to_lowercase(), body: body.to_owned() })
}

async fn ask(server: &FakeLlm, path: &str, record: &str) -> Option<Got> {
    exchange(server, "POST", path, "", &question(path, record, &verdict_schema()).to_string()).await
}

async fn get(server: &FakeLlm, path: &str) -> Got {
    exchange(server, "GET", path, "", "").await.unwrap()
}

fn verdict_schema() -> Value {
    let cluster_id = json!({ "anyOf": [{ "type": "string", "enum": ["a", "b"] }, { "type": "null" }] });
    json!({ "type": "object", "properties": { "decision": { "enum": ["assign", "skip"] }, "cluster_id": cluster_id } })
}

fn question(path: &str, record: &str, schema: &Value) -> Value {
    let user = format!("Record id: {record}\nText: \"hello\"\n");
    let messages = json!([{ "role": "system", "content": "Judge." }, { "role": "user", "content": user }]);
    if path == OLLAMA {
        return json!({ "model": "fake", "stream": false, "format": schema, "messages": messages });
    }
    let format = json!({ "type": "json_schema", "json_schema": { "name": "v", "strict": true, "schema": schema } });
    json!({ "model": "fake", "response_format": format, "messages": messages })
}

/// What the model said, of either dialect.
fn content(path: &str, body: &Value) -> Value {
    let message = if path == OLLAMA { &body["message"] } else { &body["choices"][0]["message"] };
    message["content"].as_str().map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| text.into()))
}

fn failing(when: When, then: Then) -> Script {
    Script { faults: vec![FaultRule { when, then }], ..Script::default() }
}

#[tokio::test]
async fn both_dialects_answer_in_the_form_of_the_schema() {
    let judge = |asked: &crate::Asked| {
        assert_eq!(&*asked.candidate_ids, ["a", "b"]);
        assert_eq!(&*asked.system, "Judge.");
        Answered::Assign(asked.candidate_ids[1].clone())
    };
    let server = FakeLlm::start(Script { judge: Arc::new(judge), keep_bodies: true, ..Script::default() }).await;
    for path in [OLLAMA, OPENAI] {
        let got = ask(&server, path, "r1").await.unwrap();
        let verdict = content(path, &got.json());
        let keys: Vec<&String> = verdict.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["rationale", "decision", "cluster_id", "confidence", "new_cluster"]);
        assert_eq!((&verdict["decision"], &verdict["cluster_id"]), (&json!("assign"), &json!("b")));
        assert_eq!(got.json()["model"], "fake");
    }
    let stats = server.stats();
    assert_eq!((stats.calls, stats.in_flight_peak, stats.connections), (2, 1, 2));
    assert_eq!(stats.calls_by_record.into_iter().collect::<Vec<_>>(), [("r1".to_owned(), 2)]);
    assert_eq!(stats.auth, [None]);
    assert!(stats.bodies[1].contains("json_schema"));
}

#[tokio::test]
async fn several_records_get_one_verdict_each() {
    let server = FakeLlm::start(Script::default()).await;
    let list = json!({ "properties": { "verdicts": { "type": "array", "items": verdict_schema() } } });
    for path in [OLLAMA, OPENAI] {
        let body = question(path, "r1\nText: \"x\"\n\nRecord id: r2", &list).to_string();
        let got = exchange(&server, "POST", path, "", &body).await.unwrap();
        let verdicts = content(path, &got.json())["verdicts"].clone();
        let ids: Vec<&Value> = verdicts.as_array().unwrap().iter().map(|verdict| &verdict["record_id"]).collect();
        assert_eq!(ids, ["r1", "r2"]);
    }
    assert_eq!(server.stats().calls_by_record["r2"], 2);
}

#[tokio::test]
async fn usage_counts_the_prefix_that_was_seen_before_as_cached() {
    let server = FakeLlm::start(Script::default()).await;
    let ollama = ask(&server, OLLAMA, "r1").await.unwrap().json();
    assert!(ollama["prompt_eval_count"].as_u64() > Some(0) && ollama["eval_count"].as_u64() > Some(0));
    let usage = ask(&server, OPENAI, "r2").await.unwrap().json()["usage"].clone();
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 2, "`Judge.` came before");
    assert!(usage["prompt_tokens"].as_u64() > Some(2) && usage["completion_tokens"].as_u64() > Some(0));
}

#[tokio::test]
async fn models_are_listed_and_others_are_unknown() {
    let server = FakeLlm::start(Script { models: vec!["small".into()], ..Script::default() }).await;
    assert_eq!(get(&server, "/api/tags").await.json()["models"][0]["name"], "small:latest");
    assert_eq!(get(&server, "/v1/models").await.json()["data"][0]["id"], "small");
    assert_eq!(get(&server, "/v1/models/small").await.status, 200);
    assert_eq!(get(&server, "/v1/models/large").await.status, 404);
    assert_eq!(get(&server, "/nothing").await.status, 404);
    assert!(get(&server, "/api/version").await.json()["version"].is_string());
    let show = exchange(&server, "POST", "/api/show", "", r#"{"model":"small:latest"}"#).await.unwrap();
    assert_eq!(show.json()["capabilities"], json!(["completion"]));
    let (ollama, openai) = (ask(&server, OLLAMA, "r1").await.unwrap(), ask(&server, OPENAI, "r1").await.unwrap());
    assert_eq!((ollama.status, openai.status), (404, 404));
    assert_eq!(ollama.json(), json!({ "error": "model 'fake' not found" }));
    assert_eq!(openai.json()["error"]["code"], "model_not_found");
    assert_eq!((server.stats().calls, server.stats().other_requests), (2, 7));
}

#[tokio::test]
async fn without_the_key_nobody_gets_in() {
    let server = FakeLlm::start(Script { key: Some("k1".into()), ..Script::default() }).await;
    assert!(ask(&server, OLLAMA, "r1").await.unwrap().json()["error"].is_string());
    assert_eq!(ask(&server, OPENAI, "r1").await.unwrap().json()["error"]["code"], "invalid_api_key");
    assert_eq!(get(&server, "/v1/models").await.status, 401);
    let body = question(OPENAI, "r1", &verdict_schema()).to_string();
    for key in ["authorization: Bearer k1\r\n", "x-api-key: k1\r\n"] {
        assert_eq!(exchange(&server, "POST", OPENAI, key, &body).await.unwrap().status, 200);
    }
    assert_eq!(server.stats().auth, [None, Some("k1".into())]);
}

#[tokio::test]
async fn scripted_statuses_come_with_body_and_headers() {
    let headers = vec![("Retry-After".to_owned(), "7".to_owned())];
    let then = Then::Status { code: 429, body: Some("slow down".into()), headers };
    let server = FakeLlm::start(failing(When::FirstOfEachRecord(1), then)).await;
    for record in ["r1", "r2"] {
        let got = ask(&server, OPENAI, record).await.unwrap();
        assert_eq!((got.status, got.body.as_str()), (429, "slow down"));
        assert!(got.head.contains("retry-after: 7"), "{}", got.head);
        assert_eq!(ask(&server, OPENAI, record).await.unwrap().status, 200, "only the first of each record fails");
    }
    let server = FakeLlm::start(failing(When::Call(2), Then::status(503))).await;
    assert_eq!(ask(&server, OLLAMA, "r1").await.unwrap().status, 200);
    let got = ask(&server, OLLAMA, "r2").await.unwrap();
    assert_eq!((got.status, got.json()["error"].is_string()), (503, true));
}

#[tokio::test]
async fn answers_go_wrong_on_command() {
    for path in [OLLAMA, OPENAI] {
        let server = FakeLlm::start(failing(When::Always, Then::Close)).await;
        assert!(ask(&server, path, "r1").await.is_none(), "closed without an answer");
        assert_eq!(server.stats().calls, 1);

        let server = FakeLlm::start(failing(When::Always, Then::Garbage("<think>hm".into()))).await;
        assert_eq!(content(path, &ask(&server, path, "r1").await.unwrap().json()), "<think>hm");

        let server = FakeLlm::start(failing(When::Always, Then::Truncate)).await;
        let body = ask(&server, path, "r1").await.unwrap().json();
        let finish = if path == OLLAMA { &body["done_reason"] } else { &body["choices"][0]["finish_reason"] };
        assert_eq!(finish, "length");
        assert!(content(path, &body).as_str().unwrap().starts_with("{\"rationale\""), "cut off, and so no JSON");

        let server = FakeLlm::start(failing(When::Always, Then::ErrorIn200)).await;
        let got = ask(&server, path, "r1").await.unwrap();
        assert!(got.status == 200 && !got.json()["error"].is_null());
    }
    let server = FakeLlm::start(failing(When::Always, Then::Refuse)).await;
    let body = ask(&server, OPENAI, "r1").await.unwrap().json();
    assert!(body["choices"][0]["message"]["content"].is_null());
    assert!(body["choices"][0]["message"]["refusal"].is_string());
    assert!(content(OLLAMA, &ask(&server, OLLAMA, "r1").await.unwrap().json()).is_string());
}

#[tokio::test]
async fn a_body_that_no_server_would_take_is_refused() {
    let server = FakeLlm::start(Script::default()).await;
    for (path, body) in [(OLLAMA, "{"), (OPENAI, "[]"), (OLLAMA, r#"{"model":"fake","messages":[]}"#)] {
        let got = exchange(&server, "POST", path, "", body).await.unwrap();
        assert_eq!(got.status, 400, "{body}: without `stream: false` Ollama streams");
    }
}

#[tokio::test]
async fn many_calls_are_under_way_at_once_and_counted() {
    const CALLS: usize = 512;
    let forever = Duration::from_hours(1);
    let server = Arc::new(FakeLlm::start(Script { delay: forever, ..Script::default() }).await);
    let mut asking = tokio::task::JoinSet::new();
    for n in 0..CALLS {
        let server = Arc::clone(&server);
        asking.spawn(async move { ask(&server, OPENAI, &format!("r{n}")).await.is_some() });
    }
    let all = async {
        while server.stats().in_flight_peak < CALLS || server.stats().calls_by_record.len() < CALLS {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), all).await.expect("all calls are under way at once");
    let stats = server.stats();
    assert_eq!((stats.calls, stats.connections, stats.in_flight_peak), (512, 512, CALLS));
    asking.abort_all();
}

#[tokio::test]
async fn calls_one_after_the_other_are_never_two_at_once() {
    let server = FakeLlm::start(Script::default()).await;
    let body = question(OLLAMA, "r1", &verdict_schema()).to_string();
    let request = format!("POST {OLLAMA} HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut streams = Vec::new();
    for _ in 0..2 {
        streams.push(TcpStream::connect(server.url().trim_start_matches("http://")).await.unwrap());
    }
    for n in 0..200 {
        let stream = &mut streams[n % 2];
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = Vec::new();
        while !text.ends_with(b"}") || !String::from_utf8_lossy(&text).contains("eval_duration\":499000}") {
            assert_ne!(stream.read_buf(&mut text).await.unwrap(), 0);
        }
    }
    let stats = server.stats();
    assert_eq!((stats.calls, stats.in_flight_peak, stats.connections), (200, 1, 2));
}

#[tokio::test]
async fn held_answers_go_when_they_are_released() {
    let script = Script { keep_bodies: true, ..failing(When::FirstOf { record: "r1".into(), calls: 1 }, Then::Hold) };
    let server = FakeLlm::start(script).await;
    let releasing = async {
        server.until(|stats| stats.calls_by_record.contains_key("r1")).await;
        assert_eq!(ask(&server, OLLAMA, "r2").await.unwrap().status, 200, "others are not held");
        server.release();
    };
    let (held, ()) = tokio::join!(ask(&server, OLLAMA, "r1"), releasing);
    assert_eq!(held.unwrap().status, 200);
    let stats = server.stats();
    assert_eq!(stats.in_flight_peak, 2);
    let order: Vec<&str> = stats.arrivals.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(order, ["r1", "r2"]);
    assert!(stats.arrivals.is_sorted_by_key(|(_, at)| *at));
}

#[tokio::test]
async fn a_stopped_server_refuses_and_a_second_one_starts() {
    let server = FakeLlm::start(Script::default()).await;
    let address = server.url().trim_start_matches("http://").to_owned();
    server.stop().await;
    assert!(TcpStream::connect(&address).await.is_err());
    let port = address.rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(FakeLlm::start_on(port, Script::default()).await.unwrap().url(), format!("http://{address}"));
}
