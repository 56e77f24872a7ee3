//! Reads verdicts from what models really write. Lenient about what stands around the JSON (thoughts, code fences,
//! prose, end marks), strict about the JSON itself: each slip is a fault with a code of its own, no slip becomes a
//! `skip`, and of two verdicts that differ none is taken.
//!
//! What is cut off is never guessed at: an object that does not end is a `truncated` fault, wherever it stands, and so
//! is a thought that does not end. A text that is cut before its thoughts can be told from its answer cannot be
//! noticed here, so a provider looks at the server's own finish reason first.

mod choice;
mod list;
mod scan;
mod thought;
mod verdict;
mod words;

use crate::{Fault, Job, Verdict, fault};
use choice::Choice;
use scan::{Piece, Scan};
use serde_json::Value;

/// The verdicts in a model's text: the one for a job of one record; of a list those that can be read, as the host asks
/// again for the rest alone.
///
/// An object may stand by itself, in a list, or in several texts of prose and fences. Of several objects the one that
/// is a verdict counts, unless one that tries to be a verdict and fails comes after it. What stands in a thought, or
/// before the end of a thought that began in the prompt, never counts.
///
/// # Errors
/// `truncated`, where the text ends too early:
/// - `unfinished-json`: within an object or list, also in a fence;
/// - `unfinished-thought`: within a thought.
///
/// `malformed`, where there is no verdict to read:
/// - `empty`: nothing is left beside thoughts, fences and end marks;
/// - `not-json`: no JSON in it, or an object that breaks JSON's rules, among them one nested too deeply;
/// - `not-object`: JSON, but no object;
/// - `two-objects`: two verdicts that differ;
/// - `missing-field`, `wrong-type`: a field that is needed is not there, or is no text;
/// - `unknown-decision`, `unknown-confidence`, `unknown-cluster`, `new-cluster-not-allowed`: a word or id that is none
///   of those allowed;
/// - `contradiction`: a cluster beside a decision that has none, or two clusters;
/// - `unknown-record`, `duplicate-record`, `no-verdict`: a list without a verdict that can be told to be on one of the
///   records.
///
/// The caller adds what the answer cost.
pub fn read(job: &Job, text: &str) -> Result<Vec<Verdict>, Fault> {
    let mut scan = Scan::new(text);
    let mut choice = Choice::new(job);
    while let Some(piece) = scan.next_piece()? {
        match piece {
            Piece::Json(value) => choice.add(&value),
            Piece::Broken => choice.add_broken(),
            Piece::ThoughtEnd => choice = Choice::new(job),
        }
    }
    choice.made().unwrap_or_else(|| Err(words::fault(scan.prose())))
}

/// The same from JSON, for APIs that hand over an object rather than a text.
///
/// # Errors
/// The `malformed` ones of [`read`].
pub fn read_value(job: &Job, answer: &Value) -> Result<Vec<Verdict>, Fault> {
    match (job.single(), answer["verdicts"].as_array()) {
        (Some(record), None) => Ok(vec![verdict::read(job, &record.id, answer)?]),
        (_, Some(items)) => list::read(job, items),
        (None, None) => Err(fault::malformed("missing-field", "the model's answer has no list `verdicts`")),
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wrapping;
