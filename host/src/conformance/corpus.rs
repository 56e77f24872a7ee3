//! Responses that no honest server sends, and some that real ones do.

use crate::model::{Body, HttpResponse};
use serde_json::json;

/// A string that is no answer, and far longer than any.
const LONG_BYTES: usize = 10 << 20;
/// Deeper than any parser should follow.
const DEEP: usize = 100_000;

/// Statuses that every body comes with: what a reader branches on.
const STATUSES: [u16; 14] = [200, 204, 302, 400, 401, 402, 403, 404, 408, 413, 429, 500, 503, 529];

/// Every body under every status, with headers that lie.
pub(super) fn responses() -> impl Iterator<Item = (String, HttpResponse)> {
    let bodies = bodies();
    STATUSES.into_iter().flat_map(move |status| {
        let response = move |(name, body): &(&str, Vec<u8>)| {
            let body = Body::from(body.clone());
            (format!("status {status}, {name}"), HttpResponse { status, headers: headers(), body })
        };
        bodies.iter().map(response).collect::<Vec<_>>()
    })
}

/// A good response cut off at several places.
pub(super) fn cut(good: &HttpResponse) -> impl Iterator<Item = (String, HttpResponse)> {
    const PLACES: usize = 24;
    let (good, bytes) = (good.clone(), good.body.as_bytes().to_vec());
    (0..PLACES).map(move |place| {
        let end = bytes.len() * place / PLACES;
        let body = Body::from(bytes[..end].to_vec());
        (format!("a good response cut after {end} bytes"), HttpResponse { body, ..good.clone() })
    })
}

fn headers() -> Vec<(String, Vec<u8>)> {
    [
        ("content-type", b"application/json; charset=utf-16".as_slice()),
        ("retry-after", b"-99999999999999999999"),
        ("retry-after-ms", b"1e400"),
        ("x-ratelimit-reset-requests", b"9h9h9hm"),
        ("x-ratelimit-reset", b"\xff\xfe\0"),
        ("date", b"Thu, 99 Foo 0000 99:99:99 GMT"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_vec()))
    .to_vec()
}

fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let verdict = "{\\\"decision\\\":\\\"assign\\\",\\\"cluster_id\\\":\\\"nowhere\\\"}";
    let wrong = json!({
        "choices": 7, "message": [1], "content": { "type": 9 }, "outputs": "x", "text_output": { "a": 1 },
        "error": [true], "usage": "none", "model": 1.5, "done": "yes", "id": {}, "stop_reason": 0,
    });
    let inner_wrong = json!({
        "choices": [{ "message": { "content": 5 }, "finish_reason": {} }], "message": { "content": [null] },
        "content": [{ "type": "text", "text": [] }], "outputs": [{ "name": "response", "data": [[{}]] }],
        "text_output": [], "usage": { "prompt_tokens": -1, "input_tokens": 1e300 }, "done": null,
    });
    let nowhere = format!(
        "{{\"choices\":[{{\"message\":{{\"content\":\"{verdict}\"}},\"finish_reason\":\"stop\"}}],\"message\":{{\"content\":\
         \"{verdict}\"}},\"content\":[{{\"type\":\"text\",\"text\":\"{verdict}\"}}],\"outputs\":[{{\"name\":\"response\",\
         \"data\":[\"{verdict}\"]}}],\"text_output\":\"{verdict}\",\"done\":true,\"stop_reason\":\"end_turn\"}}"
    );
    vec![
        ("empty", Vec::new()),
        ("blank lines", b"\n\n \r\n".to_vec()),
        ("null", b"null".to_vec()),
        ("a number", b"1e999".to_vec()),
        ("an empty object", b"{}".to_vec()),
        ("an empty list", b"[]".to_vec()),
        ("wrong types", wrong.to_string().into_bytes()),
        ("wrong types further in", inner_wrong.to_string().into_bytes()),
        ("a verdict for a cluster that is not there", nowhere.into_bytes()),
        ("an error as text", br#"{"error":"overloaded"}"#.to_vec()),
        ("an error as an object", br#"{"error":{"message":"no","type":"server_error","code":503}}"#.to_vec()),
        ("an error of nulls", br#"{"error":{"message":null,"type":null,"param":null,"code":null}}"#.to_vec()),
        ("a page of HTML", b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>".to_vec()),
        ("plain text", b"upstream connect error or disconnect/reset before headers".to_vec()),
        ("NUL bytes", vec![0; 4096]),
        ("NUL in a text", b"{\"error\":\"a\\u0000b\0c\"}".to_vec()),
        ("no UTF-8", vec![0xff, 0xfe, 0xc3, 0x28, 0x80]),
        ("UTF-16", [b"\xff\xfe".to_vec(), utf16(r#"{"error":"no"}"#)].concat()),
        ("a byte order mark", b"\xef\xbb\xbf{\"error\":\"no\"}".to_vec()),
        ("lone surrogates", br#"{"error":"\ud800","message":{"content":"\udc00"}}"#.to_vec()),
        ("deep lists", b"[".repeat(DEEP)),
        ("deep objects", b"{\"a\":".repeat(DEEP)),
        ("many braces in a text", [b"{\"error\":\"".to_vec(), b"{".repeat(DEEP), b"\"}".to_vec()].concat()),
        ("10 MB of text", [b"{\"error\":\"".to_vec(), b"x".repeat(LONG_BYTES), b"\"}".to_vec()].concat()),
        ("10 MB of digits", b"9".repeat(LONG_BYTES)),
        ("two bodies", br#"{"error":"one"}{"error":"two"}"#.to_vec()),
        ("a stream of lines", b"data: {\"choices\":[]}\n\ndata: [DONE]\n\n".to_vec()),
        ("repeated keys", br#"{"error":"one","error":{"message":"two"},"choices":[],"choices":null}"#.to_vec()),
    ]
}
