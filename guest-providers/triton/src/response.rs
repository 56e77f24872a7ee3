//! What a response of `/infer` or `/generate` means.

use crate::failure;
use crate::head::Head;
use crate::layout::{FINISH_REASON, INPUT_TOKENS, OUTPUT_TOKENS};
use crate::options::Route;
use crate::request;
use crate::template::Template;
use judge_provider::error::ServerError;
use judge_provider::repair::{self, Repair};
use judge_provider::serde_json::{self, Value};
use judge_provider::{Answer, Extra, Fault, FaultKind, HttpResponse, Job, Outgoing, Step, Usage, answer, fault, http};

/// The longest answer that is shown to the model again, in bytes: many times what a verdict takes.
const SAID_BYTES_MAX: usize = 64 * 1024;
/// Where the state of a second round keeps what its prompt has beyond the first one's.
const TAIL: &str = "tail";

/// The answer in a response, a second question, or why there is neither.
pub(crate) fn step(job: &Job, state: &[u8], response: &HttpResponse) -> Result<Step, Fault> {
    let head = Head::read(job)?;
    let paid = |usage: Usage| repair::spent(state, usage);
    if !http::is_success(response) {
        return Err(failure::of(response, Some(&head)).usage(paid(Usage::default())));
    }
    let body = http::json(response).map_err(|fault| fault.usage(paid(Usage::default())))?;
    if ServerError::read(&body).is_some() {
        return Err(failure::of(response, Some(&head)).usage(paid(Usage::default())));
    }
    let output = |name: &str| output(&body, head.route, name);
    let now = Usage {
        input_tokens: output(INPUT_TOKENS).and_then(Value::as_u64),
        output_tokens: output(OUTPUT_TOKENS).and_then(Value::as_u64),
        ..Usage::default()
    };
    let usage = paid(now);
    // The vLLM backend writes Python's None.
    let finish_reason = output(FINISH_REASON).and_then(Value::as_str).filter(|word| !["", "None"].contains(word));
    check_end(&head, finish_reason, now.output_tokens).map_err(|fault| fault.usage(usage))?;
    let text = output(&head.answer).and_then(Value::as_str).ok_or_else(|| no_text(&head).usage(usage))?;
    let prompt = request::prompt(job, &head) + &tail(state);
    let said = without_echo(text, &prompt);
    if said.trim() == "N/A" {
        // vllm_backend, src/model.py: the text beside an error, where the error itself was lost on the way.
        return Err(Fault::new(FaultKind::Unavailable, "the backend failed, and put `N/A` where the answer would be")
            .code("not-generated")
            .usage(usage));
    }
    match answer::read(job, said) {
        Ok(verdicts) => Ok(Step::Done(Answer {
            verdicts,
            model: body["model_name"].as_str().map(str::to_owned),
            finish_reason: finish_reason.map(str::to_owned),
            usage,
            // A run that goes without what the operator asked for says so with each answer.
            extras: left_out(&head).into_iter().collect(),
        })),
        Err(fault) => {
            let fault = hinted(fault.usage(usage), head.template);
            match repair::of(head.repair && said.len() <= SAID_BYTES_MAX, state, &fault) {
                Some(repair) => again(job, &head, &prompt, said, &repair),
                None => Err(fault),
            }
        }
    }
}

fn left_out(head: &Head) -> Option<Extra> {
    (!head.left_out.is_empty()).then(|| ("left-out".to_owned(), head.left_out.join(", ")))
}

/// The first value of an output. `/generate` gives a value for one, and a list for several, as with beams.
fn output<'a>(body: &'a Value, route: Route, name: &str) -> Option<&'a Value> {
    let value = match route {
        Route::Infer => &body["outputs"].as_array()?.iter().find(|output| output["name"] == name)?["data"],
        Route::Generate => &body[name],
    };
    match value {
        Value::Array(list) => list.first(),
        value => Some(value),
    }
}

/// Whether the model came to its end. TensorRT-LLM's ensembles give no reason, only the number of tokens.
fn check_end(head: &Head, finish_reason: Option<&str>, output_tokens: Option<u64>) -> Result<(), Fault> {
    let is_full = || head.limit.zip(output_tokens).is_some_and(|(limit, tokens)| tokens >= limit);
    match finish_reason {
        Some("length") => {}
        None if is_full() => {}
        // vLLM's word, then TensorRT-LLM's.
        Some(word @ ("abort" | "cancelled")) => {
            return Err(fault::truncated("the server broke the answer off", Usage::default()).code(word));
        }
        Some("timeout") => {
            return Err(Fault::new(FaultKind::TimedOut, "the server gave up on the answer").code("timeout"));
        }
        _ => return Ok(()),
    }
    Err(fault::truncated("the answer reached the limit of output tokens", Usage::default())
        .code("length")
        .hint("allow more output tokens by `--max-output-tokens N`"))
}

fn no_text(head: &Head) -> Fault {
    let message = format!("the server's response has no text in the output `{}`", head.answer);
    fault::malformed("no-output", message).hint("name the output that holds the answer by `--setting output=NAME`")
}

/// Backends put the prompt before the answer unless told otherwise, and some cannot be told. It goes before JSON is
/// looked for, as its texts may hold some. Detokenizers drop blanks at the ends.
fn without_echo<'a>(text: &'a str, prompt: &str) -> &'a str {
    text.trim_start().strip_prefix(prompt.trim()).unwrap_or(text)
}

/// A model without its own chat template, or with too few tokens, is what mostly goes wrong here.
fn hinted(fault: Fault, template: Template) -> Fault {
    match fault.code.as_deref() {
        Some("unfinished-json" | "unfinished-thought") => {
            fault.hint("the answer may be cut off: allow more output tokens by `--max-output-tokens N`")
        }
        Some("empty" | "not-json" | "two-objects") if template == Template::Plain => {
            fault.hint("Triton applies no chat template: try `--setting template=chatml` or `template=llama3`")
        }
        _ => fault,
    }
}

fn again(job: &Job, head: &Head, prompt: &str, said: &str, repair: &Repair) -> Result<Step, Fault> {
    let tail = head.template.again(said, &repair.complaint);
    let mut state: Value = serde_json::from_slice(&repair.state).unwrap_or_default();
    state[TAIL] = tail.as_str().into();
    let request = request::with_prompt(job, head, &(prompt.to_owned() + &tail))?;
    Ok(Step::Send(Outgoing { request, state: state.to_string().into_bytes() }))
}

/// What the prompt of this round has beyond the first one's.
fn tail(state: &[u8]) -> String {
    let state: Value = serde_json::from_slice(state).unwrap_or_default();
    state[TAIL].as_str().unwrap_or_default().to_owned()
}
