//! The body of `POST /v1/messages`.

use crate::options::{Form, NO_STRICT_TOOLS, Options};
use judge_provider::serde_json::{self, Value, json};
use judge_provider::{Body, Fault, HttpRequest, Job, Task, brief, fault, http, prompt, schema};

/// The tool that a model is made to call where it takes no schema otherwise.
pub(crate) const TOOL: &str = "verdict";
/// Generated tokens for one verdict: a rationale of two sentences in any script, and a proposal. The API wants a limit
/// in each request.
const OUTPUT_TOKENS: u32 = 512;

/// The request of a task, with a hole for the user message. Fields that the API does not know are refused (its spec
/// forbids additional properties), so there is no seed; a temperature only where the operator gave one, as models from
/// Opus 4.7 on refuse any.
pub(crate) fn brief(task: &Task, options: &Options) -> Body {
    let limit = task.settings.max_output_tokens.unwrap_or(OUTPUT_TOKENS.saturating_mul(task.records_max));
    let mut body = json!({ "model": task.settings.model, "max_tokens": limit });
    if let (Some(temperature), true) = (task.settings.temperature, options.sends_temperature) {
        body["temperature"] = temperature.into();
    }
    match options.form {
        Form::OutputConfig => {
            body["output_config"] = json!({ "format": { "type": "json_schema", "schema": schema::verdict(task) } });
        }
        Form::Tool => {
            body["tools"] = json!([tool(task)]);
            body["tool_choice"] = json!({ "type": "tool", "name": TOOL, "disable_parallel_tool_use": true });
        }
        Form::None => {}
    }
    if let Some(effort) = &options.effort {
        body["output_config"]["effort"] = effort.as_str().into();
    }
    // The cache holds tools, system and messages, in this order, up to the mark: all that records share. One mark is
    // enough, as a new cluster changes the schema too, and with it everything that was kept (docs, prompt caching).
    let mut system = json!({ "type": "text", "text": prompt::system(task) });
    if let Some(mark) = &options.cache_control {
        system["cache_control"] = mark.clone();
    }
    body["system"] = json!([system]);
    body["messages"] = json!([{ "role": "user", "content": brief::HOLE }]);
    brief::with_head(&json!({ "repair": options.repair }), &body)
}

/// The request for a job.
///
/// # Errors
/// Where the brief is not one of ours.
pub(crate) fn first(job: &Job) -> Result<HttpRequest, Fault> {
    Ok(versioned(http::post_json_text("/v1/messages", body(job)?)))
}

/// The same, after what the model said and what is wrong with it. Its words are text even where they were a tool's
/// input: a call would have to be followed by the tool's result, and there is none. The complaint stands last, as
/// models from 4.6 on refuse to go on from words of their own.
///
/// # Errors
/// Where the brief is not one of ours.
pub(crate) fn again(job: &Job, said: &str, complaint: &str) -> Result<HttpRequest, Fault> {
    let mut body: Value = serde_json::from_str(&body(job)?).map_err(|_| foreign())?;
    let messages = body["messages"].as_array_mut().ok_or_else(foreign)?;
    messages.push(json!({ "role": "assistant", "content": said }));
    messages.push(json!({ "role": "user", "content": complaint }));
    Ok(versioned(http::post_json("/v1/messages", &body)))
}

/// The request with the API's version, which it wants in each.
pub(crate) fn versioned(mut request: HttpRequest) -> HttpRequest {
    request.headers.push(("anthropic-version".to_owned(), b"2023-06-01".to_vec()));
    request
}

fn body(job: &Job) -> Result<String, Fault> {
    brief::fill(job, &[prompt::user(&job.records).into()])
}

/// Models that cannot be held to a schema refuse the word `strict`; the host checks what they answer in any case.
fn tool(task: &Task) -> Value {
    let mut tool = json!({
        "name": TOOL,
        "description": "Takes the answer.",
        "input_schema": schema::verdict(task),
    });
    if task.profile != NO_STRICT_TOOLS {
        tool["strict"] = true.into();
    }
    tool
}

fn foreign() -> Fault {
    fault::other("the job's brief is no request of this provider")
}
