//! Which of the objects in a text is the answer.

use super::list::List;
use super::read_value;
use crate::{Fault, Job, Verdict, fault};
use serde_json::Value;

/// What was found so far, from left to right.
pub(super) struct Choice<'a> {
    job: &'a Job,
    answer: Option<Vec<Verdict>>,
    is_ambiguous: bool,
    /// Verdicts by record id that stand in no list of their own, where several records were asked.
    loose: Option<List<'a>>,
    /// Why the last object that tried to be an answer is none.
    failed: Option<Fault>,
    /// Whether there is an object that did not even try.
    has_other: bool,
}

impl<'a> Choice<'a> {
    pub(super) fn new(job: &'a Job) -> Self {
        Choice { job, answer: None, is_ambiguous: false, loose: None, failed: None, has_other: false }
    }

    pub(super) fn add(&mut self, value: &Value) {
        match value {
            Value::Array(items) => {
                for object in items.iter().filter(|item| item.is_object()) {
                    self.add_object(object);
                }
            }
            object => self.add_object(object),
        }
    }

    /// An object that could not be read: what it meant to say is unknown, so what stands before it does not count.
    pub(super) fn add_broken(&mut self) {
        self.failed = Some(fault::malformed("not-json", "the model's answer is not JSON"));
    }

    fn add_object(&mut self, object: &Value) {
        let has_list = object["verdicts"].is_array();
        let has_decision = object.get("decision").is_some();
        if self.job.single().is_none() && !has_list && has_decision && object.get("record_id").is_some() {
            let job = self.job;
            self.loose.get_or_insert_with(|| List::new(job)).add(object);
            self.failed = None;
            return;
        }
        if !has_list && !has_decision {
            self.has_other = true;
            return;
        }
        match read_value(self.job, object) {
            Ok(verdicts) => {
                self.failed = None;
                self.is_ambiguous |= self.answer.as_ref().is_some_and(|known| *known != verdicts);
                self.answer = Some(verdicts);
            }
            Err(fault) => self.failed = Some(fault),
        }
    }

    /// The answer, or why there is none; none where the text holds no object at all.
    pub(super) fn made(self) -> Option<Result<Vec<Verdict>, Fault>> {
        if let Some(fault) = self.failed {
            return Some(Err(fault));
        }
        match (self.answer, self.loose) {
            (Some(answer), None) if !self.is_ambiguous => Some(Ok(answer)),
            (None, Some(list)) => Some(list.verdicts()),
            (None, None) if self.has_other => Some(read_value(self.job, &Value::Null)),
            (None, None) => None,
            _ => {
                let message = "the model's answer holds two verdicts that differ";
                Some(Err(fault::malformed("two-objects", message)))
            }
        }
    }
}
