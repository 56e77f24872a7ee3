//! The preflight: does the key work, does the server have the model, and what of the run's parameters does it take.

use crate::options::{Options, Probe};
use crate::{failure, probe};
use judge_provider::{Fault, HttpResponse, Preparation, Previous, Settings, fault, http};

/// Models that a message names.
const MODELS_SHOWN_MAX: usize = 10;

/// The next step: the list of models, then the probe.
pub(crate) fn step(settings: &Settings, options: &Options, previous: Option<Previous>) -> Result<Preparation, Fault> {
    match previous {
        None if options.check_model => Ok(Preparation::Send(http::send(http::get("/v1/models")))),
        None => Ok(after_list(settings, options)),
        Some(previous) if probe::is_own(&previous.state) => {
            probe::next(settings, options, &previous.state, &previous.response)
        }
        Some(previous) => {
            check_model(&settings.model, &previous.response)?;
            Ok(after_list(settings, options))
        }
    }
}

fn after_list(settings: &Settings, options: &Options) -> Preparation {
    let is_due = match options.probe {
        Probe::Always => true,
        Probe::Auto => !probe::is_undemanding(&settings.model),
        Probe::Never => false,
    };
    if is_due { probe::first(settings, options) } else { Preparation::Ready(Vec::new()) }
}

/// Judges the answer to `GET /v1/models`. A server without that route, or with an empty list, passes: it says to the
/// probe or at the first record what it lacks.
///
/// # Errors
/// `model-not-found` where the list lacks the model; what an error status stands for.
fn check_model(model: &str, response: &HttpResponse) -> Result<(), Fault> {
    if matches!(response.status, 404 | 405 | 501) {
        return Ok(());
    }
    if !http::is_success(response) {
        let fault = failure::of(response, &http::json(response).unwrap_or_default());
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
        return Ok(());
    }
    let shown = known.iter().take(MODELS_SHOWN_MAX).copied().collect::<Vec<_>>().join(", ");
    let among = if known.len() > MODELS_SHOWN_MAX { ", among others" } else { "" };
    let message = format!("the server does not list the model `{model}`; it has {shown}{among}");
    Err(fault::model_not_found(message)
        .code("model_not_found")
        .hint("name one of them by `--model NAME`, or skip this check by `--setting check_model=false`"))
}
