//! What a response of `/v1/chat/completions` means.

use crate::failure;
use judge_provider::error::ServerError;
use judge_provider::serde_json::Value;
use judge_provider::{Answer, Fault, HttpResponse, Job, Usage, answer, error, fault, http, usage};
use std::borrow::Cow;

/// The answer in a response, or why there is none.
pub(crate) fn answer(job: &Job, response: &HttpResponse) -> Result<Answer, Fault> {
    if !http::is_success(response) {
        return Err(failure::of(response));
    }
    let body = http::json(response)?;
    let usage = usage::openai(&body["usage"]);
    if let Some(error) = ServerError::read(&body) {
        return Err(failure::of_body(response, &error).usage(usage));
    }
    let Some(choice) = body["choices"].as_array().and_then(|choices| choices.first()) else {
        return Err(fault::malformed("no-choice", "the server's answer holds no choice").usage(usage));
    };
    let finish_reason = choice["finish_reason"].as_str();
    let text = text(choice, finish_reason, usage)?;
    let verdicts = answer::read(job, &text).map_err(|fault| fault.usage(usage))?;
    Ok(Answer {
        verdicts,
        model: body["model"].as_str().map(str::to_owned),
        finish_reason: finish_reason.map(str::to_owned),
        usage,
        ..Answer::default()
    })
}

/// What the model wrote, where it wrote all of it: a cut or filtered answer is none, even if it happens to parse.
fn text<'a>(choice: &'a Value, finish_reason: Option<&str>, usage: Usage) -> Result<Cow<'a, str>, Fault> {
    let message = &choice["message"];
    match finish_reason {
        Some("length") => {
            return Err(fault::truncated("the answer reached the limit of output tokens", usage)
                .code("length")
                .hint("allow more output tokens; a model that reasons spends them on that too"));
        }
        Some("content_filter") => {
            return Err(fault::refused("the server's content filter cut the answer", usage).code("content_filter"));
        }
        _ => {}
    }
    if let Some(refusal) = message["refusal"].as_str().filter(|words| !words.is_empty()) {
        let words = error::safe(refusal);
        return Err(fault::refused(format!("the model refused: {words}"), usage).code("refusal"));
    }
    match &message["content"] {
        Value::String(text) => Ok(Cow::Borrowed(text)),
        Value::Array(parts) => {
            let refusal = parts.iter().find_map(|part| part["refusal"].as_str());
            if let Some(words) = refusal {
                let words = error::safe(words);
                return Err(fault::refused(format!("the model refused: {words}"), usage).code("refusal"));
            }
            Ok(Cow::Owned(parts.iter().filter_map(|part| part["text"].as_str()).collect()))
        }
        // The caller's reader says that there is nothing.
        _ => Ok(Cow::Borrowed("")),
    }
}
