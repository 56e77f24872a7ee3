//! Which parameter of a request a server refuses, read from its error, and what helps against it.

use judge_provider::chat::{Form, Learned, Parameters};
use judge_provider::error::ServerError;
use judge_provider::serde_json::Value;

/// Parameters that a server may refuse. No name stands within another.
const FIELDS: [&str; 8] = [
    "max_completion_tokens",
    "max_tokens",
    "temperature",
    "seed",
    "response_format",
    "reasoning_effort",
    "service_tier",
    "chat_template_kwargs",
];
/// OpenAI's codes for it, and pydantic's, with which many compatible servers check a request.
const CODES: [&str; 4] = ["unsupported_parameter", "unsupported_value", "unknown_parameter", "extra_forbidden"];
/// The same said in words. OpenAI: "Unsupported value: 'temperature' does not support 0 with this model"; pydantic:
/// "Extra inputs are not permitted"; DeepSeek: "This response_format type is unavailable now"; Moonshot: "only 1 is
/// allowed for this model".
const WORDS: [&str; 10] = [
    "unsupported",
    "not supported",
    "does not support",
    "not allowed",
    "is allowed",
    "not permitted",
    "unrecognized",
    "unknown parameter",
    "unavailable",
    "deprecated",
];

/// The parameter that this error refuses; none where it is about something else.
pub(crate) fn field(body: &Value) -> Option<&'static str> {
    let error = ServerError::read(body)?;
    let detail = first_detail(body);
    let is_coded = CODES.iter().any(|code| error.is(code) || detail["type"] == *code);
    if !is_coded && !WORDS.iter().any(|words| error.says(words)) {
        return None;
    }
    let place = detail["loc"].as_array().and_then(|path| path.last()).and_then(Value::as_str);
    named(error.param.as_deref().or(place).unwrap_or_default())
        .or_else(|| named(error.message.as_deref().unwrap_or_default()))
}

/// The setting that gets past a refused parameter.
pub(crate) fn advice(field: &str) -> &'static str {
    match field {
        "max_tokens" => "try `--setting token_limit_field=max_completion_tokens`",
        "max_completion_tokens" => "try `--setting token_limit_field=max_tokens`",
        "temperature" => "try `--setting omit=temperature`",
        "seed" => "leave out `--seed`, or try `--setting omit=seed`",
        "response_format" => "try `--setting omit=response_format`; the schema is in the prompt too",
        "reasoning_effort" => "drop `--setting reasoning_effort`, or give it a level that the model knows",
        "service_tier" => "drop `--setting service_tier`, or give it a tier that the model has",
        _ => "drop `--setting thinking`",
    }
}

/// Takes a refusal into account for all further requests. False where nothing can be done about it: the parameter
/// was not sent, was changed already, or is the operator's own choice of how to be served.
pub(crate) fn learn(learned: &mut Learned, sent: &Parameters, field: &str) -> bool {
    match field {
        "temperature" if sent.temperature.is_some() => {
            // Of OpenAI's models those that reason take no temperature but their own.
            learned.reasons = true;
            learned.left_out.push(field.to_owned());
            true
        }
        "seed" if sent.seed.is_some() => {
            learned.left_out.push(field.to_owned());
            true
        }
        "response_format" if sent.form != Form::Free => {
            learned.form = if sent.form == Form::Schema { Form::Object } else { Form::Free };
            true
        }
        "max_tokens" | "max_completion_tokens" => {
            let is_sent = sent.token_limit.as_ref().is_some_and(|(name, _)| name == field);
            let is_first = learned.token_field.is_none();
            if is_sent && is_first {
                learned.token_field = Some(other_token_field(field).to_owned());
            }
            is_sent && is_first
        }
        _ => false,
    }
}

/// The other name of the same limit.
pub(crate) fn other_token_field(field: &str) -> &'static str {
    if field == "max_tokens" { "max_completion_tokens" } else { "max_tokens" }
}

/// The parameter that a text names first: the one refused stands before the one to use instead.
fn named(text: &str) -> Option<&'static str> {
    let places = FIELDS.iter().filter_map(|field| Some((text.find(field)?, *field)));
    places.min_by_key(|(place, _)| *place).map(|(_, field)| field)
}

/// pydantic's first complaint: FastAPI puts the list into `detail`, Mistral into `message.detail`.
fn first_detail(body: &Value) -> &Value {
    let list = if body["detail"].is_array() { &body["detail"] } else { &body["message"]["detail"] };
    &list[0]
}
