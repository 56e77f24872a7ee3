use super::summary::rounded;
use crate::model::Usage;
use serde::{Deserialize, Serialize};

/// How records went together into requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Together {
    /// The most records that one request asks about.
    pub records_max: usize,
    /// Records that were asked about together with others.
    pub records: u64,
    /// Attempts at the requests about them.
    pub attempts: u64,
    /// Those of the records that had no verdict from it, and were asked about alone.
    pub asked_alone: u64,
}

/// What a summary says of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordsPerRequest {
    /// The most records that one request asks about.
    pub max: usize,
    /// Records in a request about several, on average.
    pub mean: Option<f64>,
    /// Records that had no verdict from a request about several, and were asked about alone.
    pub asked_alone: u64,
    /// Calls that one for each record would have taken more; negative where what was asked again outweighs it.
    pub calls_saved: i64,
    /// Prompt tokens for each record with an outcome.
    pub input_tokens_per_record: Option<f64>,
    /// Generated tokens for each record with an outcome.
    pub output_tokens_per_record: Option<f64>,
}

impl Together {
    /// What to say of it, by what so many outcomes took.
    pub(super) fn told(&self, usage: &Usage, outcomes: u64) -> RecordsPerRequest {
        let for_each = |tokens: u64| rounded(tokens as f64 / outcomes.max(1) as f64);
        let taken = self.attempts.saturating_add(self.asked_alone);
        RecordsPerRequest {
            max: self.records_max,
            mean: (self.attempts > 0).then(|| rounded(self.records as f64 / self.attempts as f64)),
            asked_alone: self.asked_alone,
            calls_saved: self.records.saturating_sub(taken).cast_signed()
                - taken.saturating_sub(self.records).cast_signed(),
            input_tokens_per_record: usage.input_tokens.map(for_each),
            output_tokens_per_record: usage.output_tokens.map(for_each),
        }
    }
}

impl RecordsPerRequest {
    /// The rows of a summary for people: names and values.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        let known = |number: Option<f64>| number.map_or_else(|| "?".to_owned(), |number| format!("{number:.1}"));
        let RecordsPerRequest { max, asked_alone, calls_saved, .. } = self;
        let mut rows = vec![
            ("records per request", format!("{max} at most, {} on average", known(self.mean))),
            ("calls saved by that", format!("{calls_saved} ({asked_alone} records asked about alone)")),
        ];
        if self.input_tokens_per_record.is_some() || self.output_tokens_per_record.is_some() {
            let tokens = [self.input_tokens_per_record, self.output_tokens_per_record].map(known).join(" / ");
            rows.push(("tokens in / out a record", tokens));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_saving_is_what_is_left_after_those_asked_alone() {
        let usage = Usage { input_tokens: Some(20_500), ..Usage::default() };
        let told = Together { records_max: 10, records: 200, attempts: 20, asked_alone: 20 }.told(&usage, 200);
        assert_eq!((told.calls_saved, told.mean, told.input_tokens_per_record), (160, Some(10.0), Some(102.5)));
        let rows: Vec<String> = told.rows().into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let expected = [
            "records per request: 10 at most, 10.0 on average",
            "calls saved by that: 160 (20 records asked about alone)",
            "tokens in / out a record: 102.5 / ?",
        ];
        assert_eq!(rows, expected);
        let loss = Together { records_max: 10, records: 200, attempts: 40, asked_alone: 200 };
        assert_eq!(loss.told(&usage, 200).calls_saved, -40);
        assert_eq!(Together::default().told(&Usage::default(), 0).rows()[0].1, "0 at most, ? on average");
    }
}
