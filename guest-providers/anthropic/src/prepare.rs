//! The preflight: does the key work, does the server have the model, and can the model be held to a schema.

use crate::options::{Form, NO_STRICT_TOOLS};
use crate::{failure, request};
use judge_provider::error::ServerError;
use judge_provider::{Fault, FaultKind, HttpRequest, HttpResponse, Preparation, fault, http};
use std::fmt::Write as _;

const SKIP: &str = "skip this check by `--setting check_model=false`";

/// `GET /v1/models/{model}`, which takes aliases too (API reference, "Get a Model").
pub(crate) fn request(model: &str) -> HttpRequest {
    request::versioned(http::get(&format!("/v1/models/{}", encoded(model))))
}

/// Judges the answer to it. Whether the model can be held to a schema is `capabilities.structured_outputs`, which
/// stands for strict tools too (SDK, `types/model_capabilities.py`); a server that does not say is taken at its best.
///
/// # Errors
/// `model-not-found` where the server has it not; `unsupported` where it cannot be held to a schema, and is to be; what
/// an error status stands for.
pub(crate) fn check_model(model: &str, form: Form, response: &HttpResponse) -> Result<Preparation, Fault> {
    if !http::is_success(response) {
        return Err(unfit(model, response));
    }
    let body = http::json(response)?;
    let structured = &body["capabilities"]["structured_outputs"]["supported"];
    match form {
        Form::OutputConfig if structured == false => {
            let message = format!("the model `{model}` takes no schema for its answers");
            Err(Fault::new(FaultKind::Unsupported, message)
                .code("structured_outputs")
                .hint("have it fill in a tool by `--setting schema=tool`, or name a newer one by `--model NAME`"))
        }
        Form::Tool if structured == false => Ok(Preparation::Ready(NO_STRICT_TOOLS.to_vec())),
        _ => Ok(Preparation::Ready(Vec::new())),
    }
}

fn unfit(model: &str, response: &HttpResponse) -> Fault {
    let fault = failure::of(response);
    let error = http::json(response).ok().and_then(|body| ServerError::read(&body)).unwrap_or_default();
    match response.status {
        404 if error.is("not_found_error") || fault.kind == FaultKind::ModelNotFound => {
            fault::model_not_found(format!("the server does not have the model `{model}`"))
                .code("not_found_error")
                .hint(format!("name another by `--model NAME`, or {SKIP}"))
        }
        // A key may be allowed to judge, and not to look models up.
        403 => fault.hint(format!("check what the key may do; if it may judge, {SKIP}")),
        // Servers that imitate the API may have no such route.
        404 | 405 | 501 => fault.hint(format!("check `--endpoint`; if it is right, {SKIP}")),
        _ => fault,
    }
}

/// A model's name as a part of a path. A slash stays: gateways have it in their names, and the host refuses one that
/// is encoded.
fn encoded(model: &str) -> String {
    let mut path = String::with_capacity(model.len());
    for byte in model.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}
