//! The body of `POST /v1/chat/completions`.

use crate::options::Options;
use judge_provider::serde_json::{Value, json};
use judge_provider::{Job, prompt, schema};

/// Generated tokens for one verdict: a rationale of two sentences in any script, and a proposal.
const OUTPUT_TOKENS: u32 = 512;

/// The request for a job. Options that are not set are left out: some servers refuse an explicit null. Temperature is
/// 0 unless the operator says otherwise, so that a run can be repeated.
pub(crate) fn body(job: &Job, options: &Options) -> Value {
    let mut body = json!({
        "model": job.settings.model,
        "messages": [
            { "role": "system", "content": prompt::system(job) },
            { "role": "user", "content": prompt::user(job) },
        ],
    });
    if options.sends("response_format") {
        body["response_format"] = json!({
            "type": "json_schema",
            "json_schema": { "name": "verdict", "strict": true, "schema": schema::verdict(job) },
        });
    }
    if options.sends("token_limit") {
        let records = u32::try_from(job.records.len()).unwrap_or(u32::MAX);
        let limit = job.settings.max_output_tokens.unwrap_or(OUTPUT_TOKENS.saturating_mul(records));
        body[options.token_limit_field.as_str()] = limit.into();
    }
    if options.sends("temperature") {
        body["temperature"] = job.settings.temperature.unwrap_or(0.0).into();
    }
    if let Some(seed) = job.settings.seed {
        body["seed"] = seed.into();
    }
    body
}
