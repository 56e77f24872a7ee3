//! The example's texts: 77 intents of a bank's customers with ten samples each, and 1,540 records that are no sample.

use anyhow::{Context, Result};
use judge_host::registry::ClusterDraft;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::path::Path;

/// The folder with both, from the crate's own.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/banking77");

/// A record with the intent that people gave it.
#[derive(Deserialize)]
pub(crate) struct Labelled {
    pub(crate) request_id: String,
    pub(crate) text: String,
    /// The id of its cluster.
    pub(crate) label: String,
}

pub(crate) fn records() -> Result<Vec<Labelled>> {
    lines("records.jsonl")
}

pub(crate) fn clusters() -> Result<Vec<ClusterDraft>> {
    lines("clusters.jsonl")
}

fn lines<T: DeserializeOwned>(name: &str) -> Result<Vec<T>> {
    let path = Path::new(FOLDER).join(name);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("a line of {name}"))).collect()
}
