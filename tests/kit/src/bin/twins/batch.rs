//! The records of the example, and what an oracle has to know of them.

use anyhow::{Context, Result};
use judge_host_kit::Oracle;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// 1,540 real questions to a bank with the intent of each, 77 in all.
const RECORDS: &str = include_str!("../../../../../examples/banking77/records.jsonl");
/// Names for each intent: its label, and three more in other words, written by hand. Many share no word with each other,
/// as the names that a model gives.
const NAMES: &str = include_str!("names.jsonl");

/// What the host is given, and who answers for it.
pub(crate) struct Batch {
    /// JSON lines without the label.
    pub(crate) input: String,
    pub(crate) oracle: Oracle,
}

#[derive(Deserialize)]
struct Labelled {
    request_id: String,
    text: String,
    label: String,
}

#[derive(Deserialize)]
struct Named {
    intent: String,
    names: Vec<String>,
}

impl Batch {
    /// So many records; past the example's end its records come again under other ids.
    pub(crate) fn of(count: usize) -> Result<Batch> {
        let records: Vec<Labelled> = lines(RECORDS).context("the example's records")?;
        let named: Vec<Named> = lines(NAMES).context("the names")?;
        let mut input = String::new();
        let mut intents = BTreeMap::new();
        for (number, record) in records.iter().cycle().take(count).enumerate() {
            let id = match number / records.len() {
                0 => record.request_id.clone(),
                again => format!("{}-{again}", record.request_id),
            };
            writeln!(input, "{}", serde_json::json!({ "request_id": id, "text": record.text }))?;
            intents.insert(id, record.label.clone());
        }
        let names = named.into_iter().map(|named| (named.intent, named.names)).collect();
        Ok(Batch { input, oracle: Oracle::new(intents, names)? })
    }
}

fn lines<'a, T: Deserialize<'a>>(text: &'a str) -> Result<Vec<T>> {
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn two_thousand_records_have_77_intents_and_tell_none() {
        let batch = Batch::of(2000).unwrap();
        assert_eq!((batch.input.lines().count(), batch.oracle.intents()), (2000, 77));
        let ids: BTreeSet<String> = lines::<serde_json::Value>(&batch.input)
            .unwrap()
            .into_iter()
            .map(|record| {
                assert_eq!(record.as_object().unwrap().keys().collect::<Vec<_>>(), ["request_id", "text"]);
                record["request_id"].to_string()
            })
            .collect();
        assert_eq!(ids.len(), 2000);
    }

    #[test]
    fn every_intent_has_four_names_that_make_four_ids() {
        let named: Vec<Named> = lines(NAMES).unwrap();
        // As rough as an id: names that differ in case or signs alone would be one cluster.
        let id = |name: &String| {
            let letters = |letter: char| if letter.is_alphanumeric() { letter.to_ascii_lowercase() } else { '_' };
            name.chars().map(letters).collect::<String>()
        };
        let ids: BTreeSet<String> = named.iter().flat_map(|named| named.names.iter().map(id)).collect();
        assert_eq!((named.len(), ids.len()), (77, 4 * 77));
        assert!(named.iter().all(|named| named.names.len() == 4));
    }
}
