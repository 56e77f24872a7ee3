use crate::dialect::Dialect;
use crate::stats::InFlight;
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use serde_json::Value;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body that keeps its call under way until it is handed over.
pub(crate) struct Answer {
    body: Full<Bytes>,
    _in_flight: Option<InFlight>,
}

impl Answer {
    /// The same, keeping this call under way.
    pub(crate) fn of_call(self, in_flight: InFlight) -> Answer {
        Answer { body: self.body, _in_flight: Some(in_flight) }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(ctx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

pub(crate) fn unauthorized(dialect: Dialect) -> Response<Answer> {
    json(401, &dialect.error(401, "the key is missing or wrong"))
}

pub(crate) fn scripted(
    dialect: Dialect,
    code: u16,
    body: Option<&str>,
    headers: &[(String, String)],
) -> Response<Answer> {
    let mut response = match body {
        Some(body) => text(status(code), body),
        None => json(code, &dialect.error(code, &format!("scripted status {code}"))),
    };
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().expect("a script names proper headers");
        response.headers_mut().append(name, value.parse().expect("a script names proper headers"));
    }
    response
}

pub(crate) fn json(code: u16, body: &Value) -> Response<Answer> {
    respond(status(code), "application/json", body.to_string())
}

pub(crate) fn text(status: StatusCode, body: &str) -> Response<Answer> {
    respond(status, "text/plain", body.to_owned())
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).expect("a script names proper statuses")
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response<Answer> {
    let mut response = Response::new(Answer { body: Full::new(body.into()), _in_flight: None });
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static(content_type));
    response
}
