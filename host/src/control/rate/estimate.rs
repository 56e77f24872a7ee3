use crate::model::Usage;

/// How much each answer counts in the means: one part in so many, once there were as many.
const ANSWERS_COUNTED: u64 = 16;
/// Means are kept in thousandths.
const SCALE: u64 = 1000;
/// Tokens of 1000 bytes before the first answer has told: English has about 250, JSON and other scripts more.
const TOKENS_PER_KILOBYTE: u64 = 330;
/// Tokens of an answer before the first has told, where no maximum is asked for: a verdict with its reasons.
const OUTPUT_TOKENS: u64 = 200;

/// How many tokens a request will take, learned from the answers so far: tokens for each byte of a request, and tokens
/// of an answer, as exponential means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenEstimate {
    /// Input tokens of 1000 bytes, in thousandths.
    per_kilobyte: Mean,
    /// Output tokens of an answer, in thousandths.
    output: Mean,
}

impl TokenEstimate {
    /// The tokens of a request of so many bytes, its answer included. Before the first answer this is the most that
    /// the answer may have.
    pub fn tokens(&self, request_bytes: usize, output_max: Option<u32>) -> u64 {
        let bytes = u64::try_from(request_bytes).unwrap_or(u64::MAX);
        let per_kilobyte = self.per_kilobyte.value.unwrap_or(TOKENS_PER_KILOBYTE * SCALE);
        let input = bytes.saturating_mul(per_kilobyte) / (1000 * SCALE);
        let output_max = output_max.map(u64::from);
        let output = match self.output.value {
            Some(mean) => mean.div_ceil(SCALE).min(output_max.unwrap_or(u64::MAX)),
            None => output_max.unwrap_or(OUTPUT_TOKENS),
        };
        input.saturating_add(output)
    }

    /// Takes in what the answer to a request of so many bytes cost. What is unknown of it teaches nothing.
    pub fn learn(&mut self, request_bytes: usize, usage: &Usage) {
        let bytes = u64::try_from(request_bytes).unwrap_or(u64::MAX);
        if let Some(input) = usage.input_tokens
            && bytes > 0
        {
            self.per_kilobyte.add(input.saturating_mul(1000 * SCALE) / bytes);
        }
        if let Some(output) = usage.output_tokens {
            self.output.add(output.saturating_mul(SCALE));
        }
    }
}

/// The plain mean of the first values, and an exponential one from then on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mean {
    value: Option<u64>,
    count: u64,
}

impl Mean {
    fn add(&mut self, value: u64) {
        self.count = (self.count + 1).min(ANSWERS_COUNTED);
        self.value = Some(match self.value {
            Some(mean) if value >= mean => mean + (value - mean) / self.count,
            Some(mean) => mean - (mean - value) / self.count,
            None => value,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, output: u64) -> Usage {
        Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() }
    }

    #[test]
    fn before_the_first_answer_the_most_is_expected() {
        let estimate = TokenEstimate::default();
        assert_eq!(estimate.tokens(10_000, Some(512)), 3_300 + 512);
        assert_eq!(estimate.tokens(10_000, None), 3_300 + OUTPUT_TOKENS);
    }

    #[test]
    fn answers_teach_what_requests_like_them_take() {
        let mut estimate = TokenEstimate::default();
        estimate.learn(10_000, &usage(2_500, 80));
        assert_eq!(estimate.tokens(10_000, Some(512)), 2_580);
        assert_eq!(estimate.tokens(20_000, Some(50)), 5_050, "an answer is never longer than its maximum");
        estimate.learn(10_000, &usage(3_500, 40));
        assert_eq!(estimate.tokens(10_000, None), 3_060, "the mean of the first");
        for _ in 0..200 {
            estimate.learn(10_000, &usage(5_000, 100));
        }
        assert!((5_090..=5_100).contains(&estimate.tokens(10_000, None)), "what is long ago is forgotten");
    }

    #[test]
    fn what_is_unknown_or_absurd_teaches_no_nonsense() {
        let mut estimate = TokenEstimate::default();
        estimate.learn(10_000, &Usage::default());
        estimate.learn(0, &Usage { input_tokens: Some(7), ..Usage::default() });
        assert_eq!(estimate, TokenEstimate::default());
        estimate.learn(1, &usage(u64::MAX, u64::MAX));
        assert!(estimate.tokens(usize::MAX, None) > 0);
    }
}
