//! Chat completions as OpenAI, OpenRouter, vLLM, llama.cpp, LiteLLM and Azure-like hosts speak them: the body of a
//! request, what a response means, and the round of repair. What only one vendor has is that provider's own: it gives
//! its requests and the meaning of its errors as a [`Dialect`].

mod failure;
mod learned;
mod parameters;
mod reply;
pub mod settings;

use crate::repair::{self, Repair};
use crate::{Answer, Body, Extra, Fault, HttpRequest, HttpResponse, Job, Step, Task, Usage, answer, brief, http};
use crate::{prompt, rate, usage};
pub use failure::fault;
pub use learned::Learned;
pub use parameters::{Form, Parameters};
use serde_json::{Value, json};

/// What one vendor does in its own way.
pub trait Dialect {
    /// Where a model reasons too long: what makes it reason less, as the end of a sentence.
    const LESS_REASONING: &'static str;

    /// The request that carries this body; `head` is what [`brief`] was given.
    fn request(head: &Value, body: String) -> HttpRequest;

    /// What an error means. It stands in `holder["error"]` or is all of `holder`: the body of the response, or the
    /// choice in it that failed; null where the body is no JSON.
    fn meaning(response: &HttpResponse, holder: &Value) -> Fault;

    /// What a body's `usage` says.
    fn usage(usage: &Value) -> Usage {
        usage::openai(usage)
    }

    /// What else of a body belongs to the answer.
    fn extras(_body: &Value) -> Vec<Extra> {
        Vec::new()
    }
}

/// The brief of a task: its request with a hole for the user message, and a head of `repair`, of what the server does
/// not take, and of the provider's own fields.
pub fn brief(task: &Task, parameters: &Parameters, learned: &Learned, own: &[(&str, Value)]) -> Result<Body, Fault> {
    let mut head = json!({ "repair": repair::is_on(&task.settings)?, "left_out": learned.all_left_out() });
    for (name, value) in own {
        head[*name] = value.clone();
    }
    let messages = json!([
        { "role": "system", "content": prompt::system(task) },
        { "role": "user", "content": brief::HOLE },
    ]);
    let body = parameters.body(&task.settings.model, &messages, &crate::schema::verdict(task));
    Ok(brief::with_head(&head, &body))
}

/// The first request of a job.
///
/// # Errors
/// `other`, where the job's brief is not from [`brief`].
pub fn build_request<D: Dialect>(job: &Job) -> Result<Step, Fault> {
    let request = D::request(&brief::head(job)?, first_body(job)?);
    Ok(Step::Send(http::send(request)))
}

/// What a response means for its job: the answer, or once, where `repair` is on, a question about a malformed one. With
/// an answer or a fault comes what the server tells of its rates, as in [`rate`].
///
/// # Errors
/// What the response stands for, with what all rounds cost.
pub fn parse_response<D: Dialect>(job: &Job, state: &[u8], response: &HttpResponse) -> Result<Step, Fault> {
    rate::told(response, meaning::<D>(job, state, response))
}

fn meaning<D: Dialect>(job: &Job, state: &[u8], response: &HttpResponse) -> Result<Step, Fault> {
    let charged = |fault: Fault| Fault { usage: repair::spent(state, fault.usage), ..fault };
    let reply = reply::read::<D>(response).map_err(charged)?;
    let head = brief::head(job)?;
    match answer::read(job, &reply.text) {
        Ok(verdicts) => {
            let mut extras = reply.extras;
            extras.extend(left_out(&head));
            Ok(Step::Done(Answer {
                verdicts,
                model: reply.model,
                finish_reason: reply.finish_reason,
                usage: repair::spent(state, reply.usage),
                extras,
            }))
        }
        Err(fault) => {
            let fault = fault.usage(reply.usage);
            match repair::of(head["repair"] == true, state, &fault) {
                Some(repair) => second::<D>(job, &head, &reply.text, repair),
                None => Err(charged(fault)),
            }
        }
    }
}

fn first_body(job: &Job) -> Result<String, Fault> {
    brief::fill(job, &[prompt::user(&job.records).into()])
}

/// The same body with the model's words and the complaint behind it, so that the server's prefix cache still helps.
fn second<D: Dialect>(job: &Job, head: &Value, said: &str, repair: Repair) -> Result<Step, Fault> {
    let foreign = || crate::fault::other("the job's brief was not made for it");
    let mut body: Value = serde_json::from_str(&first_body(job)?).map_err(|_| foreign())?;
    let messages = body["messages"].as_array_mut().ok_or_else(foreign)?;
    messages.push(json!({ "role": "assistant", "content": said }));
    messages.push(json!({ "role": "user", "content": repair.complaint }));
    let request = D::request(head, http::written(&body));
    Ok(Step::Send(crate::Outgoing { request, state: repair.state }))
}

/// A run that leaves out what the operator asked for says so with each answer.
fn left_out(head: &Value) -> Option<Extra> {
    let names: Vec<&str> = head["left_out"].as_array()?.iter().filter_map(Value::as_str).collect();
    (!names.is_empty()).then(|| ("left-out".to_owned(), names.join(", ")))
}

#[cfg(test)]
mod tests;
