//! What a response of `/api/chat` means.

use judge_provider::error::ServerError;
use judge_provider::serde_json::Value;
use judge_provider::{Answer, Fault, FaultKind, HttpResponse, Job, Usage, answer, brief, error, fault, http};

/// The answer in a response, or why there is none.
pub(crate) fn answer(job: &Job, response: &HttpResponse) -> Result<Answer, Fault> {
    if !http::is_success(response) {
        return Err(failure(job, response));
    }
    let body = http::json(response)?;
    if let Some(error) = ServerError::read(&body) {
        return Err(error::named(kind_of_words(&error).unwrap_or(FaultKind::Other), response.status, &error));
    }
    let usage = usage(&body);
    let finish_reason = body["done_reason"].as_str();
    if body["done"] == false {
        // Ollama breaks off when a token repeats some thirty times, and says so by this alone.
        return Err(fault::truncated("the server broke the answer off (`done` is false)", usage).code("not-done"));
    }
    if finish_reason == Some("length") {
        return Err(fault::truncated("the answer reached the limit of output tokens or the context's end", usage)
            .code("length")
            .hint("allow more output tokens, or a larger context by `--setting num_ctx=TOKENS`"));
    }
    let text = body["message"]["content"].as_str().unwrap_or_default();
    if text.trim().is_empty() {
        return Err(empty(&body).usage(usage));
    }
    let verdicts = answer::read(job, text).map_err(|fault| fault.usage(usage))?;
    Ok(Answer {
        verdicts,
        model: body["model"].as_str().map(str::to_owned),
        finish_reason: finish_reason.map(str::to_owned),
        usage,
        ..Answer::default()
    })
}

fn empty(body: &Value) -> Fault {
    let fault = fault::malformed("empty", "the model's answer is empty");
    if body["message"]["thinking"].as_str().is_some_and(|thinking| !thinking.is_empty()) {
        return fault.hint("the model only thought: try `--setting think=false`, or allow more output tokens");
    }
    fault
}

fn failure(job: &Job, response: &HttpResponse) -> Fault {
    let fault = error::fault(response);
    let error = http::json(response).ok().and_then(|body| ServerError::read(&body)).unwrap_or_default();
    let fault = Fault { kind: kind_of_words(&error).unwrap_or(fault.kind), ..fault };
    match fault.kind {
        FaultKind::ModelNotFound => match brief::head(job) {
            Ok(head) => fault.hint(format!("ollama pull {}", head["model"].as_str().unwrap_or_default())),
            Err(_) => fault,
        },
        FaultKind::TooLong => fault.hint("give the model a larger context by `--setting num_ctx=TOKENS`"),
        FaultKind::Unsupported if error.says("think") => fault.hint("try `--setting think=false`"),
        _ => fault,
    }
}

/// Ollama has no error codes and answers most of what goes wrong with status 500, so its words decide.
fn kind_of_words(error: &ServerError) -> Option<FaultKind> {
    const WORDS: [(&str, FaultKind); 10] = [
        ("server busy", FaultKind::Overloaded),
        ("does not support", FaultKind::Unsupported),
        ("must be of type", FaultKind::InvalidRequest),
        ("invalid format", FaultKind::InvalidRequest),
        ("invalid option", FaultKind::InvalidRequest),
        ("exceeds the context", FaultKind::TooLong),
        ("exceeds context", FaultKind::TooLong),
        ("context length", FaultKind::TooLong),
        ("prompt too long", FaultKind::TooLong),
        ("prompt is too long", FaultKind::TooLong),
    ];
    let not_found = error.says("model") && error.says("not found");
    not_found
        .then_some(FaultKind::ModelNotFound)
        .or_else(|| WORDS.iter().find(|(words, _)| error.says(words)).map(|(_, kind)| *kind))
}

fn usage(body: &Value) -> Usage {
    Usage {
        input_tokens: body["prompt_eval_count"].as_u64(),
        output_tokens: body["eval_count"].as_u64(),
        ..Usage::default()
    }
}
