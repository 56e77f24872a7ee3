//! The APIs: who speaks them where, the description of their requests, and where these carry the answer's schema.

use super::recorded::Recorded;
use super::strict::{ANTHROPIC, COMMON, OPENAI, Rules};
use super::tensors;
use serde_json::{Value, json};

/// Characters of a breach; a description's own words may repeat a whole body.
const BREACH_CHARS_MAX: usize = 300;

/// One kind of request.
pub struct Api {
    pub name: &'static str,
    /// Id of the provider that sends it.
    pub provider: &'static str,
    /// How its path begins and ends.
    path: (&'static str, &'static str),
    schema: &'static str,
    /// What the server takes of JSON Schema.
    rules: &'static Rules,
    /// Finds the schemas of answers in a body.
    answers: fn(&Value) -> Vec<Value>,
    /// As many are in the vectors at the least.
    pub bodies_min: usize,
    pub answers_min: usize,
}

macro_rules! schema {
    ($name:literal) => {
        include_str!(concat!($name, ".schema.json"))
    };
}

pub const ALL: [Api; 7] = [
    Api {
        name: "openai chat",
        provider: "openai",
        path: ("/v1/chat/completions", ""),
        schema: schema!("openai-chat-completions"),
        rules: &OPENAI,
        answers: in_response_format,
        bodies_min: 20,
        answers_min: 15,
    },
    Api {
        name: "openrouter chat",
        provider: "openrouter",
        path: ("/api/v1/chat/completions", ""),
        schema: schema!("openrouter-chat-completions"),
        // It passes requests on to servers of all kinds.
        rules: &COMMON,
        answers: in_response_format,
        bodies_min: 8,
        answers_min: 6,
    },
    Api {
        name: "ollama chat",
        provider: "ollama",
        path: ("/api/chat", ""),
        schema: schema!("ollama-chat"),
        rules: &COMMON,
        answers: |body| body.get("format").cloned().into_iter().collect(),
        bodies_min: 15,
        answers_min: 8,
    },
    Api {
        name: "ollama show",
        provider: "ollama",
        path: ("/api/show", ""),
        schema: schema!("ollama-show"),
        rules: &COMMON,
        answers: |_| Vec::new(),
        bodies_min: 10,
        answers_min: 0,
    },
    Api {
        name: "anthropic messages",
        provider: "anthropic",
        path: ("/v1/messages", ""),
        schema: schema!("anthropic-messages"),
        rules: &ANTHROPIC,
        answers: in_message,
        bodies_min: 8,
        answers_min: 6,
    },
    Api {
        name: "triton infer",
        provider: "triton",
        path: ("/v2/models/", "/infer"),
        schema: schema!("triton-infer"),
        rules: &COMMON,
        answers: |body| {
            let inputs = body["inputs"].as_array().into_iter().flatten();
            let guides = inputs.filter(|input| input["name"] == "guided_decoding_guide");
            guides.map(|guide| in_text(&guide["data"][0])).collect()
        },
        bodies_min: 4,
        answers_min: 1,
    },
    Api {
        name: "triton generate",
        provider: "triton",
        path: ("/v2/models/", "/generate"),
        schema: schema!("triton-generate"),
        rules: &COMMON,
        answers: |body| {
            let parameters = ["structured_outputs", "guided_decoding"].map(|name| &body["parameters"][name]);
            let of_vllm = parameters.into_iter().filter(|value| value.is_string()).map(|value| match in_text(value) {
                Value::Object(mut guide) => guide.shift_remove("json").unwrap_or_default(),
                other => other,
            });
            let of_tensorrt = body.get("guided_decoding_guide").map(in_text);
            of_vllm.chain(of_tensorrt).collect()
        },
        bodies_min: 5,
        answers_min: 5,
    },
];

impl Api {
    /// The API that a provider's path belongs to.
    pub fn of(provider: &str, path: &str) -> Option<&'static Api> {
        let fits = |api: &&Api| {
            let (start, end) = api.path;
            let rest = path.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
            api.provider == provider && rest.is_some_and(|rest| rest.is_empty() || !end.is_empty())
        };
        ALL.iter().find(fits)
    }

    pub fn schema(&self) -> Value {
        serde_json::from_str(self.schema).expect("a description is JSON")
    }

    /// The schemas that a body asks the answer to keep to.
    pub fn answers(&self, body: &Value) -> Vec<Value> {
        (self.answers)(body)
    }

    /// What is wrong with a request, a sentence each.
    pub fn breaches(&self, request: &Recorded) -> Vec<String> {
        let validator = jsonschema::draft202012::new(&self.schema()).expect("a description is a schema");
        let of_body = validator.iter_errors(&request.body).map(|error| {
            let told: String = error.to_string().chars().take(BREACH_CHARS_MAX).collect();
            format!("{}/: {told}", error.instance_path())
        });
        let mut breaches: Vec<String> = of_body.collect();
        for answer in self.answers(&request.body) {
            breaches.extend(self.rules.breaches(&answer));
        }
        if self.provider == "triton" {
            breaches.extend(tensors::breaches(&request.body, &request.profile));
        }
        breaches
    }
}

fn in_response_format(body: &Value) -> Vec<Value> {
    let format = &body["response_format"];
    let is_schema = format["type"] == "json_schema";
    is_schema.then(|| format["json_schema"]["schema"].clone()).into_iter().collect()
}

fn in_message(body: &Value) -> Vec<Value> {
    let format = body["output_config"].get("format").map(|format| format["schema"].clone());
    let tools = body["tools"].as_array().into_iter().flatten().map(|tool| tool["input_schema"].clone());
    format.into_iter().chain(tools).collect()
}

/// A schema that goes as text; what is no JSON stays one, and is told as that.
fn in_text(text: &Value) -> Value {
    let text = text.as_str().unwrap_or_default();
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}
