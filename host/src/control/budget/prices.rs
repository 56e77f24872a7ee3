use crate::model::{MicroUsd, Prices, Usage};

const PICO_A_MICRO: u128 = 1_000_000;

impl Prices {
    /// What so many tokens cost, none of them cached. Rounded up to a whole millionth.
    pub fn of_tokens(&self, input: u64, output: u64) -> MicroUsd {
        rounded_up(times(self.input, input).saturating_add(times(self.output, output)))
    }

    /// What an answer cost by its tokens, rounded up to a whole millionth: a sum of costs is never less than what is
    /// paid, and by less than a millionth a call more. None where prompt or answer were not counted.
    pub fn of_usage(&self, usage: &Usage) -> Option<MicroUsd> {
        let (input, output) = (usage.input_tokens?, usage.output_tokens?);
        let cached = usage.cached_input_tokens.unwrap_or(0).min(input);
        let of_cached = times(self.cached_input, cached);
        let of_input = times(self.input, input - cached).saturating_add(of_cached);
        Some(rounded_up(of_input.saturating_add(times(self.output, output))))
    }
}

/// What an answer cost: what the provider reports goes before what the prices say. None is unknown, and not 0.
pub fn cost(usage: &Usage, prices: Option<&Prices>) -> Option<MicroUsd> {
    usage.cost_micro_usd.map(MicroUsd).or_else(|| prices?.of_usage(usage))
}

fn times(price: MicroUsd, tokens: u64) -> u128 {
    u128::from(price.0) * u128::from(tokens)
}

fn rounded_up(pico: u128) -> MicroUsd {
    MicroUsd(u64::try_from(pico.div_ceil(PICO_A_MICRO)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// $0.15, $0.075 and $0.60 for a million.
    const PRICES: Prices =
        Prices { input: MicroUsd(150_000), cached_input: MicroUsd(75_000), output: MicroUsd(600_000) };

    fn usage(input: Option<u64>, cached: Option<u64>, output: Option<u64>) -> Usage {
        Usage { input_tokens: input, cached_input_tokens: cached, output_tokens: output, cost_micro_usd: None }
    }

    #[test]
    fn costs_are_exact_and_rounded_up() {
        for (input, cached, output, expected) in [
            (1_000_000, None, 0, 150_000),
            (1_000_000, Some(1_000_000), 0, 75_000),
            (1_000_000, Some(400_000), 1_000_000, 720_000),
            // Cached beyond all input: a server that counts them apart.
            (10, Some(1_000_000), 0, 1),
            (1_000, None, 100, 210),
            (1, None, 0, 1),
            (0, None, 0, 0),
            (7, None, 1, 2),
        ] {
            let usage = usage(Some(input), cached, Some(output));
            assert_eq!(PRICES.of_usage(&usage), Some(MicroUsd(expected)), "{usage:?}");
        }
        assert_eq!(PRICES.of_tokens(1_000, 100), MicroUsd(210));
        let dear = Prices { input: MicroUsd(u64::MAX), cached_input: MicroUsd(u64::MAX), output: MicroUsd(u64::MAX) };
        assert_eq!(dear.of_tokens(u64::MAX, u64::MAX), MicroUsd(u64::MAX));
    }

    #[test]
    fn what_is_not_counted_has_no_cost_that_is_known() {
        assert_eq!(cost(&usage(Some(1), None, None), Some(&PRICES)), None);
        assert_eq!(cost(&usage(None, None, Some(1)), Some(&PRICES)), None);
        assert_eq!(cost(&usage(Some(1), None, Some(1)), None), None);
    }

    #[test]
    fn the_providers_own_word_goes_before_the_prices() {
        let reported = Usage { cost_micro_usd: Some(77), ..usage(Some(1_000_000), None, Some(0)) };
        assert_eq!(cost(&reported, Some(&PRICES)), Some(MicroUsd(77)));
        assert_eq!(cost(&Usage { cost_micro_usd: Some(0), ..reported }, Some(&PRICES)), Some(MicroUsd(0)), "free");
        assert_eq!(cost(&Usage { cost_micro_usd: Some(77), ..Usage::default() }, None), Some(MicroUsd(77)));
    }
}
