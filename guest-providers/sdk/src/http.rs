//! Requests and responses: building the one, and reading from the other what every API writes alike.

use crate::{Body, Fault, FaultKind, HttpRequest, HttpResponse, Outgoing};
use serde_json::Value;
use std::borrow::Cow;
use std::time::Duration;

/// `GET path`. The path is absolute, without scheme and host.
pub fn get(path: &str) -> HttpRequest {
    let headers = vec![header_pair("accept", "application/json")];
    HttpRequest { method: "GET".to_owned(), path_and_query: path.to_owned(), headers, body: None }
}

/// `POST path` with a JSON body. The body's keys keep their order, so the same value gives the same bytes.
pub fn post_json(path: &str, body: &Value) -> HttpRequest {
    post_json_text(path, written(body))
}

/// `POST path` with a body that is JSON text already.
pub fn post_json_text(path: &str, body: String) -> HttpRequest {
    HttpRequest {
        method: "POST".to_owned(),
        path_and_query: path.to_owned(),
        headers: vec![header_pair("content-type", "application/json"), header_pair("accept", "application/json")],
        body: Some(Body::Text(body)),
    }
}

/// A value as JSON text. By the serializer itself: its `Display` goes through a formatter, at twice the cost.
pub(crate) fn written(value: &Value) -> String {
    serde_json::to_string(value).expect("a value has only keys that are text")
}

/// A request that needs nothing handed back beside its response.
pub fn send(request: HttpRequest) -> Outgoing {
    Outgoing { request, state: Vec::new() }
}

/// Whether the status is 200 to 299.
pub fn is_success(response: &HttpResponse) -> bool {
    (200..300).contains(&response.status)
}

/// The body as text; what is not UTF-8 is replaced by marks.
pub fn text(response: &HttpResponse) -> Cow<'_, str> {
    match &response.body {
        Body::Text(text) => Cow::Borrowed(text),
        Body::Binary(bytes) => String::from_utf8_lossy(bytes),
    }
}

/// The body as JSON. Look at the status first: errors have bodies of their own kind.
///
/// # Errors
/// `unavailable` where it is not JSON, as with a proxy's HTML page or an empty body: no model said that.
pub fn json(response: &HttpResponse) -> Result<Value, Fault> {
    let text = text(response);
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    if trimmed.is_empty() {
        return Err(Fault::new(FaultKind::Unavailable, "the server's response has an empty body").code("empty-body"));
    }
    serde_json::from_str(trimmed).map_err(|_| {
        let page = if trimmed.starts_with('<') { "a page of HTML" } else { "a body that is not JSON" };
        let message = format!("the server answered status {} with {page}", response.status);
        Fault::new(FaultKind::Unavailable, message)
            .code("not-json-body")
            .hint("check that `--endpoint` names the API itself, and no proxy or web page in front of it")
    })
}

/// The first header of this lower-case name, where it is text.
pub fn header<'a>(response: &'a HttpResponse, name: &str) -> Option<&'a str> {
    let (_, value) = response.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(value).ok().map(str::trim)
}

/// How long the server asks to be left alone, in milliseconds; the host sets a bound to it. Read from
/// `retry-after-ms`, then `retry-after` in seconds or as a date (counted from the response's own `date`, as a
/// provider has no clock), then with status 429 from `x-ratelimit-reset-*`.
///
/// `x-should-retry`, which the SDKs of OpenAI and Anthropic obey (`_base_client.py` of both), is read nowhere. A provider
/// says what a response means, and the kinds that are final would not be true of a server that is busy: the operator
/// would be sent after a key, a bill or a setting. With `false` a record costs the few attempts that the host allows;
/// servers that mean an error to be final give it a code that says so.
pub fn retry_after(response: &HttpResponse) -> Option<u64> {
    header(response, "retry-after-ms")
        .and_then(|value| value.parse().ok())
        .and_then(|milliseconds: f64| milliseconds_of(milliseconds / 1000.0))
        .or_else(|| header(response, "retry-after").and_then(|value| after(response, value)))
        .or_else(|| if response.status == 429 { reset(response) } else { None })
}

fn header_pair(name: &str, value: &str) -> (String, Vec<u8>) {
    (name.to_owned(), value.as_bytes().to_vec())
}

