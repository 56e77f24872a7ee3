//! The preflight: is this an Ollama server, does it have the model, what can the model do; then the model is loaded, so
//! that what fails at that fails once and not at every record. Three requests at most.

use crate::failure;
use crate::options::Options;
use crate::profile::{self, Profile};
use crate::request;
use judge_provider::serde_json::{self, Value, json};
use judge_provider::{
    Fault, FaultKind, HttpRequest, HttpResponse, Outgoing, Preparation, Previous, Settings, fault, http,
};

/// The code of a model that is not there, as other APIs have it; Ollama has none.
const NOT_FOUND: &str = "model_not_found";
/// Models that a message names.
const MODELS_SHOWN_MAX: usize = 10;

/// The next step after this response.
///
/// # Errors
/// `unsupported` where this is no Ollama server or the model cannot do what is asked; `model-not-found`; whatever keeps
/// the server from loading the model.
pub(crate) fn next(settings: &Settings, options: &Options, previous: Option<Previous>) -> Result<Preparation, Fault> {
    let Some(Previous { state, response }) = previous else {
        return Ok(send(http::get("/api/tags"), &json!({ "asked": "tags" })));
    };
    let state: Value = serde_json::from_slice(&state).unwrap_or_default();
    let model = settings.model.as_str();
    match state["asked"].as_str() {
        Some("tags") => {
            let is_cloud = check_listed(model, &response)?;
            let show = http::post_json("/api/show", &json!({ "model": model }));
            Ok(send(show, &json!({ "asked": "show", "is_cloud": is_cloud })))
        }
        Some("show") => {
            let profile = shown(model, options, &response, state["is_cloud"] == true)?;
            // The cloud has its models loaded, and a model that does not stay loaded is loaded in vain.
            if !options.warm || profile.is_cloud || !options.keeps_loaded() {
                return Ok(ready(&profile.written()));
            }
            let warm = http::post_json(request::PATH, &request::warm(settings, options, &profile));
            Ok(send(warm, &json!({ "asked": "warm", "profile": profile.written() })))
        }
        Some("warm") => {
            check_warm(model, &response)?;
            Ok(ready(&state["profile"]))
        }
        _ => Err(fault::other("the preparation's state is not one that it gave")),
    }
}

/// Judges the answer to `GET /api/tags`: whether the server has the model, and whether it is one of the cloud's.
fn check_listed(model: &str, response: &HttpResponse) -> Result<bool, Fault> {
    if matches!(response.status, 404 | 405) {
        return Err(not_ollama());
    }
    if !http::is_success(response) {
        return Err(failure::of(model, response));
    }
    let Ok(body) = http::json(response) else {
        return Err(not_ollama());
    };
    let Some(list) = body["models"].as_array() else {
        return Err(not_ollama());
    };
    if model.is_empty() {
        let message = format!("no model is named; {}", names(list));
        return Err(fault::model_not_found(message).code(NOT_FOUND).hint("name one by `--model NAME`"));
    }
    let is_named_cloud = is_cloud_name(model);
    match list.iter().find(|known| name(known).is_some_and(|name| tagged(name) == tagged(model))) {
        Some(known) => Ok(is_named_cloud || known["remote_host"].as_str().is_some_and(|host| !host.is_empty())),
        // The cloud's models need not be pulled: the server hands their names on.
        None if is_named_cloud => Ok(true),
        None => {
            let message = format!("the server does not have the model `{model}`; {}", names(list));
            Err(fault::model_not_found(message).code(NOT_FOUND).hint(format!("ollama pull {model}")))
        }
    }
}

/// Judges the answer to `POST /api/show`. A server or proxy that does not have this route leaves the model unknown.
fn shown(model: &str, options: &Options, response: &HttpResponse, is_cloud: bool) -> Result<Profile, Fault> {
    let unknown = Profile { is_cloud, ..Profile::default() };
    if !http::is_success(response) {
        let fault = failure::of(model, response);
        return match fault.kind {
            // The list of models was given without complaint, so it is this route that is closed or missing.
            FaultKind::InvalidRequest | FaultKind::Unsupported | FaultKind::Credentials if !is_cloud => Ok(unknown),
            _ => Err(fault),
        };
    }
    let Ok(shown) = http::json(response) else {
        return Ok(unknown);
    };
    let profile = Profile::of_model(&shown, is_cloud);
    if profile.thinks == Some(false) && options.wants_thoughts() {
        let message = format!("the model `{model}` cannot think");
        return Err(Fault::new(FaultKind::Unsupported, message)
            .code("cannot-think")
            .hint("drop `--setting think=VALUE`, or name a model that can by `--model NAME`"));
    }
    if profile::can(&shown, "completion") == Some(false) && !profile.is_cloud {
        let message = format!("the model `{model}` cannot answer: it is made for something else, such as embeddings");
        return Err(Fault::new(FaultKind::Unsupported, message)
            .code("cannot-chat")
            .hint("name a model that can chat by `--model NAME`"));
    }
    Ok(profile)
}

/// Judges the answer to the request that loads the model. What a server dislikes about a request without messages is
/// no reason not to ask it with some.
fn check_warm(model: &str, response: &HttpResponse) -> Result<(), Fault> {
    match failure::in_response(model, response) {
        Some(fault) if fault.kind != FaultKind::InvalidRequest => Err(fault),
        _ => Ok(()),
    }
}

fn send(request: HttpRequest, state: &Value) -> Preparation {
    Preparation::Send(Outgoing { request, state: state.to_string().into_bytes() })
}

fn ready(profile: &Value) -> Preparation {
    Preparation::Ready(profile.to_string().into_bytes())
}

fn name(model: &Value) -> Option<&str> {
    model["name"].as_str().or_else(|| model["model"].as_str())
}

/// A name without a tag means the tag `latest`. A registry's port stands before the last `/`, and is no tag.
fn tagged(model: &str) -> String {
    let base = model.rsplit('/').next().unwrap_or(model);
    let model = model.to_lowercase();
    if base.contains(':') { model } else { format!("{model}:latest") }
}

/// Whether the tag says that the model runs in the cloud (`internal/modelref/modelref.go`).
fn is_cloud_name(model: &str) -> bool {
    let tag = model.rsplit('/').next().and_then(|base| base.rsplit_once(':')).map(|(_, tag)| tag.to_lowercase());
    tag.is_some_and(|tag| tag == "cloud" || tag.ends_with("-cloud"))
}

fn names(list: &[Value]) -> String {
    let installed: Vec<&str> = list.iter().filter_map(name).collect();
    let names = installed.iter().take(MODELS_SHOWN_MAX).copied().collect::<Vec<_>>().join(", ");
    match installed.len() {
        0 => "it has none".to_owned(),
        count if count > MODELS_SHOWN_MAX => format!("it has {count}, among them {names}"),
        _ => format!("it has {names}"),
    }
}

fn not_ollama() -> Fault {
    Fault::new(FaultKind::Unsupported, "what answers at the endpoint is no Ollama server: it has no `/api/tags`")
        .code("not-ollama")
        .hint("check `--endpoint`; for a server that speaks OpenAI's API use `--provider openai`")
}
