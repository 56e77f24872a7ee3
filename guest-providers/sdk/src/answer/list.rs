//! Verdicts on several records, told apart by record id.

use super::verdict::{self, missing, string};
use crate::{Fault, Job, Verdict, fault, prompt};
use serde_json::Value;

/// The verdicts of a list, one a record. Those that cannot be read are left out: the host asks for them again.
pub(super) struct List<'a> {
    job: &'a Job,
    /// In the order of the answer, with the place of the record in the job.
    read: Vec<(usize, Verdict)>,
    is_twice: Vec<bool>,
    first_fault: Option<Fault>,
}

/// The verdicts of a whole list.
///
/// # Errors
/// The first slip in it, where it has no verdict that can be read.
pub(super) fn read(job: &Job, items: &[Value]) -> Result<Vec<Verdict>, Fault> {
    let mut list = List::new(job);
    for item in items {
        list.add(item);
    }
    list.verdicts()
}

impl<'a> List<'a> {
    pub(super) fn new(job: &'a Job) -> Self {
        List { job, read: Vec::new(), is_twice: vec![false; job.records.len()], first_fault: None }
    }

    pub(super) fn add(&mut self, item: &Value) {
        let fault = match self.one(item) {
            Ok((place, _)) if self.read.iter().any(|(known, _)| *known == place) => {
                self.is_twice[place] = true;
                fault::malformed("duplicate-record", "the model's answer judges a record twice")
            }
            Ok(read) => {
                self.read.push(read);
                return;
            }
            Err(fault) => fault,
        };
        self.first_fault.get_or_insert(fault);
    }

    pub(super) fn verdicts(self) -> Result<Vec<Verdict>, Fault> {
        // Which of two verdicts was meant is unknown: neither counts, and the record is asked again.
        let once = self.read.into_iter().filter(|(place, _)| !self.is_twice[*place]);
        let verdicts: Vec<Verdict> = once.map(|(_, verdict)| verdict).collect();
        match self.first_fault {
            _ if !verdicts.is_empty() => Ok(verdicts),
            Some(fault) => Err(fault),
            None => Err(fault::malformed("no-verdict", "the model's answer holds no verdict")),
        }
    }

    fn one(&self, item: &Value) -> Result<(usize, Verdict), Fault> {
        let id = string(item, "record_id")?.ok_or_else(|| missing("record_id"))?;
        let Some(place) = self.place(id) else {
            return Err(fault::malformed("unknown-record", "the model's answer judges a record that was not asked"));
        };
        Ok((place, verdict::read(self.job, &self.job.records[place].id, item)?))
    }

    /// The record of this id: as it is, as the prompt shows it, or as the only one that differs in blanks around it.
    fn place(&self, id: &str) -> Option<usize> {
        let records = &self.job.records;
        if let Some(exact) = records.iter().position(|record| record.id == id) {
            return Some(exact);
        }
        let is_alike = |known: &str| prompt::one_line(known).trim() == id.trim();
        let mut alike = records.iter().enumerate().filter(|(_, record)| is_alike(&record.id));
        match (alike.next(), alike.next()) {
            (Some((only, _)), None) => Some(only),
            _ => None,
        }
    }
}
