//! The requests with a body in the providers' vectors: the first of a job, those of a preparation, and the second rounds
//! in the exchanges of both. docs/vectors.md says where they stand.

use super::Change;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// A request as a vector records it.
#[derive(Clone)]
pub struct Recorded {
    pub provider: String,
    /// The vector's file, below `guest-providers`.
    pub file: String,
    pub path: String,
    pub body: Value,
    /// What the preparation told before the job; null where it told nothing.
    pub profile: Value,
}

/// All requests with a body, of all providers.
pub fn all() -> Vec<Recorded> {
    let mut all = Vec::new();
    for provider in providers() {
        for file in files(&folder().join(&provider).join("vectors"), "json") {
            let text = fs::read_to_string(&file).expect("a readable vector");
            let vector: Value = serde_json::from_str(&text).expect("a vector is JSON");
            let file = file.strip_prefix(folder()).expect("below the folder").display().to_string();
            let mut requests = Vec::new();
            collect(&vector, &mut requests);
            for request in requests.into_iter().filter(|request| !request["body"].is_null()) {
                assert_eq!(request["method"], "POST", "{file}: only POST has a body");
                all.push(Recorded {
                    provider: provider.clone(),
                    file: file.clone(),
                    path: request["path"].as_str().expect("a path").to_owned(),
                    body: spelled_out(&request["body"]),
                    profile: vector["profile"].clone(),
                });
            }
        }
    }
    all
}

/// Ids of the providers that have vectors.
pub fn providers() -> Vec<String> {
    let folders = fs::read_dir(folder()).expect("the providers").map(|entry| entry.expect("a readable entry").path());
    let mut names: Vec<String> = folders
        .filter(|folder| folder.join("vectors").is_dir())
        .map(|folder| folder.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 6, "{names:?}");
    names
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace above").join("guest-providers")
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("vectors").map(|entry| entry.expect("a readable entry").path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == extension)).collect();
    files.sort();
    files
}

/// Requests have a method, responses a status.
fn collect<'a>(part: &'a Value, requests: &mut Vec<&'a Value>) {
    if part["method"].is_string() {
        requests.push(part);
        return;
    }
    for field in ["request", "prepare", "cases", "exchange"] {
        match &part[field] {
            Value::Array(list) => list.iter().for_each(|part| collect(part, requests)),
            one if one.is_object() => collect(one, requests),
            _ => {}
        }
    }
}

/// An object stands for its text, and a text for itself.
fn spelled_out(body: &Value) -> Value {
    match body {
        Value::String(text) => serde_json::from_str(text).expect("a body is JSON"),
        body => body.clone(),
    }
}

impl Recorded {
    /// The same with one thing changed; none where the body has no such place. Places are keys joined by `/`; in a list a
    /// number, or the name of the tensor.
    pub fn changed(&self, (place, value): &Change) -> Option<Recorded> {
        let mut changed = self.clone();
        let (parents, last) = place.rsplit_once('/').unwrap_or(("", place));
        let mut parents = parents.split('/').filter(|key| !key.is_empty());
        let parent = parents.try_fold(&mut changed.body, child)?;
        match (parent, value) {
            (Value::Object(fields), Some(value)) => {
                fields.insert(last.to_owned(), value.clone());
            }
            (Value::Object(fields), None) => {
                fields.shift_remove(last)?;
            }
            (list, Some(value)) => *child(list, last)? = value.clone(),
            (_, None) => return None,
        }
        Some(changed)
    }
}

fn child<'a>(part: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    match part {
        Value::Array(list) => match key.parse::<usize>() {
            Ok(index) => list.get_mut(index),
            Err(_) => list.iter_mut().find(|item| item["name"] == key),
        },
        part => part.get_mut(key),
    }
}
