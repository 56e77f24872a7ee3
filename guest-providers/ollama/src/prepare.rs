//! The preflight: is this an Ollama server, and does it have the model.

use judge_provider::serde_json::Value;
use judge_provider::{Fault, FaultKind, HttpResponse, Preparation, error, fault, http};

/// Models that a message names.
const MODELS_SHOWN_MAX: usize = 10;

/// Judges the answer to `GET /api/tags`.
///
/// # Errors
/// `model-not-found` where the server has it not; `unsupported` where this is no Ollama server.
pub(crate) fn check_model(model: &str, response: &HttpResponse) -> Result<Preparation, Fault> {
    if matches!(response.status, 404 | 405) {
        return Err(not_ollama());
    }
    if !http::is_success(response) {
        return Err(error::fault(response));
    }
    let Ok(body) = http::json(response) else {
        return Err(not_ollama());
    };
    let Some(list) = body["models"].as_array() else {
        return Err(not_ollama());
    };
    let installed: Vec<&str> = list.iter().filter_map(name).collect();
    if model.is_empty() {
        let message = format!("no model is named; {}", shown(&installed));
        return Err(fault::model_not_found(message).hint("name one by `--model NAME`"));
    }
    if installed.iter().any(|known| tagged(known) == tagged(model)) {
        return Ok(Preparation::Ready(Vec::new()));
    }
    let message = format!("the server does not have the model `{model}`; {}", shown(&installed));
    Err(fault::model_not_found(message).hint(format!("ollama pull {model}")))
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

fn shown(installed: &[&str]) -> String {
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
