use crate::dialect::{self, Dialect, Finish, Reply, Route, tokens};
use crate::question::Question;
use crate::response::{Answer, json, scripted, text, unauthorized};
use crate::stats::Counters;
use crate::{Script, Then};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::Value;
use std::sync::Arc;

/// Bytes of a request's body; more ends the connection.
const REQUEST_BYTES_MAX: usize = 64 << 20;
/// What the model says when it declines.
const REFUSAL: &str = "I'm sorry, but I cannot help with that.";

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) script: Script,
    pub(crate) counters: Arc<Counters>,
}

/// The connection is to be closed without an answer.
#[derive(Debug)]
pub(crate) struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed without an answer")
    }
}

impl std::error::Error for Closed {}

/// Answers one request, or fails where the connection is to be closed instead.
pub(crate) async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Response<Answer>, Closed> {
    let Shared { script, counters } = shared;
    let (head, body) = request.into_parts();
    let Some((dialect, route)) = dialect::route(head.method.as_str(), head.uri.path()) else {
        counters.other_request();
        return Ok(text(StatusCode::NOT_FOUND, "404 page not found"));
    };
    let key = key(&head.headers);
    counters.keep_auth(key);
    let allowed = script.key.is_none() || script.key.as_deref() == key;
    if route == Route::Chat {
        let body = read(body).await?;
        if dialect.is_warm_up(&body) {
            counters.other_request();
            return Ok(if allowed { json(200, &dialect.warmed()) } else { unauthorized(dialect) });
        }
        let (call_index, in_flight) = counters.begin();
        let response = if allowed {
            chat(shared, dialect, &body, (call_index, counters.in_flight())).await?
        } else {
            unauthorized(dialect)
        };
        return Ok(response.map(|body| body.of_call(in_flight)));
    }
    counters.other_request();
    if !allowed && !matches!(route, Route::Alive | Route::Version) {
        return Ok(unauthorized(dialect));
    }
    Ok(match route {
        Route::Alive => text(StatusCode::OK, "Ollama is running"),
        Route::Version => json(200, &serde_json::json!({ "version": "0.33.0" })),
        Route::Model(model) => one_model(script, dialect, model),
        Route::Show => one_model(script, dialect, &named_model(&read(body).await?)),
        Route::Models | Route::Chat => json(200, &dialect.models(&script.models)),
    })
}

/// One call of the model, its key being right.
async fn chat(
    shared: &Shared,
    dialect: Dialect,
    body: &[u8],
    (call_index, in_flight): (u64, usize),
) -> Result<Response<Answer>, Closed> {
    let Shared { script, counters } = shared;
    if script.keep_bodies {
        counters.keep_body(body);
    }
    let question = match Question::read(dialect, body) {
        Ok(question) => question,
        Err(message) => return Ok(json(400, &dialect.error(400, &message))),
    };
    if script.keep_bodies {
        counters.keep_arrivals(&question);
    }
    let records = counters.records(&question);
    if !has_model(script, dialect, &question.model) {
        return Ok(json(404, &dialect.unknown_model(&question.model)));
    }
    let rule = script.faults.iter().find(|rule| rule.when.fits(call_index, &records));
    let then = rule.map(|rule| &rule.then);
    let delay = script.delay_of(in_flight);
    match then {
        Some(Then::Status { code, body, headers }) => return Ok(scripted(dialect, *code, body.as_deref(), headers)),
        Some(Then::Close) => return Err(Closed),
        Some(Then::Stall(more)) => tokio::time::sleep(delay + *more).await,
        Some(Then::Hold) => counters.released().await,
        // Even a sleep of nothing takes a turn of the timer.
        _ if delay.is_zero() => {}
        _ => tokio::time::sleep(delay).await,
    }
    let (content, finish) = match then {
        Some(Then::ErrorIn200) => return Ok(json(200, &dialect.error(500, "the model failed while it ran"))),
        Some(Then::Refuse) => (REFUSAL.to_owned(), Finish::Refusal),
        Some(Then::Garbage(words)) => (words.clone(), Finish::Stop),
        Some(Then::Truncate) => (first_half(&question.answer(script, call_index)).to_owned(), Finish::Length),
        _ => (question.answer(script, call_index), Finish::Stop),
    };
    let prefix_tokens = tokens(&question.system);
    let reply = Reply {
        model: &question.model,
        content: &content,
        finish,
        input_tokens: prefix_tokens + tokens(&question.user),
        cached_input_tokens: if counters.is_cached(&question.system) { prefix_tokens } else { 0 },
    };
    Ok(json(200, &dialect.reply(&reply)))
}

async fn read(body: Incoming) -> Result<Bytes, Closed> {
    let body = Limited::new(body, REQUEST_BYTES_MAX).collect().await;
    body.map(http_body_util::Collected::to_bytes).map_err(|_| Closed)
}

/// The key that came, wherever it stood.
fn key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok());
    let bearer = bearer.map(|value| value.strip_prefix("Bearer ").unwrap_or(value));
    bearer.or_else(|| headers.get("x-api-key").and_then(|value| value.to_str().ok()))
}

fn has_model(script: &Script, dialect: Dialect, model: &str) -> bool {
    script.models.iter().any(|known| dialect.is_same_model(known, model))
}

fn one_model(script: &Script, dialect: Dialect, model: &str) -> Response<Answer> {
    if has_model(script, dialect, model) {
        json(200, &dialect.model(model))
    } else {
        json(404, &dialect.unknown_model(model))
    }
}

fn named_model(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let name = body["model"].as_str().or_else(|| body["name"].as_str());
    name.unwrap_or_default().to_owned()
}

fn first_half(content: &str) -> &str {
    &content[..content.floor_char_boundary(content.len() / 2)]
}
