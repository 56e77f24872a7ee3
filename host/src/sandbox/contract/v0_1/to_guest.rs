use super::bindings::contract as guest;
use crate::model::{Body, HttpResponse, Previous, Settings};

/// How to judge.
pub(super) fn settings(settings: &Settings) -> guest::Settings {
    guest::Settings {
        model: settings.model.clone(),
        temperature: settings.temperature,
        max_output_tokens: settings.max_output_tokens,
        seed: settings.seed,
        extra: settings.extra.clone(),
    }
}

/// What came back in the preparation, and the state beside it.
pub(super) fn previous(previous: Previous) -> guest::Previous {
    guest::Previous { state: previous.state, response: response(previous.response) }
}

/// What came back.
pub(super) fn response(response: HttpResponse) -> guest::HttpResponse {
    guest::HttpResponse { status: response.status, headers: response.headers, body: body(response.body) }
}

fn body(body: Body) -> guest::Body {
    match body {
        Body::Text(text) => guest::Body::Text(text),
        Body::Binary(bytes) => guest::Body::Binary(bytes),
    }
}
