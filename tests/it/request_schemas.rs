//! Every request body that the providers' vectors record, held to a hand-written description of its API: unknown keys,
//! nulls, missing fields, wrong types; and the answer's schema inside it, held to what that API takes of JSON Schema.
//! The host is not run.

mod api;
mod recorded;
mod strict;
mod tensors;

use api::Api;
use recorded::Recorded;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The provider that sends nothing.
const SILENT: &str = "lexical";

/// What is done to a body to break it: the value to put at a place, or none to take away what is there.
type Change = (&'static str, Option<Value>);

#[test]
fn recorded_requests_keep_to_their_api() {
    let mut breaches = Vec::new();
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for request in recorded::all() {
        let Recorded { provider, file, path, .. } = &request;
        let Some(api) = Api::of(provider, path) else {
            breaches.push(format!("{file}: there is no description of POST {path}"));
            continue;
        };
        let (bodies, answers) = counts.entry(api.name).or_default();
        *bodies += 1;
        *answers += api.answers(&request.body).len();
        breaches.extend(api.breaches(&request).into_iter().map(|breach| format!("{file}: POST {path}: {breach}")));
    }
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
    for api in &api::ALL {
        let (bodies, answers) = counts.get(api.name).copied().unwrap_or_default();
        assert!(bodies >= api.bodies_min, "{}: {bodies} bodies were recorded", api.name);
        assert!(answers >= api.answers_min, "{}: {answers} schemas of answers were recorded", api.name);
    }
}

#[test]
fn every_provider_that_sends_is_described() {
    let described: Vec<&str> = api::ALL.iter().map(|api| api.provider).collect();
    for provider in recorded::providers() {
        assert_eq!(described.contains(&provider.as_str()), provider != SILENT, "{provider}");
    }
}

#[test]
fn descriptions_are_schemas_and_name_their_source() {
    for api in &api::ALL {
        let schema = api.schema();
        assert!(jsonschema::meta::is_valid(&schema), "{}", api.name);
        assert!(schema["description"].as_str().is_some_and(|text| text.contains("Source: ")), "{}", api.name);
    }
}

#[test]
fn broken_requests_are_refused() {
    let recorded = recorded::all();
    for (name, changes) in [
        ("openai chat", in_a_chat()),
        ("openai chat", in_an_openai_chat()),
        ("openrouter chat", in_a_chat()),
        ("openrouter chat", in_an_openrouter_chat()),
        ("ollama chat", in_an_ollama_chat()),
        ("ollama show", vec![(("surprise", Some(json!(1))), "surprise"), (("model", None), "model")]),
        ("anthropic messages", in_a_message()),
        ("triton infer", in_an_inference()),
        ("triton generate", in_a_generation()),
    ] {
        let of_api =
            |request: &&Recorded| Api::of(&request.provider, &request.path).is_some_and(|api| api.name == name);
        for (change, told) in changes {
            let broken = recorded.iter().filter(of_api).find_map(|request| request.changed(&change));
            let broken = broken.unwrap_or_else(|| panic!("{name}: no body has a place for {change:?}"));
            let api = Api::of(&broken.provider, &broken.path).expect("it was found by it");
            let breaches = api.breaches(&broken);
            assert!(breaches.iter().any(|breach| breach.contains(told)), "{name}: {change:?}: {breaches:?}");
        }
    }
}

/// A schema that is not closed.
fn open() -> Value {
    json!({ "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] })
}

/// A property with a bound that no server here takes.
fn bounded() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

/// What both dialects of chat completions have, with a word of what is told about it.
fn in_a_chat() -> Vec<(Change, &'static str)> {
    vec![
        (("surprise", Some(json!(1))), "'surprise' was unexpected"),
        (("temperature", Some(json!(null))), "null is not of type"),
        (("seed", Some(json!(null))), "null is not of type"),
        (("model", None), "\"model\" is a required property"),
        (("messages", Some(json!([]))), "has less than 1 item"),
        (("messages/0/name", Some(json!("x"))), "'name' was unexpected"),
        (("messages/0/content", Some(json!(null))), "null is not of type"),
        // llama.cpp leaves this form unconstrained, in silence.
        (("response_format/schema", Some(open())), "'schema' was unexpected"),
        (("response_format/json_schema/name", Some(json!("a verdict"))), "does not match"),
        (("response_format/json_schema/strict", None), "\"strict\" is a required property"),
        (("response_format/json_schema/schema/additionalProperties", None), "is not closed"),
        (("response_format/json_schema/schema/required", Some(json!(["rationale"]))), "does not require"),
        (("response_format/json_schema/schema/properties/rationale", Some(bounded())), "`minLength` is not taken"),
        (("response_format/json_schema/schema/properties/confidence/enum", Some(json!([]))), "names no value"),
        (("response_format/json_schema/schema/properties/confidence/type", Some(json!("word"))), "is no JSON schema"),
        (("response_format/json_schema/schema", Some(json!({ "anyOf": [open()] }))), "the root is no object"),
    ]
}

fn in_an_openai_chat() -> Vec<(Change, &'static str)> {
    vec![
        (("max_tokens", Some(json!(8))), "is not allowed for"),
        (("service_tier", Some(json!("cheap"))), "\"cheap\" is not one of"),
        (("chat_template_kwargs/thinking", Some(json!(true))), "'thinking' was unexpected"),
        (("response_format/json_schema/schema/not", Some(json!({}))), "`not` is not taken"),
    ]
}

fn in_an_openrouter_chat() -> Vec<(Change, &'static str)> {
    vec![
        (("provider", None), "\"provider\" is a required property"),
        (("provider/allow_fallback", Some(json!(true))), "'allow_fallback' was unexpected"),
        (("provider/zdr", Some(json!(null))), "null is not of type"),
        (("reasoning/effort", Some(json!("much"))), "\"much\" is not one of"),
        // OpenAI takes it, and others that OpenRouter passes requests on to do not.
        (
            ("response_format/json_schema/schema/properties/rationale/pattern", Some(json!("a"))),
            "`pattern` is not taken",
        ),
    ]
}

fn in_an_ollama_chat() -> Vec<(Change, &'static str)> {
    vec![
        (("surprise", Some(json!(1))), "'surprise' was unexpected"),
        (("max_tokens", Some(json!(8))), "'max_tokens' was unexpected"),
        (("stream", None), "\"stream\" is a required property"),
        (("model", None), "\"model\" is a required property"),
        (("think", Some(json!(null))), "null is not one of"),
        // A duration needs a unit, as in Go.
        (("keep_alive", Some(json!("600"))), "\"600\" is not valid"),
        (("options/num_predicted", Some(json!(8))), "'num_predicted' was unexpected"),
        (("options/num_ctx", Some(json!("8192"))), "is not of type"),
        (("format/additionalProperties", None), "is not closed"),
        (("format/properties/rationale", Some(bounded())), "`minLength` is not taken"),
    ]
}

fn in_a_message() -> Vec<(Change, &'static str)> {
    vec![
        (("surprise", Some(json!(1))), "'surprise' was unexpected"),
        (("seed", Some(json!(7))), "'seed' was unexpected"),
        (("response_format", Some(json!({}))), "'response_format' was unexpected"),
        (("model", None), "\"model\" is a required property"),
        (("max_tokens", None), "\"max_tokens\" is a required property"),
        (("temperature", Some(json!(1.5))), "greater than the maximum"),
        (("temperature", Some(json!(null))), "null is not of type"),
        (("messages/0/role", Some(json!("system"))), "\"system\" is not one of"),
        (("system/0/cache_control/ttl", Some(json!("2h"))), "\"2h\" is not one of"),
        (("tools", None), "\"tools\" is a required property"),
        (("output_config/format/schema/additionalProperties", None), "is not closed"),
        (("output_config/format/schema/properties/rationale", Some(bounded())), "`minLength` is not taken"),
        (("output_config/format/schema/properties/rationale/pattern", Some(json!("a"))), "`pattern` is not taken"),
        (("tools/0/input_schema/additionalProperties", None), "is not closed"),
        (("tools/0/input_schema/properties/rationale", Some(bounded())), "`minLength` is not taken"),
    ]
}

fn in_an_inference() -> Vec<(Change, &'static str)> {
    vec![
        (("surprise", Some(json!(1))), "'surprise' was unexpected"),
        (("inputs", None), "\"inputs\" is a required property"),
        (("inputs/text/parameters", Some(json!({}))), "'parameters' was unexpected"),
        (("inputs/text/data/0", Some(json!(null))), "null is not of type"),
        (("inputs/text/datatype", Some(json!("STRING"))), "\"STRING\" is not one of"),
        (("inputs/text/name", Some(json!("txt"))), "no input `txt`"),
        (("inputs/text/name", Some(json!("txt"))), "the required input `text` is missing"),
        (("inputs/text/shape", Some(json!([1, 1, 1]))), "no input `text` of"),
        (("inputs/max_tokens/data/0", Some(json!("512"))), "is not of type"),
        (("inputs/max_tokens/datatype", Some(json!("INT64"))), "no input `max_tokens` of"),
        (("outputs/response/name", Some(json!("answer"))), "no output `answer`"),
        (("inputs/guided_decoding_guide/data/0", Some(json!(open().to_string()))), "is not closed"),
    ]
}

fn in_a_generation() -> Vec<(Change, &'static str)> {
    let guide = |schema: &Value| Some(json!(json!({ "json": schema }).to_string()));
    vec![
        (("max_token", Some(json!(8))), "no input `max_token`"),
        (("stream", Some(json!(null))), "null is not of type"),
        (("stream", Some(json!(0))), "`stream` is not of type BOOL"),
        (("text_input", None), "the required input `text_input` is missing"),
        (("parameters/structured_outputs", Some(json!({ "json": {} }))), "is not of type"),
        (("parameters/structured_outputs", Some(json!("{\"json\":"))), "is no JSON"),
        (("parameters/structured_outputs", guide(&open())), "is not closed"),
        (("parameters/guided_decoding", guide(&open())), "is not closed"),
        (("parameters/top_p", Some(json!(null))), "null is not of type"),
    ]
}
