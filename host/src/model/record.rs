use serde::{Deserialize, Serialize};

/// One text to judge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Unique within its batch.
    pub request_id: String,
    /// The text.
    pub text: String,
    /// Further fields of the input row, in their order there; values as text (JSON where not a string).
    pub context: Vec<(String, String)>,
    /// The clusters to choose from, where the record names its own.
    pub candidates: Option<Vec<String>>,
    /// The right cluster, where it is known: never shown to a provider, only compared with its verdict.
    pub label: Option<String>,
}

impl Record {
    /// A record of an id and a text.
    pub fn new(request_id: impl Into<String>, text: impl Into<String>) -> Self {
        Record { request_id: request_id.into(), text: text.into(), ..Record::default() }
    }

    /// Bytes of what a judge is shown of it: its text and its fields.
    pub fn bytes(&self) -> u64 {
        let fields: usize = self.context.iter().map(|(name, value)| name.len() + value.len()).sum();
        (self.text.len() + fields) as u64
    }
}
