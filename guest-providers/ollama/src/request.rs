//! The body of `POST /api/chat`.

use crate::options::Options;
use judge_provider::serde_json::{Value, json};
use judge_provider::{Job, prompt, schema};

/// Generated tokens for one verdict: a rationale of two sentences in any script, and a proposal.
const NUM_PREDICT: u32 = 512;
/// The context size for all prompts that fit. A model is loaded anew, at the cost of seconds, whenever two requests
/// in a row differ in it, so small prompts do not get a smaller one.
const NUM_CTX_MIN: u64 = 8192;
/// Bytes of a prompt for one token, on the safe side: English has about 4, Cyrillic 5, Chinese 3.
const BYTES_PER_TOKEN: u64 = 3;

/// The request for a job. Sampling is off unless the operator asked for it, so that a run can be repeated.
pub(crate) fn body(job: &Job, options: &Options) -> Value {
    let (system, user) = (prompt::system(job), prompt::user(job));
    let records = u32::try_from(job.records.len()).unwrap_or(u32::MAX);
    let num_predict = job.settings.max_output_tokens.unwrap_or(NUM_PREDICT.saturating_mul(records));
    let num_ctx = options.num_ctx.map_or_else(|| context_size(system.len() + user.len(), num_predict), u64::from);
    let mut sampling = json!({
        "temperature": job.settings.temperature.unwrap_or(0.0),
        "num_predict": num_predict,
        "num_ctx": num_ctx,
    });
    if let Some(seed) = job.settings.seed {
        sampling["seed"] = seed.into();
    }
    let mut body = json!({
        "model": job.settings.model,
        "stream": false,
        "think": options.think,
        "format": schema::verdict(job),
        // Without these a prompt that is too long loses its middle, and nobody is told.
        "truncate": false,
        "shift": false,
        "options": sampling,
        "messages": [{ "role": "system", "content": system }, { "role": "user", "content": user }],
    });
    if let Some(keep_alive) = &options.keep_alive {
        body["keep_alive"] = keep_alive.clone();
    }
    body
}

/// Doubled until prompt and answer fit, so that a run sees few sizes.
fn context_size(prompt_bytes: usize, num_predict: u32) -> u64 {
    let prompt_tokens = u64::try_from(prompt_bytes).unwrap_or(u64::MAX) / BYTES_PER_TOKEN;
    let needed = prompt_tokens.saturating_add(u64::from(num_predict));
    needed.checked_next_power_of_two().unwrap_or(needed).max(NUM_CTX_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_grows_only_when_it_must() {
        for (bytes, num_predict, size) in
            [(0, 512, 8192), (20_000, 512, 8192), (24_000, 512, 16_384), (90_000, 512, 32_768), (0, 9_000, 16_384)]
        {
            assert_eq!(context_size(bytes, num_predict), size, "{bytes} bytes and {num_predict} tokens");
        }
    }
}
