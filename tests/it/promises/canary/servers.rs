//! A server that speaks like all of them, and sends the key back in every place that an answer has.

use crate::support::server::{Ending, Reply, Seen, Server};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What goes wrong with an answer.
pub(super) const FAULTS: [&str; 19] = [
    "none",
    "400",
    "401",
    "402",
    "403",
    "404",
    "422",
    "429",
    "500",
    "503",
    "text",
    "html",
    "malformed",
    "error-in-200",
    "verdict",
    "reset",
    "hang",
    "redirect",
    "compressed",
];

/// When it goes wrong.
#[derive(Clone, Copy)]
pub(super) enum Phase {
    /// With the fault that the record's text names.
    Records,
    /// Before the first record, with this one.
    Preparation(&'static str),
}

pub(super) async fn echoing(key: &str, phase: Phase) -> Server {
    let key = key.to_owned();
    Server::start(move |seen| {
        let asks = ["/chat", "/completions", "/messages", "/infer"].iter().any(|end| seen.line.ends_with(end));
        // Ollama's loading of a model goes to the same path, and is on no record.
        let on_record = asks && seen.body.contains("fault=");
        let fault = match phase {
            Phase::Records if on_record => named(&seen.body),
            Phase::Preparation(fault) if !on_record => fault,
            _ => "none",
        };
        answer(seen, fault, &key)
    })
    .await
}

fn named(body: &str) -> &str {
    let after = body.split_once("fault=").map_or("", |(_, after)| after);
    after.split_once(';').map_or("none", |(fault, _)| fault)
}

fn answer(seen: &Seen, fault: &str, key: &str) -> Reply {
    let words = spelled(key);
    let reply = match fault {
        "reset" => return Reply::none(Ending::Closed),
        "hang" => return Reply::none(Ending::Never),
        "redirect" => Reply::status(307, words),
        "text" => Reply::status(400, words),
        "html" => Reply::status(502, format!("<html><body>{}</body></html>", in_html(key))),
        "malformed" => Reply::ok(words),
        "compressed" => {
            let reply = Reply::ok(words);
            Reply { headers: vec![("content-encoding", "gzip".into())], ..reply }
        }
        "error-in-200" => Reply::ok(error(&words, key, 500)),
        "verdict" => Reply::ok(good(seen, &verdict(key, &words), key)),
        "none" => Reply::ok(good(seen, &verdict("skip", &words), key)),
        status => {
            let status = status.parse().expect("the others are numbers");
            Reply::status(status, error(&words, key, status))
        }
    };
    let mut headers = reply.headers;
    headers.extend([
        ("location", format!("http://other.example/{}?key={}", in_url(key), in_url(key))),
        ("x-echo", format!("Bearer {key}")),
        ("x-basic", STANDARD.encode(format!("user:{key}"))),
        ("retry-after", key.to_owned()),
        ("x-request-id", key.to_owned()),
    ]);
    // A header's name has few characters to choose from.
    if key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        headers.push((key.to_owned().leak(), "1".into()));
    }
    Reply { headers, ..reply }
}

/// The key in all the ways that servers write it.
fn spelled(key: &str) -> String {
    let hexadecimal = key.bytes().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let dumped = json!({ "authorization": format!("Bearer {key}") }).to_string();
    [
        format!("Incorrect API key provided: {key}."),
        key.to_uppercase(),
        STANDARD.encode(key),
        STANDARD.encode(format!("Bearer {key}")),
        STANDARD.encode(format!("authorization: Bearer {key}\r\nhost: x")),
        hexadecimal.to_uppercase(),
        hexadecimal,
        in_url(key),
        in_html(key),
        dumped.replace('/', "\\/"),
        dumped,
    ]
    .join(" ")
}

fn in_url(key: &str) -> String {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    key.bytes().fold(String::new(), |text, byte| {
        if safe(byte) { text + char::from(byte).encode_utf8(&mut [0; 4]) } else { format!("{text}%{byte:02X}") }
    })
}

fn in_html(key: &str) -> String {
    let key = key.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    key.replace('"', "&quot;").replace('\'', "&#39;")
}

/// An error in the form of whoever is asked: all of them at once.
fn error(words: &str, key: &str, status: u16) -> String {
    let error = json!({ "message": words, "type": key, "code": key, "param": key, "metadata": { "raw": words } });
    json!({ "type": "error", "error": error, "object": "error", "message": words, "code": status, "request_id": key })
        .to_string()
}

fn verdict(decision: &str, words: &str) -> String {
    let verdict = json!({ "rationale": words, "decision": decision, "cluster_id": null, "confidence": "low",
        "new_cluster": null });
    verdict.to_string()
}

/// What each API says where all is well, with the key in fields that nobody asked for and in those that are read.
fn good(seen: &Seen, verdict: &str, key: &str) -> String {
    let (_, path) = seen.line.split_once(' ').expect("a method and a path");
    let mut body = match path {
        "/api/tags" => json!({ "models": [{ "name": "fake:latest", "model": "fake:latest" }] }),
        "/api/show" => json!({ "capabilities": ["completion"], "model_info": {}, "template": key }),
        "/api/version" => json!({ "version": key }),
        "/api/chat" => json!({ "model": key, "message": { "role": "assistant", "content": verdict }, "done": true,
            "done_reason": "stop" }),
        "/v1/models" => json!({ "object": "list", "data": [{ "id": "fake" }, { "id": key }] }),
        "/api/v1/key" => json!({ "data": { "label": key, "limit": null, "limit_remaining": null } }),
        path if path.ends_with("/endpoints") => {
            let takes = ["structured_outputs", "response_format", "max_tokens", "temperature"];
            json!({ "data": { "endpoints": [{ "name": key, "supported_parameters": takes }] } })
        }
        path if path.ends_with("/chat/completions") => json!({ "id": key, "model": key, "provider": key,
            "choices": [{ "message": { "role": "assistant", "content": verdict }, "finish_reason": "stop" }] }),
        "/v1/messages" => json!({ "type": "message", "role": "assistant", "model": key, "stop_reason": "end_turn",
            "content": [{ "type": "text", "text": verdict }] }),
        path if path.ends_with("/config") => json!({ "name": "fake", "backend": "python", "max_batch_size": 0 }),
        path if path.ends_with("/infer") => json!({ "model_name": key, "outputs": [{ "name": "text_output",
            "datatype": "BYTES", "shape": [1], "data": [verdict] }] }),
        path if path.starts_with("/v2/models/") => json!({ "name": "fake", "versions": ["1"], "platform": key,
            "inputs": [{ "name": "text_input", "datatype": "BYTES", "shape": [1] }],
            "outputs": [{ "name": "text_output", "datatype": "BYTES", "shape": [1] }] }),
        _ => json!({ "id": "fake", "type": "model", "display_name": key }),
    };
    body["echo"] = Value::from(spelled(key));
    body.to_string()
}
