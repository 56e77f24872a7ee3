//! What both formats share: from a row's fields to a record, and from a slip to a fault.

use super::Read;
use crate::model::{Fault, FaultKind, Record};
use serde_json::Value;

/// The longest id, in bytes: it is a key in the registry and a column in every report.
const REQUEST_ID_BYTES_MAX: usize = 512;

/// A row that is no record.
pub(super) fn unreadable(line: u64, code: &str, message: impl Into<String>) -> Read {
    let fault = Fault::new(FaultKind::BadInput, message).code(code);
    Read::Unreadable { request_id: line_id(line), line, fault }
}

fn line_id(line: u64) -> String {
    format!("line-{line}")
}

/// Makes a record of a row's named fields.
pub(super) fn record(line: u64, fields: impl IntoIterator<Item = (String, Value)>) -> Read {
    let mut record = Record::default();
    let mut text = None;
    for (name, value) in fields {
        match name.as_str() {
            "request_id" | "id" => match id(&value) {
                // `request_id` wins over `id`, wherever the two stand.
                Some(id) if name == "request_id" || record.request_id.is_empty() => record.request_id = id,
                Some(id) => record.context.push((name, id)),
                None if value.is_null() || value == "" => {}
                None => {
                    return unreadable(
                        line,
                        "bad-id",
                        format!("line {line}: field `{name}` is neither text nor number"),
                    );
                }
            },
            "text" => text = Some(value),
            "label" => record.label = as_text(&value),
            "candidates" => match candidates(&value) {
                Ok(candidates) => record.candidates = candidates,
                Err(expected) => {
                    return unreadable(
                        line,
                        "bad-candidates",
                        format!("line {line}: field `candidates` is not {expected}"),
                    );
                }
            },
            _ => record.context.extend(as_text(&value).map(|value| (name, value))),
        }
    }
    match text {
        Some(Value::String(text)) if !text.trim().is_empty() => record.text = text,
        Some(Value::String(_)) => return unreadable(line, "empty-text", format!("line {line}: field `text` is empty")),
        Some(_) => return unreadable(line, "bad-text", format!("line {line}: field `text` is not a text")),
        None => return unreadable(line, "missing-text", format!("line {line}: field `text` is missing")),
    }
    if record.request_id.len() > REQUEST_ID_BYTES_MAX {
        return unreadable(line, "bad-id", format!("line {line}: the id is longer than {REQUEST_ID_BYTES_MAX} bytes"));
    }
    let named = !record.request_id.is_empty();
    if !named {
        record.request_id = line_id(line);
    }
    Read::Record { record, line, named }
}

fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// A list of ids as JSON; in a CSV cell also as text separated by `|`.
fn candidates(value: &Value) -> Result<Option<Vec<String>>, &'static str> {
    const EXPECTED: &str = "a list of cluster ids";
    let list = match value {
        Value::Null => return Ok(None),
        Value::String(cell) if cell.trim().is_empty() => return Ok(None),
        Value::String(cell) if cell.trim_start().starts_with('[') => {
            serde_json::from_str::<Value>(cell).map_err(|_| EXPECTED)?
        }
        Value::String(cell) => Value::from(cell.split('|').map(str::trim).collect::<Vec<_>>()),
        other => other.clone(),
    };
    let Value::Array(ids) = list else { return Err(EXPECTED) };
    ids.into_iter().map(|candidate| id(&candidate).ok_or(EXPECTED)).collect::<Result<_, _>>().map(Some)
}
