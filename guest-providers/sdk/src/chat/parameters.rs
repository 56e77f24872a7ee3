//! The body of a chat completion: model, messages, and the parameters that a server may or may not take.

use super::Learned;
use crate::Settings;
use serde_json::{Value, json};

/// Generated tokens for one verdict: a rationale of two sentences in any script, and a proposal.
const OUTPUT_TOKENS: u32 = 512;
/// What a model that reasons may spend on that besides: OpenAI, and others after it, count it towards the same limit.
const REASONING_TOKENS: u32 = 4096;

/// How the server is held to the form of a verdict. The prompt describes it in any case, and the answer is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// By the verdict's JSON schema.
    #[default]
    Schema,
    /// To some JSON object.
    Object,
    /// Not at all.
    Free,
}

/// What a request says besides model and messages. What is none is left out: some servers refuse an explicit null.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// How the form is enforced.
    pub form: Form,
    /// The field that bounds the generated tokens, and their number.
    pub token_limit: Option<(String, u32)>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Sampling seed.
    pub seed: Option<u64>,
    /// Fields that only one vendor has, in their order.
    pub more: Vec<(&'static str, Value)>,
}

impl Parameters {
    /// The parameters of a run, less what its server does not take. Temperature is 0 unless the operator says
    /// otherwise, so that a run can be repeated; tokens are always bounded, as a grammar can make a model loop.
    pub fn of(settings: &Settings, records_max: u32, token_field: &str, learned: &Learned) -> Self {
        let reasoning = if learned.reasons { REASONING_TOKENS } else { 0 };
        let tokens = OUTPUT_TOKENS.saturating_mul(records_max).saturating_add(reasoning);
        let field = learned.token_field.as_deref().unwrap_or(token_field);
        let mut parameters = Parameters {
            form: learned.form,
            token_limit: Some((field.to_owned(), settings.max_output_tokens.unwrap_or(tokens))),
            temperature: Some(settings.temperature.unwrap_or(0.0)),
            seed: settings.seed,
            more: Vec::new(),
        };
        learned.left_out.iter().for_each(|name| parameters.leave_out(name));
        parameters
    }

    /// Leaves a parameter out: `temperature`, `seed`, `response_format` or `token_limit`.
    pub fn leave_out(&mut self, name: &str) {
        match name {
            "temperature" => self.temperature = None,
            "seed" => self.seed = None,
            "response_format" => self.form = Form::Free,
            "token_limit" => self.token_limit = None,
            _ => {}
        }
    }

    /// The whole body. The same parameters give the same bytes.
    pub fn body(&self, model: &str, messages: &Value, schema: &Value) -> Value {
        let mut body = json!({ "model": model, "messages": messages });
        match self.form {
            Form::Schema => {
                body["response_format"] = json!({
                    "type": "json_schema",
                    "json_schema": { "name": "verdict", "strict": true, "schema": schema },
                });
            }
            Form::Object => body["response_format"] = json!({ "type": "json_object" }),
            Form::Free => {}
        }
        if let Some((field, tokens)) = &self.token_limit {
            body[field.as_str()] = (*tokens).into();
        }
        if let Some(temperature) = self.temperature {
            body["temperature"] = temperature.into();
        }
        if let Some(seed) = self.seed {
            body["seed"] = seed.into();
        }
        for (name, value) in &self.more {
            body[*name] = value.clone();
        }
        body
    }
}
