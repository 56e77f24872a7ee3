//! The verdict as a JSON schema, within what every server that enforces one accepts: a root object, all properties
//! required, none besides, optional ones as a union with null, no bounds on lengths. Keys are generated in the
//! schema's order, so the rationale stands before the decision.

use crate::Task;
use serde_json::{Value, json};

/// OpenAI's strict mode takes this many enum values in a whole schema.
const ENUM_VALUES_MAX: usize = 1000;
/// An enum of more values than this may hold at most [`LONG_ENUM_CHARS_MAX`] characters (OpenAI, strict mode).
const LONG_ENUM_VALUES: usize = 250;
/// Characters of all values of a long enum together.
const LONG_ENUM_CHARS_MAX: usize = 15_000;
/// `decision` and `confidence` have three values each.
const FIXED_ENUM_VALUES: usize = 6;

/// The schema of the answer to a task's jobs: one verdict, or where jobs hold several records `{"verdicts": [...]}`,
/// each verdict with its `record_id`. Cluster ids are an enum while servers take it; [`crate::answer`] checks them in
/// any case.
pub fn verdict(task: &Task) -> Value {
    if task.records_max <= 1 {
        return object(&verdict_properties(task));
    }
    let mut properties = json!({ "record_id": { "type": "string" } });
    if let (Some(all), Value::Object(own)) = (properties.as_object_mut(), verdict_properties(task)) {
        all.extend(own);
    }
    object(&json!({ "verdicts": { "type": "array", "items": object(&properties) } }))
}

fn verdict_properties(task: &Task) -> Value {
    let candidates: Vec<String> = task.candidates.iter().map(|cluster| cluster.id.clone()).collect();
    let cluster_id = if candidates.is_empty() {
        json!({ "type": "null" })
    } else {
        nullable(&one_of(&candidates, ENUM_VALUES_MAX - FIXED_ENUM_VALUES))
    };
    let new_cluster = if task.allow_new_cluster {
        let text = json!({ "type": "string" });
        nullable(&object(&json!({ "name": text, "summary": text, "criteria": text })))
    } else {
        json!({ "type": "null" })
    };
    json!({
        "rationale": { "type": "string" },
        "decision": { "type": "string", "enum": decisions(task) },
        "cluster_id": cluster_id,
        "confidence": { "type": "string", "enum": ["low", "medium", "high"] },
        "new_cluster": new_cluster,
    })
}

fn decisions(task: &Task) -> Vec<&'static str> {
    let mut decisions = Vec::new();
    if !task.candidates.is_empty() {
        decisions.push("assign");
    }
    if task.allow_new_cluster {
        decisions.push("new_cluster");
    }
    decisions.push("skip");
    decisions
}

/// One of these texts; any text where they are too many for servers to take.
fn one_of(values: &[String], values_max: usize) -> Value {
    let chars: usize = values.iter().map(|value| value.chars().count()).sum();
    let fits = values.len() <= values_max && (values.len() <= LONG_ENUM_VALUES || chars <= LONG_ENUM_CHARS_MAX);
    if fits { json!({ "type": "string", "enum": values }) } else { json!({ "type": "string" }) }
}

fn nullable(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

fn object(properties: &Value) -> Value {
    let required: Vec<&String> = properties.as_object().into_iter().flat_map(|names| names.keys()).collect();
    let required = json!(required);
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{cluster, task};

    /// Every object closed and complete, no keyword outside the strict subset.
    fn assert_strict(schema: &Value) {
        const KEYWORDS: [&str; 7] =
            ["type", "enum", "anyOf", "properties", "required", "additionalProperties", "items"];
        for (keyword, value) in schema.as_object().expect("a schema is an object") {
            assert!(KEYWORDS.contains(&keyword.as_str()), "`{keyword}` is not in the strict subset");
            match keyword.as_str() {
                "properties" => {
                    let properties = value.as_object().expect("properties are an object");
                    assert_eq!(schema["additionalProperties"], json!(false));
                    assert_eq!(schema["required"], json!(properties.keys().collect::<Vec<_>>()));
                    properties.values().for_each(assert_strict);
                }
                "items" => assert_strict(value),
                "anyOf" => value.as_array().expect("anyOf is a list").iter().for_each(assert_strict),
                "enum" => assert_ne!(value, &json!([]), "an empty enum matches nothing"),
                _ => {}
            }
        }
    }

    #[test]
    fn a_verdict_has_its_keys_in_order() {
        let schema = verdict(&task());
        assert_strict(&schema);
        assert_eq!(schema["required"], json!(["rationale", "decision", "cluster_id", "confidence", "new_cluster"]));
        assert_eq!(schema["properties"]["decision"]["enum"], json!(["assign", "new_cluster", "skip"]));
        assert_eq!(schema["properties"]["cluster_id"]["anyOf"][0]["enum"], json!(["card-arrival", "top-up"]));
    }

    #[test]
    fn decisions_that_are_not_allowed_are_not_in_it() {
        let mut closed = task();
        closed.allow_new_cluster = false;
        assert_eq!(verdict(&closed)["properties"]["decision"]["enum"], json!(["assign", "skip"]));
        assert_eq!(verdict(&closed)["properties"]["new_cluster"], json!({ "type": "null" }));
        let mut empty = task();
        empty.candidates.clear();
        assert_eq!(verdict(&empty)["properties"]["decision"]["enum"], json!(["new_cluster", "skip"]));
        assert_eq!(verdict(&empty)["properties"]["cluster_id"], json!({ "type": "null" }));
        assert_strict(&verdict(&closed));
        assert_strict(&verdict(&empty));
    }

    #[test]
    fn several_records_are_a_list_of_verdicts_by_id() {
        let schema = verdict(&Task { records_max: 2, ..task() });
        assert_strict(&schema);
        let item = &schema["properties"]["verdicts"]["items"];
        assert_eq!(item["required"][0], "record_id");
    }

    #[test]
    fn ids_are_an_enum_only_while_servers_take_it() {
        for (count, width, is_enum) in
            [(250, 100, true), (251, 50, true), (251, 100, false), (994, 10, true), (995, 10, false)]
        {
            let mut task = task();
            task.candidates = (0..count).map(|n| cluster(&format!("{n:0width$}"), "n")).collect();
            let ids = &verdict(&task)["properties"]["cluster_id"]["anyOf"][0];
            assert_eq!(ids.get("enum").is_some(), is_enum, "{count} ids of {width} characters");
        }
    }
}
