//! Reads verdicts from what a model wrote. Lenient about the wrapping (blanks, thinking, one fence, end marks),
//! strict about the content: each slip is a `malformed` fault with its own code, and no slip becomes a `skip`.

mod strip;
mod verdict;

use crate::{Fault, Job, Verdict, fault, prompt};
use serde_json::Value;

/// The verdicts in a model's text: the one for a job of one record; of a list those that can be read, as the host asks
/// again for the rest alone.
///
/// # Errors
/// `malformed`, where there is no verdict to read, with one of these codes: `empty`, `unfinished-json`, `not-json`,
/// `not-object`, `two-objects`, `trailing-text`, `missing-field`, `wrong-type`, `unknown-decision`,
/// `unknown-confidence`, `unknown-cluster`, `new-cluster-not-allowed`, `contradiction`, `unknown-record`,
/// `duplicate-record`, `no-verdict`. The caller adds what the answer cost.
pub fn read(job: &Job, text: &str) -> Result<Vec<Verdict>, Fault> {
    read_value(job, &object(text)?)
}

/// The same from JSON, for APIs that hand over an object rather than a text.
///
/// # Errors
/// As [`read`].
pub fn read_value(job: &Job, answer: &Value) -> Result<Vec<Verdict>, Fault> {
    match (job.single(), answer["verdicts"].is_array()) {
        (Some(record), false) => Ok(vec![verdict::read(job, &record.id, answer)?]),
        _ => several(job, answer),
    }
}

/// The one JSON object in a model's text.
fn object(text: &str) -> Result<Value, Fault> {
    let text = strip::wrapping(text);
    if text.is_empty() {
        return Err(fault::malformed("empty", "the model's answer is empty"));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let first = match values.next() {
        Some(Ok(value)) => value,
        Some(Err(error)) if error.is_eof() => {
            return Err(fault::malformed("unfinished-json", "the model's answer ends before its JSON does"));
        }
        _ => return Err(fault::malformed("not-json", "the model's answer is not JSON")),
    };
    if !first.is_object() {
        return Err(fault::malformed("not-object", "the model's answer is JSON, but no object"));
    }
    let rest = text[values.byte_offset()..].trim();
    match rest.chars().next() {
        None => Ok(first),
        Some('{') => Err(fault::malformed("two-objects", "the model's answer holds more than one JSON object")),
        Some(_) => Err(fault::malformed("trailing-text", "the model's answer goes on after its JSON object")),
    }
}

fn several(job: &Job, answer: &Value) -> Result<Vec<Verdict>, Fault> {
    let Some(list) = answer["verdicts"].as_array() else {
        return Err(fault::malformed("missing-field", "the model's answer has no list `verdicts`"));
    };
    let read = |item: &Value| {
        let id = item["record_id"].as_str().unwrap_or_default();
        let record = job.records.iter().find(|record| record.id == id || prompt::one_line(&record.id) == id);
        let Some(record) = record else {
            return Err(fault::malformed("unknown-record", "the model's answer judges a record that was not asked"));
        };
        verdict::read(job, &record.id, item)
    };
    let mut first_fault = None;
    let mut verdicts: Vec<Verdict> = Vec::new();
    for item in list {
        match read(item) {
            Ok(verdict) => verdicts.push(verdict),
            Err(fault) => first_fault = first_fault.or(Some(fault)),
        }
    }
    let ids: Vec<String> = verdicts.iter().map(|verdict| verdict.record_id.clone()).collect();
    let repeated = |id: &String| ids.iter().filter(|other| *other == id).count() > 1;
    if ids.iter().any(repeated) {
        let twice = fault::malformed("duplicate-record", "the model's answer judges a record twice");
        first_fault = first_fault.or(Some(twice));
    }
    // Which of two verdicts was meant is unknown: neither counts, and the record is asked again.
    verdicts.retain(|verdict| !repeated(&verdict.record_id));
    match first_fault {
        _ if !verdicts.is_empty() => Ok(verdicts),
        Some(fault) => Err(fault),
        None => Err(fault::malformed("no-verdict", "the model's answer holds no verdict")),
    }
}

#[cfg(test)]
mod tests;
