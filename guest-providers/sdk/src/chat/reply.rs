//! What a response of status 200 holds: the model's words where it wrote all of them, or why there are none.

use super::Dialect;
use crate::error::{self, ServerError};
use crate::{Extra, Fault, FaultKind, HttpResponse, Usage, fault, http};
use serde_json::Value;
use std::borrow::Cow;

/// The model's words, whole, and what stands beside them.
pub(super) struct Reply {
    pub(super) text: String,
    pub(super) model: Option<String>,
    pub(super) finish_reason: Option<String>,
    pub(super) usage: Usage,
    pub(super) extras: Vec<Extra>,
}

/// The reply in a response.
///
/// # Errors
/// What the response stands for otherwise, with what it cost.
pub(super) fn read<D: Dialect>(response: &HttpResponse) -> Result<Reply, Fault> {
    if !http::is_success(response) {
        return Err(D::meaning(response, &http::json(response).unwrap_or_default()));
    }
    let body = http::json(response)?;
    let usage = D::usage(&body["usage"]);
    // Both places occur with status 200: beside the choices or in one, where the model failed while it wrote.
    if ServerError::read(&body).is_some() {
        return Err(D::meaning(response, &body).usage(usage));
    }
    let Some(choice) = body["choices"].as_array().and_then(|choices| choices.first()) else {
        return Err(fault::malformed("no-choice", "the server's answer holds no choice").usage(usage));
    };
    if ServerError::read(choice).is_some() {
        return Err(D::meaning(response, choice).usage(usage));
    }
    let reasons = has_reasoned(&body, choice);
    let text = text(choice, reasons, D::LESS_REASONING).map_err(|fault| fault.usage(usage))?;
    if text.trim().is_empty() {
        return Err(empty(usage, reasons, D::LESS_REASONING));
    }
    let word = |value: &Value| value.as_str().map(str::to_owned);
    Ok(Reply {
        text: text.into_owned(),
        model: word(&body["model"]),
        finish_reason: word(&choice["finish_reason"]),
        usage,
        extras: D::extras(&body),
    })
}

/// What the model wrote: a cut or filtered answer is none, even if it happens to parse.
fn text<'a>(choice: &'a Value, reasons: bool, less_reasoning: &str) -> Result<Cow<'a, str>, Fault> {
    let message = &choice["message"];
    match choice["finish_reason"].as_str() {
        Some("length") => return Err(cut_off(reasons, less_reasoning)),
        Some("content_filter") => {
            let words = "the server's content filter cut the answer";
            return Err(fault::refused(words, Usage::default()).code("content_filter"));
        }
        // OpenRouter's word for a provider that broke off (its errors-and-debugging.mdx); what came is partial.
        Some("error") => {
            return Err(Fault::new(FaultKind::Unavailable, "the model broke off in the middle").code("error"));
        }
        _ => {}
    }
    if let Some(words) = message["refusal"].as_str().filter(|words| !words.is_empty()) {
        return Err(refusal(words));
    }
    let content = match &message["content"] {
        Value::String(text) => Cow::Borrowed(text.as_str()),
        Value::Array(parts) => {
            if let Some(words) = parts.iter().find_map(|part| part["refusal"].as_str()) {
                return Err(refusal(words));
            }
            Cow::Owned(parts.iter().filter_map(|part| part["text"].as_str()).collect())
        }
        _ => Cow::Borrowed(""),
    };
    if !content.trim().is_empty() {
        return Ok(content);
    }
    // vLLM's reasoning parsers file an answer without an end of thought under the thoughts (its issues 19222 and
    // 50948), and so do providers behind OpenRouter. Thoughts that are no JSON are no answer.
    let filed = thoughts(message).filter(|text| text.trim_start().starts_with(['{', '`']));
    Ok(Cow::Borrowed(filed.unwrap_or_default()))
}

/// `reasoning` with vLLM and OpenRouter, `reasoning_content` with older vLLM, llama.cpp and others.
fn thoughts(message: &Value) -> Option<&str> {
    let text = |name: &str| message[name].as_str().filter(|text| !text.trim().is_empty());
    text("reasoning").or_else(|| text("reasoning_content"))
}

fn has_reasoned(body: &Value, choice: &Value) -> bool {
    let tokens = body["usage"]["completion_tokens_details"]["reasoning_tokens"].as_u64();
    tokens.is_some_and(|tokens| tokens > 0) || thoughts(&choice["message"]).is_some()
}

fn cut_off(reasons: bool, less_reasoning: &str) -> Fault {
    let fault = fault::truncated("the answer reached the limit of output tokens", Usage::default()).code("length");
    if reasons {
        // The limit covers thoughts and answer together, so the answer may not even have begun.
        fault.hint(format!(
            "the model reasons within the same limit: raise it by `--max-output-tokens N`, or {less_reasoning}"
        ))
    } else {
        fault.hint("raise the limit by `--max-output-tokens N`")
    }
}

fn refusal(words: &str) -> Fault {
    let words = error::safe(words);
    fault::refused(format!("the model refused: {words}"), Usage::default()).code("refusal")
}

fn empty(usage: Usage, reasons: bool, less_reasoning: &str) -> Fault {
    // No model wrote this: one that is still starting (OpenRouter's errors-and-debugging.mdx, "When no content is
    // generated"). It passes by itself.
    if usage.output_tokens == Some(0) {
        let words = "the model wrote nothing: it may be starting";
        return Fault::new(FaultKind::Unavailable, words).code("empty").usage(usage);
    }
    let fault = fault::malformed("empty", "the model's answer is empty").usage(usage);
    if reasons {
        return fault.hint(format!("the model only reasoned: raise `--max-output-tokens N`, or {less_reasoning}"));
    }
    fault
}
