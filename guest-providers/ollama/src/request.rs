//! The bodies of `POST /api/chat`: of a job, of the question about an answer that is none, and of the warm-up.

use crate::options::Options;
use crate::profile::Profile;
use judge_provider::serde_json::{self, Value, json};
use judge_provider::{Body, Fault, Job, Settings, Task, brief, fault, prompt, schema};

/// Where models answer.
pub(crate) const PATH: &str = "/api/chat";

/// Generated tokens for one verdict: a rationale of two sentences in any script, and a proposal.
const NUM_PREDICT: u32 = 512;
/// Generated tokens for the thoughts before an answer; they count as generated too.
const THOUGHT_TOKENS: u32 = 4096;
/// The context size for all prompts that fit. A model is loaded anew, at the cost of seconds, whenever two requests
/// in a row differ in it, so small prompts do not get a smaller one.
const NUM_CTX_MIN: u64 = 8192;
/// Room for a prompt that every context has beside the answer, in tokens, so that the warm-up, which knows no prompt,
/// loads the model with the context of the first records. It is what the smallest context holds beside the longest
/// answer that is not asked for: some 10 KB, or the rules and twenty clusters with samples.
const PROMPT_TOKENS_MIN: u64 = NUM_CTX_MIN - (NUM_PREDICT + THOUGHT_TOKENS) as u64;
/// Bytes of a prompt for one token, on the safe side: English has about 4, Cyrillic 5, Chinese 3.
const BYTES_PER_TOKEN: u64 = 3;

/// The request of a task, without the records and the context that they need. Sampling is off unless the operator asked
/// for it, so that a run can be repeated.
pub(crate) fn brief(task: &Task, options: &Options, profile: &Profile) -> Body {
    let system = prompt::system(task);
    let num_predict = num_predict(&task.settings, task.records_max, options, profile);
    let head = json!({
        "model": task.settings.model,
        "num_ctx": options.num_ctx,
        "context_max": profile.context_max,
        "is_cloud": profile.is_cloud,
        "repair": options.repair,
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
    let mut body = json!({ "model": task.settings.model, "stream": false });
    if let Some(think) = profile.think(options) {
        body["think"] = think;
    }
    // The cloud does not support it (docs.ollama.com, structured outputs); the prompt describes the form in any case.
    if !profile.is_cloud {
        body["format"] = schema::verdict(task);
    }
    // Without these a prompt that is too long loses its middle, and nobody is told.
    body["truncate"] = false.into();
    body["shift"] = false.into();
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
    let num_ctx = num_ctx(&brief::head(job)?, user.len());
    brief::fill(job, &[num_ctx.into(), user.into()])
}

/// The request once more, with the model's own words and a complaint about them after the first question.
///
/// # Errors
/// Where the brief is not one of ours.
pub(crate) fn again(job: &Job, words: &str, complaint: &str) -> Result<Value, Fault> {
    let mut body: Value = serde_json::from_str(&body(job)?).map_err(|_| fault::other("the job's brief is not JSON"))?;
    let user_bytes = prompt::user(&job.records).len() + words.len() + complaint.len();
    body["options"]["num_ctx"] = num_ctx(&brief::head(job)?, user_bytes).into();
    if let Some(messages) = body["messages"].as_array_mut() {
        messages.push(json!({ "role": "assistant", "content": words }));
        messages.push(json!({ "role": "user", "content": complaint }));
    }
    Ok(body)
}

/// The request that only loads the model: one without messages (`server/routes.go`, ChatHandler), with the context that
/// the first records will need, as another one would load it twice. How many of them a request will hold is not known
/// yet: where the answers to many need a larger context, the model is loaded twice all the same.
pub(crate) fn warm(settings: &Settings, options: &Options, profile: &Profile) -> Value {
    let num_predict = num_predict(settings, 1, options, profile);
    let fitting = || context_size(0, num_predict.into(), profile.context_max);
    let num_ctx = options.num_ctx.map_or_else(fitting, u64::from);
    let mut body = json!({ "model": settings.model, "stream": false });
    if let Some(keep_alive) = &options.keep_alive {
        body["keep_alive"] = keep_alive.clone();
    }
    body["options"] = json!({ "num_ctx": num_ctx });
    body["messages"] = json!([]);
    body
}

/// The context for the task's system message and this many bytes of other messages, in tokens.
pub(crate) fn num_ctx(head: &Value, other_bytes: usize) -> u64 {
    let number = |name: &str| head[name].as_u64();
    number("num_ctx").unwrap_or_else(|| {
        let other_bytes = u64::try_from(other_bytes).unwrap_or(u64::MAX);
        let prompt_bytes = number("system_bytes").unwrap_or_default().saturating_add(other_bytes);
        context_size(prompt_bytes, number("num_predict").unwrap_or_default(), number("context_max"))
    })
}

/// Doubled until the answer fits beside the prompt, or beside [`PROMPT_TOKENS_MIN`], so that a run sees few sizes; no more
/// than the model can use.
fn context_size(prompt_bytes: u64, num_predict: u64, context_max: Option<u64>) -> u64 {
    let needed = (prompt_bytes / BYTES_PER_TOKEN).max(PROMPT_TOKENS_MIN).saturating_add(num_predict);
    let doubled = needed.checked_next_power_of_two().unwrap_or(needed).max(NUM_CTX_MIN);
    doubled.min(context_max.unwrap_or(u64::MAX))
}

fn num_predict(settings: &Settings, records_max: u32, options: &Options, profile: &Profile) -> u32 {
    let thinks = profile.think(options).is_some_and(|think| think != false);
    let thoughts = if thinks { THOUGHT_TOKENS } else { 0 };
    settings.max_output_tokens.unwrap_or(NUM_PREDICT.saturating_mul(records_max).saturating_add(thoughts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_grows_only_when_it_must_and_as_far_as_it_can() {
        for (bytes, num_predict, context_max, size) in [
            (0, 512, None, 8192),
            (20_000, 512, None, 8192),
            (24_000, 512, None, 16_384),
            (90_000, 512, None, 32_768),
            (0, 9_000, None, 16_384),
            (0, 8_000, None, 16_384),
            (10_752, 4608, None, 8192),
            (10_755, 4608, None, 16_384),
            (0, 512, Some(2048), 2048),
            (90_000, 512, Some(40_960), 32_768),
            (200_000, 512, Some(40_960), 40_960),
        ] {
            let context = context_size(bytes, num_predict, context_max);
            assert_eq!(context, size, "{bytes} bytes and {num_predict} tokens, at most {context_max:?}");
        }
    }
}
