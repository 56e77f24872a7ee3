//! A judge that always knows what a record is about, but has several names for it: as a model does that sees records
//! apart. Whatever twins a registry ends with were made by the order in which it was asked.

use crate::{Answered, Asked};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// How the line of a cluster begins in the sdk's system message.
const CLUSTER_LINE: &str = "{\"id\":";

/// Knows the intent of each record, and the names of each intent.
#[derive(Clone, Debug)]
pub struct Oracle {
    /// By the record's id.
    intents: BTreeMap<String, String>,
    /// By intent.
    names: BTreeMap<String, Vec<String>>,
    /// By name.
    meanings: BTreeMap<String, String>,
}

/// A cluster, as a prompt shows it.
#[derive(Deserialize)]
struct Shown<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
}

impl Oracle {
    /// From the intent of each record by its id, and the names that go for each intent.
    ///
    /// # Errors
    /// Where an intent has no name, or a name goes for two intents.
    pub fn new(intents: BTreeMap<String, String>, names: BTreeMap<String, Vec<String>>) -> Result<Oracle> {
        for intent in intents.values() {
            ensure!(names.get(intent).is_some_and(|names| !names.is_empty()), "an intent without a name: `{intent}`");
        }
        let mut meanings = BTreeMap::new();
        for (intent, names) in &names {
            for name in names {
                let other = meanings.insert(name.clone(), intent.clone());
                ensure!(other.is_none_or(|other| other == *intent), "a name of two intents: `{name}`");
            }
        }
        Ok(Oracle { intents, names, meanings })
    }

    /// Assigns the record to the first cluster shown that goes by a name of its intent, where the answer's schema has the
    /// cluster too; else proposes one, by the name that it has for this record. A record that it does not know gets words
    /// that are no verdict, so that the run tells.
    pub fn answer(&self, asked: &Asked) -> Answered {
        let id = asked.record_id.as_deref().unwrap_or_default();
        let Ok(name) = self.name(id) else { return Answered::Words(format!("nobody told me of the record `{id}`")) };
        let lines = asked.system.lines().filter(|line| line.starts_with(CLUSTER_LINE));
        let mut shown = lines.filter_map(|line| serde_json::from_str::<Shown>(line).ok());
        let meant = shown
            .find(|cluster| self.is_right(id, &cluster.name) && asked.candidate_ids.iter().any(|id| *id == cluster.id));
        if let Some(cluster) = meant {
            return Answered::Assign(cluster.id.into_owned());
        }
        // A summary of words that the name lacks would tell the host more of the intent than a model is sure to.
        Answered::NewCluster { name: name.to_owned(), summary: name.to_owned(), criteria: String::new() }
    }

    /// What it would name a cluster that it proposes for this record: always the same.
    ///
    /// # Errors
    /// Where it does not know the record.
    pub fn name(&self, record_id: &str) -> Result<&str> {
        let intent = self.intents.get(record_id).with_context(|| format!("an unknown record: `{record_id}`"))?;
        let names = &self.names[intent];
        let hash = record_id.bytes().fold(0_usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        Ok(&names[hash % names.len()])
    }

    /// Whether a cluster of this name is the right one for the record.
    pub fn is_right(&self, record_id: &str, cluster_name: &str) -> bool {
        self.intents.get(record_id).is_some_and(|intent| self.meanings.get(cluster_name) == Some(intent))
    }

    /// How many intents its records have: the clusters that it makes of them where it always sees all.
    pub fn intents(&self) -> usize {
        self.intents.values().collect::<BTreeSet<_>>().len()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn map<V: Clone>(pairs: &[(&str, V)]) -> BTreeMap<String, V> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    }

    fn names(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        pairs
            .iter()
            .map(|(intent, names)| ((*intent).to_owned(), names.iter().map(ToString::to_string).collect()))
            .collect()
    }

    fn intents() -> BTreeMap<String, String> {
        map(&[("r1", "pin".to_owned()), ("r2", "pin".to_owned()), ("r3", "card".to_owned())])
    }

    fn oracle() -> Oracle {
        Oracle::new(intents(), names(&[("pin", &["New PIN", "Change of \"PIN\""]), ("card", &["Card lost"])])).unwrap()
    }

    fn asked(record_id: &str, system: &str, candidate_ids: &[&str]) -> Asked {
        Asked {
            record_id: Some(record_id.to_owned()),
            user: String::new(),
            system: system.into(),
            candidate_ids: candidate_ids.iter().map(ToString::to_string).collect(),
            call_index: 1,
        }
    }

    #[test]
    fn a_record_goes_to_the_first_cluster_of_its_intent() {
        let shown = "Clusters:\n{\"id\":\"card_lost\",\"name\":\"Card lost\"}\n{\"id\":\"a\",\"name\":\"Change of \\\"PIN\\\"\"}\n\
                     {\"id\":\"b\",\"name\":\"New PIN\"}\n";
        for (record, ids, expected) in [
            ("r1", &["card_lost", "a", "b"][..], "a"),
            ("r2", &["card_lost", "a", "b"], "a"),
            ("r1", &["card_lost", "b"], "b"),
            ("r3", &["card_lost", "a", "b"], "card_lost"),
        ] {
            assert_eq!(oracle().answer(&asked(record, shown, ids)), Answered::Assign(expected.into()), "{record}");
        }
    }

    #[test]
    fn records_of_one_intent_are_named_apart_where_its_cluster_is_not_shown() {
        let shown = "{\"id\":\"card_lost\",\"name\":\"Card lost\"}\n{\"id\":\"b\",\"name\":\"New PIN\"}\n";
        let proposed = ["r1", "r2"].map(|record| match oracle().answer(&asked(record, shown, &["card_lost"])) {
            Answered::NewCluster { name, .. } => {
                assert_eq!(name, oracle().name(record).unwrap());
                assert!(oracle().is_right(record, &name) && !oracle().is_right("r3", &name));
                name
            }
            other => panic!("{record}: {other:?}"),
        });
        assert_ne!(proposed[0], proposed[1]);
        assert_eq!(oracle().intents(), 2);
    }

    #[test]
    fn what_it_cannot_know_is_told() {
        assert!(matches!(oracle().answer(&asked("r9", "", &[])), Answered::Words(words) if words.contains("`r9`")));
        for (names, error) in [
            (names(&[("pin", &["New PIN"])]), "an intent without a name: `card`"),
            (names(&[("pin", &["New PIN"]), ("card", &["New PIN"])]), "a name of two intents: `New PIN`"),
        ] {
            assert_eq!(Oracle::new(intents(), names).unwrap_err().to_string(), error);
        }
    }
}
