//! How long OpenRouter asks to be left alone, where its own headers and bodies say so.

use judge_provider::serde_json::Value;
use judge_provider::{Extra, HttpResponse, http, rate};
use std::borrow::Cow;
use std::time::UNIX_EPOCH;

/// Milliseconds: by `Retry-After`, by the error's own fields, or by `X-RateLimit-Reset`, which OpenRouter alone gives
/// in milliseconds of the epoch, at times inside `error.metadata.headers` only.
pub(crate) fn milliseconds(response: &HttpResponse, error: &Value) -> Option<u64> {
    let headers = &error["metadata"]["headers"];
    http::retry_after(response)
        .or_else(|| seconds(&error["availability"]["retry_after"]))
        .or_else(|| seconds(field(headers, "retry-after")))
        .or_else(|| until(response, http::header(response, "x-ratelimit-reset")?))
        .or_else(|| match field(headers, "x-ratelimit-reset") {
            Value::String(text) => until(response, text),
            reset => until(response, &reset.as_u64()?.to_string()),
        })
}

/// What it tells of its rates, which stands in the same two places.
pub(crate) fn rates(response: &HttpResponse, error: &Value) -> Vec<Extra> {
    let headers = &error["metadata"]["headers"];
    rate::extras_by(response, |name| match http::header(response, name) {
        Some(text) => Some(Cow::Borrowed(text)),
        None => match field(headers, name) {
            Value::Null => None,
            Value::String(text) => Some(Cow::Borrowed(text.as_str())),
            value => Some(Cow::Owned(value.to_string())),
        },
    })
}

/// A header by its name in any case.
fn field<'a>(headers: &'a Value, name: &str) -> &'a Value {
    let found =
        headers.as_object().and_then(|fields| fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)));
    found.map_or(&Value::Null, |(_, value)| value)
}

fn seconds(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::String(text) => text.trim().parse().ok()?,
        value => value.as_f64()?,
    };
    let milliseconds = (seconds * 1000.0_f64).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked beside it")]
    (0.0..1e15).contains(&milliseconds).then_some(milliseconds as u64)
}

/// From the response's own `date`, as a provider has no clock.
fn until(response: &HttpResponse, reset: &str) -> Option<u64> {
    let reset: u64 = reset.trim().parse().ok()?;
    let date = httpdate::parse_http_date(http::header(response, "date")?).ok()?;
    let now = u64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()?;
    Some(reset.saturating_sub(now))
}
