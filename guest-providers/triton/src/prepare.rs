//! The preflight: is this a Triton server, is the model loaded, and which tensors does it take and give.

use crate::failure;
use crate::head::model_path;
use crate::layout::Layout;
use crate::model::{self, Model};
use crate::options::Options;
use judge_provider::serde_json::{self, Value};
use judge_provider::{Fault, FaultKind, HttpResponse, Outgoing, Preparation, Previous, fault, http};

/// The state of the first request; that of the second is what the first one told.
const METADATA: &[u8] = b"metadata";

/// The next step: `GET /v2/models/{m}`, then `GET /v2/models/{m}/config`, then the profile.
///
/// # Errors
/// `model-not-found` where no model is named or the server has it not; `unavailable` while it is not loaded;
/// `unsupported` where this is no Triton server or no model that takes and gives text.
pub(crate) fn next(model: &str, options: &Options, previous: Option<&Previous>) -> Result<Preparation, Fault> {
    if model.is_empty() {
        return Err(fault::model_not_found("no model is named")
            .code("model_not_found")
            .hint("name one by `--model NAME`"));
    }
    let path = model_path(model, options);
    match previous {
        None => Ok(send(&path, METADATA.to_vec())),
        Some(previous) if previous.state == METADATA => {
            let known = metadata(&previous.response)?;
            Ok(send(&format!("{path}/config"), known.to_string().into_bytes()))
        }
        Some(previous) => {
            let known = serde_json::from_slice(&previous.state).unwrap_or_default();
            ready(&with_config(known, &previous.response)?, options)
        }
    }
}

fn send(path: &str, state: Vec<u8>) -> Preparation {
    Preparation::Send(Outgoing { request: http::get(path), state })
}

fn metadata(response: &HttpResponse) -> Result<Value, Fault> {
    if !http::is_success(response) {
        let fault = failure::of(response, None);
        return Err(match (fault.kind, response.status) {
            // An unknown path: an unknown model says so.
            (FaultKind::InvalidRequest, 404 | 405) => not_triton(),
            // `/v2/health/ready` and its like say 400 with an empty body where other servers say 503.
            (FaultKind::InvalidRequest, 400) if http::text(response).trim().is_empty() => {
                Fault { kind: FaultKind::Unavailable, ..fault }.hint("the model or server is not ready")
            }
            _ => fault,
        });
    }
    http::json(response).ok().as_ref().and_then(model::of_metadata).ok_or_else(not_triton)
}

/// The configuration is an extension that a server may lack or restrict, so only what passes by itself is a fault.
fn with_config(known: Value, response: &HttpResponse) -> Result<Value, Fault> {
    if http::is_success(response) {
        return Ok(match http::json(response) {
            Ok(config) => model::with_config(known, &config),
            Err(_) => known,
        });
    }
    let fault = failure::of(response, None);
    match fault.kind {
        FaultKind::RateLimited | FaultKind::Overloaded | FaultKind::Unavailable | FaultKind::TimedOut => Err(fault),
        _ => Ok(known),
    }
}

fn ready(profile: &Value, options: &Options) -> Result<Preparation, Fault> {
    let model = Model::read(profile).ok_or_else(not_triton)?;
    // What the settings and the model do not agree on is told before the first record.
    Layout::of(&model, options)?;
    Ok(Preparation::Ready(profile.to_string().into_bytes()))
}

fn not_triton() -> Fault {
    Fault::new(FaultKind::Unsupported, "what answers at the endpoint is no Triton server: it has no `/v2/models`")
        .code("not-triton")
        .hint(
            "check `--endpoint`: port 8000 by default; for Triton's OpenAI-compatible frontend use `--provider openai`",
        )
}
