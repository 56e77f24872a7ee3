//! Whether a provider, ours or a stranger's, keeps the contract: recorded exchanges that it must repeat to the byte, and
//! a corpus of hostile responses that it must survive. Nothing is sent, and no key is needed. This room knows the model
//! and the trait of providers, and nothing of components or HTTP.

mod corpus;
mod difference;
mod hostile;
mod read;
mod run;
mod spell;
mod vector;

pub use hostile::hostile;
pub use read::{VectorError, VectorFile, read_folder};
pub use run::run;

use crate::model::Fault;
use serde::Serialize;

/// One thing that a provider was tried with.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// The file, or the part of the corpus.
    pub group: String,
    /// What is shown.
    pub about: String,
    /// Why it failed; none where it passed.
    pub failure: Option<String>,
}

impl Case {
    /// Whether it passed.
    pub fn passed(&self) -> bool {
        self.failure.is_none()
    }
}

/// What to say of cases that did not all pass: how many failed, and the first of them.
pub fn first_failure(cases: &[Case]) -> Option<String> {
    let (case, failure) = cases.iter().find_map(|case| Some((case, case.failure.as_ref()?)))?;
    let failed = cases.iter().filter(|case| !case.passed()).count();
    Some(format!("fails {failed} of {} hostile responses, first {}: {failure}", cases.len(), case.about))
}

/// A fault as a sentence for a failed case.
fn told(fault: &Fault) -> String {
    match &fault.code {
        Some(code) => format!("a fault, {} ({code}): {}", fault.kind, fault.message),
        None => format!("a fault, {}: {}", fault.kind, fault.message),
    }
}
