use super::RateReport;
use serde::{Deserialize, Serialize};

/// How sure the judge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// A guess.
    Low,
    /// More likely than not.
    Medium,
    /// Sure.
    High,
}

/// A cluster that the judge proposes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Short name; the registry makes the id from it.
    pub name: String,
    /// What the texts in it have in common.
    #[serde(default)]
    pub summary: String,
    /// What must hold for a text to belong to it.
    #[serde(default)]
    pub criteria: String,
}

/// What the judge chose for one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It belongs to this candidate.
    Assign(String),
    /// It deserves a new cluster.
    NewCluster(Proposal),
    /// It cannot be told.
    Skip,
}

/// The judgement of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The record's `request_id`.
    pub record_id: String,
    /// What was chosen.
    pub choice: Choice,
    /// How sure the judge is.
    pub confidence: Confidence,
    /// Why; may be empty.
    pub rationale: String,
}

/// What an answer cost. A missing count is unknown, not 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Prompt tokens, the cached ones included.
    pub input_tokens: Option<u64>,
    /// Those of them that came from the server's cache.
    pub cached_input_tokens: Option<u64>,
    /// Generated tokens.
    pub output_tokens: Option<u64>,
    /// Cost as reported, in millionths of a US dollar.
    pub cost_micro_usd: Option<u64>,
}

/// The end of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// One verdict a record judged.
    pub verdicts: Vec<Verdict>,
    /// Model as reported.
    pub model: Option<String>,
    /// Why generation ended, in the server's word.
    pub finish_reason: Option<String>,
    /// What it cost.
    pub usage: Usage,
    /// What the server told of its rates beside it.
    pub rate: Option<Box<RateReport>>,
    /// Room to grow.
    pub extras: Vec<(String, String)>,
}

impl Usage {
    /// Tokens of prompt and answer together; none where either was not counted.
    pub fn tokens(&self) -> Option<u64> {
        Some(self.input_tokens?.saturating_add(self.output_tokens?))
    }

    /// Adds what another answer cost. What neither reported stays unknown.
    pub fn add(&mut self, other: &Usage) {
        let sum = |mine: Option<u64>, theirs: Option<u64>| match (mine, theirs) {
            (None, None) => None,
            (mine, theirs) => Some(mine.unwrap_or(0).saturating_add(theirs.unwrap_or(0))),
        };
        self.input_tokens = sum(self.input_tokens, other.input_tokens);
        self.cached_input_tokens = sum(self.cached_input_tokens, other.cached_input_tokens);
        self.output_tokens = sum(self.output_tokens, other.output_tokens);
        self.cost_micro_usd = sum(self.cost_micro_usd, other.cost_micro_usd);
    }

    /// The share that one of so many has in it, by its index from 0: whole numbers, whose sum over all is exact, so the
    /// first ones bear what does not come out even.
    #[must_use]
    pub fn share(&self, index: usize, of: usize) -> Usage {
        let (index, of) = (index as u64, (of as u64).max(1));
        let share = |whole: Option<u64>| whole.map(|whole| whole / of + u64::from(index < whole % of));
        Usage {
            input_tokens: share(self.input_tokens),
            cached_input_tokens: share(self.cached_input_tokens),
            output_tokens: share(self.output_tokens),
            cost_micro_usd: share(self.cost_micro_usd),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_the_whole_and_the_first_bear_the_rest() {
        let whole = Usage { input_tokens: Some(23), output_tokens: Some(2), cost_micro_usd: None, ..Usage::default() };
        let shares: Vec<Usage> = (0..5).map(|index| whole.share(index, 5)).collect();
        assert_eq!(shares.iter().map(|share| share.input_tokens).collect::<Vec<_>>(), [5, 5, 5, 4, 4].map(Some));
        let sum = shares.iter().fold(Usage::default(), |mut sum, share| {
            sum.add(share);
            sum
        });
        assert_eq!(sum, whole, "what is unknown stays so");
        assert_eq!(whole.share(0, 1), whole);
    }
}
