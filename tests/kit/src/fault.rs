use std::time::Duration;

/// What goes wrong, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// The calls that it fits.
    pub when: When,
    /// What happens to them.
    pub then: Then,
}

/// Which calls a rule fits. Only calls that ask for an answer count, not listings of models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// All.
    Always,
    /// The N-th, the first being 1.
    Call(u64),
    /// Every K-th: K, 2K, 3K and so on; never with 0.
    Every(u64),
    /// Those on the record with this id.
    Record(String),
    /// The first so many on each record.
    FirstOfEachRecord(u64),
    /// The first so many on one record.
    FirstOf {
        /// Its id.
        record: String,
        /// So many.
        calls: u64,
    },
}

/// What happens instead of a proper answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// Another status.
    Status {
        /// The status code.
        code: u16,
        /// The body; none stands for an error in the dialect's own form.
        body: Option<String>,
        /// Headers, such as `retry-after`.
        headers: Vec<(String, String)>,
    },
    /// The connection is closed without an answer.
    Close,
    /// The answer comes so much later.
    Stall(Duration),
    /// The answer is held back until [`crate::FakeLlm::release`].
    Hold,
    /// The answer is cut off in the middle, as if the token limit were reached.
    Truncate,
    /// The model says this.
    Garbage(String),
    /// The model declines.
    Refuse,
    /// Status 200 with an error in the body.
    ErrorIn200,
}

impl Then {
    /// A status with the dialect's own error and no headers.
    pub fn status(code: u16) -> Then {
        Then::Status { code, body: None, headers: Vec::new() }
    }
}

impl When {
    /// Whether it fits the call of this number; `records` are the ids it is on, each with its count of calls so
    /// far, this one included.
    pub(crate) fn fits(&self, call_index: u64, records: &[(&str, u64)]) -> bool {
        match self {
            When::Always => true,
            When::Call(number) => call_index == *number,
            When::Every(step) => *step != 0 && call_index.is_multiple_of(*step),
            When::Record(id) => records.iter().any(|(record, _)| record == id),
            When::FirstOfEachRecord(calls) => records.iter().any(|(_, count)| count <= calls),
            When::FirstOf { record, calls } => records.iter().any(|(id, count)| id == record && count <= calls),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_fit_by_call_and_by_record() {
        let fitting = |when: &When| -> Vec<u64> { (1..=6).filter(|n| when.fits(*n, &[("r1", *n)])).collect() };
        for (when, calls) in [
            (When::Always, vec![1, 2, 3, 4, 5, 6]),
            (When::Call(2), vec![2]),
            (When::Every(3), vec![3, 6]),
            (When::Every(0), vec![]),
            (When::Record("r1".into()), vec![1, 2, 3, 4, 5, 6]),
            (When::Record("r2".into()), vec![]),
            (When::FirstOfEachRecord(2), vec![1, 2]),
            (When::FirstOf { record: "r1".into(), calls: 2 }, vec![1, 2]),
            (When::FirstOf { record: "r2".into(), calls: 2 }, vec![]),
        ] {
            assert_eq!(fitting(&when), calls, "{when:?}");
        }
        assert!(!When::FirstOfEachRecord(9).fits(1, &[]), "a call on no record is on no record's first");
    }
}
