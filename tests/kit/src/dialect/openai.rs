use super::{Finish, Reply};
use serde_json::{Value, json};

pub(super) fn reply(reply: &Reply<'_>) -> Value {
    let message = if reply.finish == Finish::Refusal {
        json!({ "role": "assistant", "content": null, "refusal": reply.content })
    } else {
        json!({ "role": "assistant", "content": reply.content, "refusal": null })
    };
    let finish_reason = if reply.finish == Finish::Length { "length" } else { "stop" };
    let output_tokens = reply.output_tokens();
    json!({
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 0,
        "model": reply.model,
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason }],
        "usage": {
            "prompt_tokens": reply.input_tokens,
            "completion_tokens": output_tokens,
            "total_tokens": reply.input_tokens + output_tokens,
            "prompt_tokens_details": { "cached_tokens": reply.cached_input_tokens },
            "completion_tokens_details": { "reasoning_tokens": 0 },
        },
    })
}

pub(super) fn error(status: u16, message: &str) -> Value {
    let (kind, code) = match status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        402 => ("insufficient_quota", Some("insufficient_quota")),
        404 => ("invalid_request_error", Some("model_not_found")),
        429 => ("requests", Some("rate_limit_exceeded")),
        400..=499 => ("invalid_request_error", None),
        _ => ("server_error", None),
    };
    json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
}

pub(super) fn models(models: &[String]) -> Value {
    json!({ "object": "list", "data": models.iter().map(|name| model(name)).collect::<Vec<_>>() })
}

pub(super) fn model(model: &str) -> Value {
    json!({ "id": model, "object": "model", "created": 0, "owned_by": "fake" })
}
