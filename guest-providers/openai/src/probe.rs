//! The question before the run: a tiny chat completion with the run's own parameters, to learn from the server's
//! errors which of them it refuses. Whoever pays by the token pays for fewer than 100 of them in and 8 out, once a run;
//! an error costs nothing.

use crate::options::Options;
use crate::{CHAT, failure, refusal};
use judge_provider::chat::{Learned, Parameters};
use judge_provider::error::ServerError;
use judge_provider::serde_json::{self, Value, json};
use judge_provider::{Fault, FaultKind, HttpResponse, Outgoing, Preparation, Settings, http};

/// The most output tokens that a probe asks for.
const TOKENS: u32 = 8;
/// Requests of one preparation: with the list of models they stay within the contract's 8.
const ROUNDS_MAX: u64 = 7;
/// Longer than [`TOKENS`] when it is written out, so that a server that ignores the limit gives itself away.
const QUESTION: &str = r#"Answer with this JSON object and nothing else: {"count":"1 2 3 4 5 6 7 8 9 10 11 12"}"#;
/// Models whose documentation has all of the parameters (OpenAI's pages on models and on structured outputs). Dated
/// and specialised siblings differ, so only these names count.
const UNDEMANDING: [&str; 5] = ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano"];

/// Whether there is nothing to learn of this model.
pub(crate) fn is_undemanding(model: &str) -> bool {
    UNDEMANDING.contains(&model)
}

/// The first question.
pub(crate) fn first(settings: &Settings, options: &Options) -> Preparation {
    ask(settings, options, &Learned::default(), 1)
}

/// Whether this is the state of a probe.
pub(crate) fn is_own(state: &[u8]) -> bool {
    !state.is_empty()
}

/// What the answer teaches: that the run may begin, or what to ask once more without.
///
/// # Errors
/// What every record would end in: key, account, model, or a parameter that cannot be done without; and what passes
/// by itself, for the host to wait out.
pub(crate) fn next(
    settings: &Settings,
    options: &Options,
    state: &[u8],
    response: &HttpResponse,
) -> Result<Preparation, Fault> {
    let state: Value = serde_json::from_slice(state).unwrap_or_default();
    let mut learned = Learned::read(&state["learned"]).unwrap_or_default();
    let round = state["round"].as_u64().unwrap_or(ROUNDS_MAX);
    let sent = parameters(settings, options, &learned);
    let body = match http::json(response) {
        // A proxy's page in place of an answer.
        Err(fault) if http::is_success(response) => return Err(fault),
        body => body.unwrap_or_default(),
    };
    if http::is_success(response) && ServerError::read(&body).is_none() {
        observe(&mut learned, &sent, &body);
        return Ok(Preparation::Ready(learned.profile()));
    }
    let fault = failure::of(response, &body);
    match fault.kind {
        FaultKind::Unsupported if response.status != 501 => match refusal::field(&body) {
            Some(field) if round < ROUNDS_MAX && refusal::learn(&mut learned, &sent, field) => {
                Ok(ask(settings, options, &learned, round + 1))
            }
            _ => Err(fault),
        },
        // Thoughts used the 8 tokens up: the parameters are fine, and the run needs room for thoughts.
        FaultKind::Truncated => {
            learned.reasons = true;
            Ok(Preparation::Ready(learned.profile()))
        }
        // So few tokens are the probe's own idea, and a filter's opinion of it says nothing about the records.
        FaultKind::TooLong | FaultKind::Refused | FaultKind::Malformed => Ok(Preparation::Ready(learned.profile())),
        FaultKind::InvalidRequest if names_the_limit(&body) => Ok(Preparation::Ready(learned.profile())),
        FaultKind::InvalidRequest if fault.hint.is_none() => {
            Err(fault.hint("if records would do better than this tiny request, skip it by `--setting probe=never`"))
        }
        _ => Err(fault),
    }
}

fn ask(settings: &Settings, options: &Options, learned: &Learned, round: u64) -> Preparation {
    let schema = json!({
        "type": "object",
        "properties": { "count": { "type": "string" } },
        "required": ["count"],
        "additionalProperties": false,
    });
    let messages = json!([{ "role": "user", "content": QUESTION }]);
    let body = parameters(settings, options, learned).body(&settings.model, &messages, &schema);
    let state = json!({ "round": round, "learned": learned.written() });
    Preparation::Send(Outgoing { request: http::post_json(CHAT, &body), state: state.to_string().into_bytes() })
}

/// The run's parameters, but for the number of tokens.
fn parameters(settings: &Settings, options: &Options, learned: &Learned) -> Parameters {
    let mut parameters = options.parameters(settings, 1, learned);
    if let Some((_, tokens)) = &mut parameters.token_limit {
        *tokens = TOKENS;
    }
    parameters
}

/// What a good answer shows: whether the model reasons, and whether the limit was heeded. Ollama and other servers
/// pass over the newer name in silence, and would let a model write without end.
fn observe(learned: &mut Learned, sent: &Parameters, body: &Value) {
    let message = &body["choices"][0]["message"];
    let thoughts = ["reasoning", "reasoning_content"]
        .iter()
        .any(|name| message[*name].as_str().is_some_and(|text| !text.is_empty()));
    let usage = &body["usage"];
    let tokens = usage["completion_tokens_details"]["reasoning_tokens"].as_u64().unwrap_or_default();
    learned.reasons |= thoughts || tokens > 0;
    let is_heeded = usage["completion_tokens"].as_u64().is_none_or(|tokens| tokens <= u64::from(TOKENS));
    if let Some((field, _)) = &sent.token_limit
        && !is_heeded
        && learned.token_field.is_none()
        && field == "max_completion_tokens"
    {
        learned.token_field = Some(refusal::other_token_field(field).to_owned());
    }
}

/// Whether an error is about the number of tokens, such as one that asks for more of them.
fn names_the_limit(body: &Value) -> bool {
    let error = ServerError::read(body).unwrap_or_default();
    crate::options::TOKEN_FIELDS.iter().any(|field| error.param.as_deref() == Some(*field) || error.says(field))
}
