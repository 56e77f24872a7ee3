//! Starting points for the contract's values, so that a provider writes only what differs.

use crate::{Answer, AuthSlot, Body, Descriptor, Fault, Job, Record, SettingSpec, Settings, Task, Usage};
use std::str::FromStr;

// Every count unknown: this is what a server that reports nothing costs.
#[expect(clippy::derivable_impls, reason = "the type is generated, so nothing can be derived on it")]
impl Default for Usage {
    fn default() -> Self {
        Usage { input_tokens: None, cached_input_tokens: None, output_tokens: None, cost_micro_usd: None }
    }
}

#[expect(clippy::derivable_impls, reason = "the type is generated, so nothing can be derived on it")]
impl Default for Answer {
    fn default() -> Self {
        Answer { verdicts: Vec::new(), model: None, finish_reason: None, usage: Usage::default(), extras: Vec::new() }
    }
}

impl Descriptor {
    /// A provider that needs no server, no model, no key and no settings.
    pub fn new(id: &str, version: &str) -> Self {
        Descriptor {
            id: id.to_owned(),
            version: version.to_owned(),
            summary: String::new(),
            default_endpoint: None,
            default_model: None,
            auth: None,
            settings: Vec::new(),
            extras: Vec::new(),
        }
    }
}

impl AuthSlot {
    /// `Authorization: Bearer KEY`, as most APIs want it.
    pub fn bearer() -> Self {
        AuthSlot { header: "authorization".to_owned(), prefix: "Bearer ".to_owned() }
    }
}

impl SettingSpec {
    /// A setting without a default value.
    pub fn new(name: &str, summary: &str) -> Self {
        SettingSpec { name: name.to_owned(), summary: summary.to_owned(), default_value: None }
    }

    /// The same, with the value that is used when the operator gives none.
    #[must_use]
    pub fn default_value(mut self, value: &str) -> Self {
        self.default_value = Some(value.to_owned());
        self
    }
}

impl Settings {
    /// The operator's value of a setting, read as a number, a switch or any other type.
    ///
    /// # Errors
    /// `invalid-request`, with a hint, where it does not read as one.
    pub fn parse<T: FromStr>(&self, name: &str) -> Result<Option<T>, Fault> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        value.trim().parse().map(Some).map_err(|_| Fault::bad_setting(name, value))
    }

    /// The operator's value of a setting that the descriptor declares, or none where none was given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.extra.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Task {
    /// A job of this task as the host asks it: for the unit tests of providers.
    pub fn job(&self, brief: Body, records: Vec<Record>) -> Job {
        Job {
            records,
            brief,
            candidate_ids: self.candidates.iter().map(|cluster| cluster.id.clone()).collect(),
            allow_new_cluster: self.allow_new_cluster,
            extras: Vec::new(),
        }
    }
}

impl Job {
    /// The only record, or none where there are several.
    pub fn single(&self) -> Option<&Record> {
        match self.records.as_slice() {
            [record] => Some(record),
            _ => None,
        }
    }
}
