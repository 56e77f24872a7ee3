//! What an error of the server means. Ollama has no error codes and answers most of what goes wrong with status 500,
//! so its words decide. Their source is `server/routes.go` and `server/sched.go`, or what is named beside them.

use judge_provider::error::{self, ServerError};
use judge_provider::serde_json;
use judge_provider::{Fault, FaultKind, HttpResponse, http};

/// Words of the server and the kinds that they stand for; the first that fits counts.
const WORDS: [(&str, FaultKind); 23] = [
    ("server busy", FaultKind::Overloaded),
    // The memory is shared with the server's other models, and free again when one of them is unloaded. A crash of the
    // runner (`llama runner process has terminated: CUDA error: out of memory`) is one of these first.
    ("out of memory", FaultKind::Overloaded),
    ("cudamalloc failed", FaultKind::Overloaded),
    ("requires more system memory", FaultKind::Overloaded),
    // The next request starts a new runner (issues 11380, 14093).
    ("runner process has terminated", FaultKind::Unavailable),
    ("runner process no longer running", FaultKind::Unavailable),
    ("runner has unexpectedly stopped", FaultKind::Unavailable),
    ("timed out waiting for", FaultKind::TimedOut),
    // The cloud's allowances last hours or a week: longer than a record is pursued. Issue 3709 of OmniRoute, 9233 and
    // 11444 of continue.
    ("usage limit", FaultKind::Quota),
    // A model that free accounts do not get, with status 403 (issue 15990).
    (NOT_IN_PLAN, FaultKind::Quota),
    // `internal/cloud/policy.go`; it comes with status 403.
    ("cloud is disabled", FaultKind::Unsupported),
    ("unknown model architecture", FaultKind::Unsupported),
    ("does not support", FaultKind::Unsupported),
    ("must be of type", FaultKind::InvalidRequest),
    ("invalid format", FaultKind::InvalidRequest),
    ("invalid option", FaultKind::InvalidRequest),
    ("invalid duration", FaultKind::InvalidRequest),
    ("exceeds the context", FaultKind::TooLong),
    ("exceeds context", FaultKind::TooLong),
    // llama.cpp's words, which come through since 0.34.
    ("exceeds the available context", FaultKind::TooLong),
    ("context length", FaultKind::TooLong),
    ("prompt too long", FaultKind::TooLong),
    ("prompt is too long", FaultKind::TooLong),
];

/// The cloud's word for a model that the account's plan does not have.
const NOT_IN_PLAN: &str = "requires a subscription";

/// The client went away, as a proxy in front of the server may put it (`server/routes.go`, handleScheduleError).
const CLIENT_CLOSED: u16 = 499;

/// The fault of a response, where it is an error: by its status, or by an `error` in a body of status 200.
pub(crate) fn in_response(model: &str, response: &HttpResponse) -> Option<Fault> {
    if !http::is_success(response) {
        return Some(of(model, response));
    }
    match http::json(response) {
        Ok(body) => {
            let said = unwrapped(ServerError::read(&body)?);
            let kind = kind_of_words(&said).unwrap_or(FaultKind::Other);
            Some(hinted(error::named(kind, response.status, &said), model, &said))
        }
        Err(fault) => Some(fault),
    }
}

/// The fault of a response of an error status.
pub(crate) fn of(model: &str, response: &HttpResponse) -> Fault {
    let body = http::json(response).ok();
    let said = body.as_ref().and_then(ServerError::read).map(unwrapped).unwrap_or_default();
    let by_status = error::fault(response);
    let kind = match kind_of_words(&said) {
        Some(kind) => kind,
        None if response.status == CLIENT_CLOSED => FaultKind::TimedOut,
        // Whatever the server has no better status for; most of it does not pass by itself.
        None if response.status == 500 => FaultKind::Other,
        None => by_status.kind,
    };
    let named = error::named(kind, response.status, &said);
    let fault = Fault { kind, code: named.code, message: named.message, ..by_status };
    // Only the server itself can sign in to the cloud; a key of ours is not handed on.
    if body.is_some_and(|body| body["signin_url"].is_string()) {
        return fault.hint("run `ollama signin` on the server's machine");
    }
    // A server that listens on its own machine only refuses names that are not its own, without a word
    // (`server/routes.go`, allowedHostsMiddleware).
    if response.status == 403 && http::text(response).trim().is_empty() {
        return fault
            .hint("name the server by its address in `--endpoint`, or set OLLAMA_HOST there; else check the key");
    }
    hinted(fault, model, &said)
}

/// llama.cpp's error comes as JSON within the sentence.
fn unwrapped(said: ServerError) -> ServerError {
    let inner = said.message.as_deref().and_then(|words| serde_json::from_str(words).ok());
    inner.and_then(|inner| ServerError::read(&inner)).unwrap_or(said)
}

fn kind_of_words(said: &ServerError) -> Option<FaultKind> {
    let not_found = said.says("model") && said.says("not found");
    not_found
        .then_some(FaultKind::ModelNotFound)
        .or_else(|| WORDS.iter().find(|(words, _)| said.says(words)).map(|(_, kind)| *kind))
}

/// What the operator can do about it.
fn hinted(fault: Fault, model: &str, said: &ServerError) -> Fault {
    let hint = match fault.kind {
        FaultKind::ModelNotFound => format!("ollama pull {model}"),
        FaultKind::TooLong => TOO_LONG_HINT.to_owned(),
        FaultKind::Quota if said.says(NOT_IN_PLAN) => {
            "name a model of the account's plan by `--model NAME`, or subscribe: see https://ollama.com/upgrade"
                .to_owned()
        }
        FaultKind::Quota => "the account's allowance is used up: see https://ollama.com/upgrade".to_owned(),
        FaultKind::Overloaded if said.says("memory") || said.says("cudamalloc") => {
            "take less of the server's memory: a smaller context by `--setting num_ctx=TOKENS`, or a smaller model by \
             `--model NAME`; `ollama ps` shows what else is loaded"
                .to_owned()
        }
        FaultKind::Overloaded => {
            "send less at once by `--parallel N`, or raise the server's OLLAMA_MAX_QUEUE".to_owned()
        }
        FaultKind::Unavailable if said.says("runner") => {
            "the server's log says why the model's runner ended".to_owned()
        }
        FaultKind::Unsupported if said.says("think") => "try `--setting think=false`".to_owned(),
        FaultKind::Unsupported if said.says("cloud") => {
            "allow the cloud's models on the server, or name one of its own by `--model NAME`".to_owned()
        }
        FaultKind::Unsupported if said.says("architecture") => "update Ollama on the server's machine".to_owned(),
        FaultKind::Unsupported if said.says("does not support") => "name another model by `--model NAME`".to_owned(),
        FaultKind::InvalidRequest if said.says("duration") => "correct `--setting keep_alive=DURATION`".to_owned(),
        _ => return fault,
    };
    fault.hint(hint)
}

/// How a prompt gets to fit.
pub(crate) const TOO_LONG_HINT: &str = "give the model a larger context by `--setting num_ctx=TOKENS`, or show it \
    fewer clusters by `--candidates-max N`";
