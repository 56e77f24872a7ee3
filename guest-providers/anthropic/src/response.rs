//! What a response of `/v1/messages` means.

use crate::{failure, request};
use judge_provider::error::ServerError;
use judge_provider::serde_json::Value;
use judge_provider::{
    Answer, Fault, HttpResponse, Job, Outgoing, Step, Usage, Verdict, answer, brief, error, fault, http, rate, repair,
};

/// The answer in a response, the question that it leads to, or why there is none; with what the server tells of its rates.
pub(crate) fn step(job: &Job, state: &[u8], response: &HttpResponse) -> Result<Step, Fault> {
    rate::told(response, meaning(job, state, response))
}

fn meaning(job: &Job, state: &[u8], response: &HttpResponse) -> Result<Step, Fault> {
    let spent = |fault: Fault| Fault { usage: repair::spent(state, fault.usage), ..fault };
    if !http::is_success(response) {
        return Err(spent(failure::of(response)));
    }
    let body = http::json(response).map_err(spent)?;
    if let Some(error) = ServerError::read(&body) {
        return Err(spent(failure::of_body(response, &body, &error)));
    }
    match answer(job, &body) {
        Ok(answer) => Ok(Step::Done(Answer { usage: repair::spent(state, answer.usage), ..answer })),
        Err(fault) => match second_round(job, state, &body, &fault)? {
            Some(outgoing) => Ok(Step::Send(outgoing)),
            None => Err(spent(fault)),
        },
    }
}

fn answer(job: &Job, body: &Value) -> Result<Answer, Fault> {
    let usage = usage(&body["usage"]);
    let Some(content) = body["content"].as_array() else {
        return Err(fault::malformed("no-content", "the server's answer holds no list `content`")
            .usage(usage)
            .hint("check that `--endpoint` names a server that speaks Anthropic's Messages API"));
    };
    check_stop(body, usage)?;
    let verdicts = Said::in_content(content).verdicts(job).map_err(|fault| fault.usage(usage))?;
    Ok(Answer {
        verdicts,
        model: body["model"].as_str().map(str::to_owned),
        finish_reason: body["stop_reason"].as_str().map(str::to_owned),
        usage,
        ..Answer::default()
    })
}

/// Whether the model wrote all that it had to say: a cut or declined answer is none, even if it happens to parse
/// (docs, "Handling stop reasons").
fn check_stop(body: &Value, usage: Usage) -> Result<(), Fault> {
    match body["stop_reason"].as_str() {
        Some(code @ "max_tokens") => Err(fault::truncated("the answer reached the limit of output tokens", usage)
            .code(code)
            .hint("allow more by `--max-output-tokens N`, or have a model that thinks spend less by `--setting effort=low`")),
        Some(code @ "model_context_window_exceeded") => {
            Err(fault::truncated("prompt and answer reached the end of the model's context", usage)
                .code(code)
                .hint("show fewer clusters by `--candidates-max N`"))
        }
        // Only a tool that runs on the server pauses a turn, and none is offered; what came is not the whole answer.
        Some(code @ "pause_turn") => Err(fault::truncated("the server paused the answer", usage).code(code)),
        // With status 200, and billed; the words before it do not keep to the schema.
        Some(code @ "refusal") => Err(fault::refused(refusal(&body["stop_details"]), usage).code(code)),
        // `end_turn`, `tool_use`, and `stop_sequence`, though none is asked for.
        _ => Ok(()),
    }
}

/// Category and explanation may be null (SDK, `types/refusal_stop_details.py`).
fn refusal(details: &Value) -> String {
    let mut message = "the model refused".to_owned();
    if let Some(category) = details["category"].as_str() {
        message = format!("{message}, category `{}`", error::safe(category));
    }
    match details["explanation"].as_str() {
        Some(words) => format!("{message}: {}", error::safe(words)),
        None => message,
    }
}

/// What the model said: thoughts may stand before it, and beside a tool's input any words do not count.
enum Said<'a> {
    /// The input of the tool, which is an object and no text.
    Input(&'a Value),
    /// Its text; empty where it said nothing.
    Text(String),
}

impl<'a> Said<'a> {
    fn in_content(content: &'a [Value]) -> Self {
        match content.iter().find(|block| block["type"] == "tool_use" && block["name"] == request::TOOL) {
            Some(call) => Said::Input(&call["input"]),
            None => Said::Text(
                content
                    .iter()
                    .filter(|block| block["type"] == "text")
                    .filter_map(|block| block["text"].as_str())
                    .collect(),
            ),
        }
    }

    fn verdicts(&self, job: &Job) -> Result<Vec<Verdict>, Fault> {
        match self {
            Said::Input(input) => answer::read_value(job, input),
            Said::Text(text) => answer::read(job, text),
        }
    }

    fn into_text(self) -> String {
        match self {
            Said::Input(input) => input.to_string(),
            Said::Text(text) => text.trim().to_owned(),
        }
    }
}

/// Asks about a malformed answer, where that is switched on. An empty one is not shown to the model: the API refuses
/// empty text, and there is nothing to correct.
fn second_round(job: &Job, state: &[u8], body: &Value, fault: &Fault) -> Result<Option<Outgoing>, Fault> {
    let Some(repair) = repair::of(brief::head(job)?["repair"] == true, state, fault) else {
        return Ok(None);
    };
    let content = body["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let said = Said::in_content(content).into_text();
    if said.is_empty() {
        return Ok(None);
    }
    Ok(Some(Outgoing { request: request::again(job, &said, &repair.complaint)?, state: repair.state }))
}

/// `input_tokens` counts only what was neither read from the cache nor written to it (docs, prompt caching).
fn usage(usage: &Value) -> Usage {
    let count = |name: &str| usage[name].as_u64();
    let cached = count("cache_read_input_tokens");
    let beside = cached.unwrap_or(0).saturating_add(count("cache_creation_input_tokens").unwrap_or(0));
    Usage {
        input_tokens: count("input_tokens").map(|fresh| fresh.saturating_add(beside)),
        cached_input_tokens: cached,
        output_tokens: count("output_tokens"),
        cost_micro_usd: None,
    }
}
