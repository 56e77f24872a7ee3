//! What servers that hold an answer to a schema take of JSON Schema. They differ in the keywords; all of them want closed
//! objects, or are only held tightly by those.

use serde_json::{Value, json};

/// One server's subset.
pub struct Rules {
    /// References are in none of them: nobody needs any, and an external one is refused everywhere.
    keywords: &'static [&'static str],
    /// Objects within objects.
    depth_max: usize,
    /// Values of all enums together.
    enum_values_max: usize,
    /// Properties that may be of several types.
    unions_max: usize,
}

/// Strict mode (the guide to structured outputs on developers.openai.com): also 5000 properties, which nothing here
/// comes near.
pub const OPENAI: Rules = Rules {
    keywords: &[
        "type",
        "enum",
        "anyOf",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "description",
        "pattern",
        "format",
        "multipleOf",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "minItems",
        "maxItems",
    ],
    depth_max: 10,
    enum_values_max: 1000,
    unions_max: usize::MAX,
};

/// The docs on structured outputs on platform.claude.com; strict tools take the same.
pub const ANTHROPIC: Rules = Rules {
    keywords: &[
        "type",
        "enum",
        "const",
        "anyOf",
        "allOf",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "description",
        "format",
    ],
    depth_max: usize::MAX,
    enum_values_max: usize::MAX,
    unions_max: 16,
};

/// What all of them take, for servers that say nothing definite, ignore what they do not know, or pass a request on.
pub const COMMON: Rules = Rules {
    keywords: &["type", "enum", "anyOf", "properties", "required", "additionalProperties", "items", "description"],
    depth_max: OPENAI.depth_max,
    enum_values_max: OPENAI.enum_values_max,
    unions_max: ANTHROPIC.unions_max,
};

/// What adds up over a schema.
#[derive(Default)]
struct Totals {
    enum_values: usize,
    unions: usize,
}

impl Rules {
    /// What the server would refuse or ignore of a schema, a sentence each.
    pub fn breaches(&self, schema: &Value) -> Vec<String> {
        if !schema.is_object() {
            return vec!["the answer's schema is no JSON object, or its text is no JSON".to_owned()];
        }
        if !jsonschema::draft202012::meta::is_valid(schema) {
            return vec!["the answer's schema is no JSON schema".to_owned()];
        }
        let mut breaches = Vec::new();
        if schema["type"] != "object" || !schema["anyOf"].is_null() {
            breaches.push("the answer's schema: the root is no object".to_owned());
        }
        let mut totals = Totals::default();
        self.look(schema, "schema", 1, &mut totals, &mut breaches);
        if totals.enum_values > self.enum_values_max {
            breaches.push(format!("the answer's schema has {} values in its enums", totals.enum_values));
        }
        if totals.unions > self.unions_max {
            breaches.push(format!("the answer's schema has {} unions", totals.unions));
        }
        breaches
    }

    fn look(&self, schema: &Value, place: &str, depth: usize, totals: &mut Totals, breaches: &mut Vec<String>) {
        let Some(keywords) = schema.as_object() else {
            breaches.push(format!("{place}: `{schema}` is no object"));
            return;
        };
        let unknown = keywords.keys().filter(|keyword| !self.keywords.contains(&keyword.as_str()));
        breaches.extend(unknown.map(|keyword| format!("{place}: `{keyword}` is not taken")));
        if let Some(values) = schema["enum"].as_array() {
            totals.enum_values += values.len();
            let is_twice = |(at, value): (usize, &Value)| values[..at].contains(value);
            if values.is_empty() || values.iter().enumerate().any(is_twice) {
                breaches.push(format!("{place}: `enum` names no value, or one twice"));
            }
        }
        if schema["type"] == "object" {
            breaches.extend(loose(schema).map(|what| format!("{place}: {what}")));
            if depth > self.depth_max {
                breaches.push(format!("{place}: {depth} objects within each other"));
            }
        }
        totals.unions += usize::from(schema["anyOf"].is_array());
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (name, property) in properties {
            self.look(property, &format!("{place}.{name}"), depth + 1, totals, breaches);
        }
        let variants = ["anyOf", "allOf"].into_iter().filter_map(|keyword| schema[keyword].as_array()).flatten();
        for inner in variants.chain(schema.get("items")) {
            self.look(inner, place, depth, totals, breaches);
        }
    }
}

/// An object that lets more or less through than its properties. They are required in their order, as servers write
/// the required ones first.
fn loose(schema: &Value) -> impl Iterator<Item = &'static str> {
    let names: Vec<&String> = schema["properties"].as_object().into_iter().flat_map(|names| names.keys()).collect();
    let is_open = schema["additionalProperties"] != json!(false);
    let is_partial = names.is_empty() || schema["required"] != json!(names);
    let found =
        [(is_open, "the object is not closed"), (is_partial, "the object does not require all it has, in order")];
    found.into_iter().filter_map(|(is, what)| is.then_some(what))
}
