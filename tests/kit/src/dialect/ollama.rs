use super::{Finish, Reply};
use serde_json::{Value, json};

const TIME: &str = "2026-01-01T00:00:00Z";

pub(super) fn reply(reply: &Reply<'_>) -> Value {
    // There is no word for declining: the model just says so.
    let done_reason = if reply.finish == Finish::Length { "length" } else { "stop" };
    json!({
        "model": reply.model,
        "created_at": TIME,
        "message": { "role": "assistant", "content": reply.content },
        "done": true,
        "done_reason": done_reason,
        "total_duration": 1_000_000,
        "load_duration": 1_000,
        "prompt_eval_count": reply.input_tokens,
        "prompt_eval_duration": 500_000,
        "eval_count": reply.output_tokens(),
        "eval_duration": 499_000,
    })
}

/// No messages: the model is loaded, and says nothing.
pub(super) fn is_warm_up(body: &[u8]) -> bool {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body["stream"] == false && body["messages"].as_array().is_some_and(Vec::is_empty)
}

pub(super) fn warmed() -> Value {
    json!({ "created_at": TIME, "message": { "role": "assistant", "content": "" }, "done": true, "done_reason": "load" })
}

pub(super) fn error(message: &str) -> Value {
    json!({ "error": message })
}

pub(super) fn models(models: &[String]) -> Value {
    let listed = models.iter().map(|model| {
        let name = if model.contains(':') { model.clone() } else { format!("{model}:latest") };
        json!({ "name": name, "model": name, "modified_at": TIME, "size": 1, "digest": "0", "details": details() })
    });
    json!({ "models": listed.collect::<Vec<_>>() })
}

pub(super) fn show(_model: &str) -> Value {
    json!({ "modified_at": TIME, "details": details(), "model_info": {}, "capabilities": ["completion"] })
}

/// Without the tag that stands for none.
pub(super) fn untagged(model: &str) -> &str {
    model.strip_suffix(":latest").unwrap_or(model)
}

fn details() -> Value {
    json!({ "format": "gguf", "family": "fake", "parameter_size": "1B", "quantization_level": "Q4_0" })
}