fn after(response: &HttpResponse, value: &str) -> Option<u64> {
    if let Ok(seconds) = value.parse() {
        return milliseconds_of(seconds);
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let now = httpdate::parse_http_date(header(response, "date")?).ok()?;
    milliseconds_of(until.duration_since(now).unwrap_or(Duration::ZERO).as_secs_f64())
}

/// The longest reset among the allowances that are used up. A reset is the time until the allowance is whole again,
/// so one that still has something left says nothing.
fn reset(response: &HttpResponse) -> Option<u64> {
    let used_up =
        |what: &str| header(response, &format!("x-ratelimit-remaining-{what}")).is_none_or(|left| left == "0");
    ["requests", "tokens"]
        .into_iter()
        .filter(|what| used_up(what))
        .filter_map(|what| header(response, &format!("x-ratelimit-reset-{what}")).and_then(duration))
        .max()
}

/// A Go duration such as `6m0s`, `1h2m3.5s` or `12ms`, or plain seconds.
pub(crate) fn duration(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse() {
        return milliseconds_of(seconds);
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let unit_seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * unit_seconds;
        rest = tail;
    }
    milliseconds_of(seconds)
}

/// Whole milliseconds, rounded up: coming back early is what was asked not to happen.
fn milliseconds_of(seconds: f64) -> Option<u64> {
    let milliseconds = (seconds * 1000.0).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked beside it")]
    (0.0..1e15).contains(&milliseconds).then_some(milliseconds as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::response;

    #[test]
    fn waits_are_read_in_every_form() {
        type Headers<'a> = &'a [(&'a str, &'a str)];
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let cases: [(u16, Headers, Option<u64>); 15] = [
            (429, &[], None),
            (503, &[("retry-after", "7")], Some(7_000)),
            (429, &[("retry-after", " 1.5 ")], Some(1_500)),
            (429, &[("retry-after-ms", "250"), ("retry-after", "7")], Some(250)),
            (429, &[("retry-after-ms", "soon"), ("retry-after", "7")], Some(7_000)),
            (429, &[("retry-after", "-7")], None),
            (429, &[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"), date], Some(10_000)),
            (429, &[("retry-after", "Sun, 06 Nov 1994 08:49:27 GMT"), date], Some(0)),
            (429, &[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")], None),
            (429, &[("retry-after", "NaN")], None),
            (429, &[("x-ratelimit-reset-requests", "6m0s")], Some(360_000)),
            (429, &[("x-ratelimit-reset-tokens", "1h2m3.5s"), ("x-ratelimit-reset-requests", "12ms")], Some(3_723_500)),
            (429, &[("x-ratelimit-reset-tokens", "6m0s"), ("x-ratelimit-remaining-tokens", "17")], None),
            (429, &[("x-ratelimit-reset-tokens", "21")], Some(21_000)),
            (503, &[("x-ratelimit-reset-requests", "6m0s")], None),
        ];
        for (status, headers, expected) in cases {
            assert_eq!(retry_after(&response(status, headers, "")), expected, "{status} {headers:?}");
        }
    }

    #[test]
    fn durations_that_are_none_are_not_read() {
        for text in ["", "h", "1x", "1h2", "m5", "1.2.3s"] {
            assert_eq!(duration(text).filter(|ms| *ms > 0), None, "{text}");
        }
    }

    #[test]
    fn leading_blank_lines_do_not_spoil_a_body() {
        assert_eq!(json(&response(200, &[], "\n\n  {\"a\":1}")).expect("it is JSON")["a"], 1);
    }

    #[test]
    fn a_body_that_no_model_wrote_is_unavailable() {
        for (body, code) in [("", "empty-body"), ("<html>busy</html>", "not-json-body"), ("{\"a\":", "not-json-body")] {
            let fault = json(&response(200, &[], body)).expect_err("it is not JSON");
            assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::Unavailable, Some(code)), "{body}");
        }
    }

    #[test]
    fn bodies_keep_the_order_of_keys() {
        let request = post_json("/x", &serde_json::json!({ "z": 1, "a": 2 }));
        assert_eq!(request.body, Some(Body::Text("{\"z\":1,\"a\":2}".to_owned())));
    }
}
