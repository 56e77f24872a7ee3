//! The preflight: does the key work, and does the server have the model.

use crate::failure;
use judge_provider::{Fault, HttpResponse, Preparation, fault, http};

/// Models that a message names.
const MODELS_SHOWN_MAX: usize = 10;

/// Judges the answer to `GET /v1/models`. A server without that route, or with an empty list, is taken as ready: it
/// says at the first record what it lacks.
///
/// # Errors
/// `model-not-found` where the list lacks the model; what an error status stands for.
pub(crate) fn check_model(model: &str, response: &HttpResponse) -> Result<Preparation, Fault> {
    let ready = || Ok(Preparation::Ready(Vec::new()));
    if matches!(response.status, 404 | 405 | 501) {
        return ready();
    }
    if !http::is_success(response) {
        let fault = failure::of(response);
        // A key may be allowed to judge, and not to list.
        return Err(if response.status == 403 {
            fault.hint("if the key may not list models, skip this check by `--setting check_model=false`")
        } else {
            fault
        });
    }
    let body = http::json(response)?;
    let list = body["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let known: Vec<&str> = list.iter().filter_map(|entry| entry["id"].as_str()).collect();
    if known.is_empty() || known.contains(&model) {
        return ready();
    }
    let shown = known.iter().take(MODELS_SHOWN_MAX).copied().collect::<Vec<_>>().join(", ");
    let among = if known.len() > MODELS_SHOWN_MAX { ", among others" } else { "" };
    let message = format!("the server does not list the model `{model}`; it has {shown}{among}");
    Err(fault::model_not_found(message)
        .code("model_not_found")
        .hint("name one of them by `--model NAME`, or skip this check by `--setting check_model=false`"))
}
