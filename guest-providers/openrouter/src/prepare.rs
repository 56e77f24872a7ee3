//! The preflight, by two requests that cost nothing. `GET /key` proves the key: the lists of models are public, and
//! answer any caller. `GET /models/{author}/{slug}/endpoints` proves the model, and says what each of its providers
//! takes; the whole list would be a megabyte to learn the same.

use crate::options::Options;
use crate::{API, failure};
use judge_provider::chat::{Form, Learned};
use judge_provider::serde_json::Value;
use judge_provider::{Fault, FaultKind, HttpResponse, Outgoing, Preparation, Previous, Settings, fault, http};

/// States of the two requests.
const KEY: &[u8] = b"key";
const MODEL: &[u8] = b"model";
/// Suffixes that steer the routing and are no part of the name (provider-selection.mdx, "Dynamic Variants").
const STEERING: [&str; 4] = [":nitro", ":floor", ":online", ":exacto"];

/// The next step: the key, then the model.
pub(crate) fn step(settings: &Settings, options: &Options, previous: Option<Previous>) -> Result<Preparation, Fault> {
    match previous {
        _ if !options.check_model => Ok(Preparation::Ready(Vec::new())),
        None => Ok(send(&format!("{API}/key"), KEY)),
        Some(previous) if previous.state == KEY => {
            check_key(&settings.model, &previous.response)?;
            Ok(match slug(&settings.model) {
                Some(slug) => send(&format!("{API}/models/{slug}/endpoints"), MODEL),
                None => Preparation::Ready(Vec::new()),
            })
        }
        Some(previous) => check_model(settings, options, &previous.response),
    }
}

fn send(path: &str, state: &[u8]) -> Preparation {
    Preparation::Send(Outgoing { request: http::get(path), state: state.to_vec() })
}

/// # Errors
/// `credentials` where the key is none, `quota` where its own limit is used up.
fn check_key(model: &str, response: &HttpResponse) -> Result<(), Fault> {
    if response.status == 404 {
        // A gateway in front that passes on completions alone.
        return Ok(());
    }
    if !http::is_success(response) {
        return Err(failure::of(response, &http::json(response).unwrap_or_default()));
    }
    let body = http::json(response)?;
    let amount = |name: &str| body["data"][name].as_f64();
    let is_used_up = amount("limit").is_some_and(|limit| limit > 0.0)
        && amount("limit_remaining").is_some_and(|remaining| remaining <= 0.0);
    if is_used_up && !model.ends_with(":free") {
        return Err(Fault::new(FaultKind::Quota, "the key's spending limit is used up")
            .code("limit_remaining")
            .hint("raise the key's limit at https://openrouter.ai/settings/keys, or name another by `--api-key-env`"));
    }
    Ok(())
}

/// `author/name` as the path wants it; none for a model that is named in another way, such as a preset.
fn slug(model: &str) -> Option<&str> {
    let name = STEERING.iter().find_map(|suffix| model.strip_suffix(suffix)).unwrap_or(model);
    let (author, rest) = name.split_once('/')?;
    let is_plain = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '~');
        part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '~') && part.chars().all(fits)
    };
    (is_plain(author) && is_plain(rest)).then_some(name)
}

/// # Errors
/// `model-not-found`; `unsupported` where no provider takes what the operator asked for.
fn check_model(settings: &Settings, options: &Options, response: &HttpResponse) -> Result<Preparation, Fault> {
    let model = &settings.model;
    if response.status == 404 {
        // An alias or a variant may be known to the router and not to this list.
        if model.contains(':') || model.starts_with('~') || model.starts_with("openrouter/") {
            return Ok(Preparation::Ready(Vec::new()));
        }
        return Err(fault::model_not_found(format!("OpenRouter does not list the model `{model}`")).code("404").hint(
            "name one of https://openrouter.ai/models by `--model AUTHOR/NAME`, or skip this check by \
             `--setting check_model=false`",
        ));
    }
    if !http::is_success(response) {
        return Err(failure::of(response, &http::json(response).unwrap_or_default()));
    }
    let body = http::json(response)?;
    let endpoints = body["data"]["endpoints"].as_array().map(Vec::as_slice).unwrap_or_default();
    let providers = endpoints.iter().filter(|endpoint| endpoint["supported_parameters"].is_array()).collect();
    Ok(Preparation::Ready(learn(settings, options, providers)?.profile()))
}

/// What to leave out so that one provider at least takes the rest: with `require_parameters` a request that none takes
/// whole is status 404. The form comes first, as the verdicts depend on it, then sampling.
fn learn(settings: &Settings, options: &Options, mut providers: Vec<&Value>) -> Result<Learned, Fault> {
    let mut learned = Learned::default();
    if providers.is_empty() {
        return Ok(learned);
    }
    // A JSON schema needs `structured_outputs`; `response_format` alone is any JSON.
    learned.form = if options.omits("response_format") || keep(&mut providers, "structured_outputs") {
        Form::Schema
    } else if keep(&mut providers, "response_format") {
        Form::Object
    } else {
        Form::Free
    };
    if !keep(&mut providers, "max_tokens") && keep(&mut providers, "max_completion_tokens") {
        learned.token_field = Some("max_completion_tokens".to_owned());
    }
    let sampling = [("temperature", true), ("seed", settings.seed.is_some())];
    for (name, is_sent) in sampling {
        if is_sent && !options.omits(name) && !keep(&mut providers, name) {
            learned.left_out.push(name.to_owned());
        }
    }
    learned.reasons = providers.iter().any(|provider| takes(provider, "reasoning"));
    if options.reasoning_effort.is_some() && !keep(&mut providers, "reasoning") {
        return Err(Fault::new(FaultKind::Unsupported, "no provider of the model takes an effort of reasoning")
            .code("reasoning")
            .hint("drop `--setting reasoning_effort`"));
    }
    Ok(learned)
}

/// Keeps those that take the parameter, where any does.
fn keep(providers: &mut Vec<&Value>, parameter: &str) -> bool {
    let found = providers.iter().any(|provider| takes(provider, parameter));
    if found {
        providers.retain(|provider| takes(provider, parameter));
    }
    found
}

fn takes(provider: &Value, parameter: &str) -> bool {
    provider["supported_parameters"].as_array().is_some_and(|names| names.iter().any(|name| name == parameter))
}
