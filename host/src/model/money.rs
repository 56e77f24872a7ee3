use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount of money in millionths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MicroUsd(pub u64);

/// From this amount on two decimals are shown: with four it would be rounded up to a dollar.
const TWO_DECIMALS_FROM: u64 = 999_950;
/// From this amount on four decimals are shown, below it six: small amounts need more to say anything.
const FOUR_DECIMALS_FROM: u64 = 10_000;

impl fmt::Display for MicroUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = |unit: u64| self.0 / unit + u64::from(self.0 % unit * 2 >= unit);
        match self.0 {
            0 => f.write_str("$0"),
            1..FOUR_DECIMALS_FROM => write!(f, "$0.{:06}", self.0),
            FOUR_DECIMALS_FROM..TWO_DECIMALS_FROM => write!(f, "$0.{:04}", rounded(100)),
            TWO_DECIMALS_FROM.. => write!(f, "${}.{:02}", rounded(10_000) / 100, rounded(10_000) % 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_with_as_many_decimals_as_say_something() {
        for (micro, shown) in [
            (0, "$0"),
            (1, "$0.000001"),
            (9_999, "$0.009999"),
            (10_000, "$0.0100"),
            (12_345, "$0.0123"),
            (12_350, "$0.0124"),
            (500_000, "$0.5000"),
            (999_940, "$0.9999"),
            (999_960, "$1.00"),
            (1_000_000, "$1.00"),
            (12_344_999, "$12.34"),
            (12_345_000, "$12.35"),
            (u64::MAX, "$18446744073709.55"),
        ] {
            assert_eq!(MicroUsd(micro).to_string(), shown, "{micro}");
        }
    }
}
