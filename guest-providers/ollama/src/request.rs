//! The body of `POST /api/chat`.

use crate::options::Options;
use judge_provider::serde_json::{Value, json};
use judge_provider::{Body, Fault, Job, Task, brief, prompt, schema};

/// Generated tokens for one verdict: a rationale of two sentences in any script, and a proposal.
const NUM_PREDICT: u32 = 512;
/// The context size for all prompts that fit. A model is loaded anew, at the cost of seconds, whenever two requests
/// in a row differ in it, so small prompts do not get a smaller one.
const NUM_CTX_MIN: u64 = 8192;
/// Bytes of a prompt for one token, on the safe side: English has about 4, Cyrillic 5, Chinese 3.
const BYTES_PER_TOKEN: u64 = 3;

/// The request of a task, without the records and the context that they need. Sampling is off unless the operator asked
/// for it, so that a run can be repeated.
pub(crate) fn brief(task: &Task, options: &Options) -> Body {
    let system = prompt::system(task);
    let num_predict = task.settings.max_output_tokens.unwrap_or(NUM_PREDICT.saturating_mul(task.records_max));
    let head = json!({
        "model": task.settings.model,
        "num_ctx": options.num_ctx,
        "num_predict": num_predict,
        "system_bytes": system.len(),
    });
    let mut sampling = json!({
        "temperature": task.settings.temperature.unwrap_or(0.0),
        "num_predict": num_predict,
        "num_ctx": brief::HOLE,
    });
    if let Some(seed) = task.settings.seed {
        sampling["seed"] = seed.into();
    }
    let mut body = json!({
        "model": task.settings.model,
        "stream": false,
        "think": options.think,
        "format": schema::verdict(task),
        // Without these a prompt that is too long loses its middle, and nobody is told.
        "truncate": false,
        "shift": false,
    });
    if let Some(keep_alive) = &options.keep_alive {
        body["keep_alive"] = keep_alive.clone();
    }
    body["options"] = sampling;
    body["messages"] = json!([
        { "role": "system", "content": system },
        { "role": "user", "content": brief::HOLE },
    ]);
    brief::with_head(&head, &body)
}

/// The request for a job.
///
/// # Errors
/// Where the brief is not one of ours.
pub(crate) fn body(job: &Job) -> Result<String, Fault> {
    let user = prompt::user(&job.records);
    let num_ctx = num_ctx(&brief::head(job)?, &user);
    brief::fill(job, &[num_ctx.into(), user.into()])
}

/// The context for the task's system message and this user message, in tokens.
fn num_ctx(head: &Value, user: &str) -> u64 {
    let number = |name: &str| head[name].as_u64().unwrap_or_default();
    head["num_ctx"].as_u64().unwrap_or_else(|| {
        let user_bytes = u64::try_from(user.len()).unwrap_or(u64::MAX);
        context_size(number("system_bytes").saturating_add(user_bytes), number("num_predict"))
    })
}

/// Doubled until prompt and answer fit, so that a run sees few sizes.
fn context_size(prompt_bytes: u64, num_predict: u64) -> u64 {
    let needed = (prompt_bytes / BYTES_PER_TOKEN).saturating_add(num_predict);
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
