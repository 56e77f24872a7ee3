//! The body of `POST /v1/chat/completions`.

use crate::options::Options;
use judge_provider::serde_json::{Value, json};
use judge_provider::{Task, brief, prompt, schema};

/// Generated tokens for one verdict: a rationale of two sentences in any script, and a proposal.
const OUTPUT_TOKENS: u32 = 512;

/// The request of a task, with a hole for the user message. Options that are not set are left out: some servers refuse an explicit null. Temperature is
/// 0 unless the operator says otherwise, so that a run can be repeated.
pub(crate) fn body(task: &Task, options: &Options) -> Value {
    let mut body = json!({
        "model": task.settings.model,
        "messages": [
            { "role": "system", "content": prompt::system(task) },
            { "role": "user", "content": brief::HOLE },
        ],
    });
    if options.sends("response_format") {
        body["response_format"] = json!({
            "type": "json_schema",
            "json_schema": { "name": "verdict", "strict": true, "schema": schema::verdict(task) },
        });
    }
    if options.sends("token_limit") {
        let limit = task.settings.max_output_tokens.unwrap_or(OUTPUT_TOKENS.saturating_mul(task.records_max));
        body[options.token_limit_field.as_str()] = limit.into();
    }
    if options.sends("temperature") {
        body["temperature"] = task.settings.temperature.unwrap_or(0.0).into();
    }
    if let Some(seed) = task.settings.seed {
        body["seed"] = seed.into();
    }
    body
}
