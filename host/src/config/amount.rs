use super::ConfigError;
use super::value::Given;
use crate::model::MicroUsd;
use std::num::NonZeroU64;

/// Decimals of a dollar that a millionth of it has.
const MICRO: usize = 6;
/// Most money of a budget. Beyond it, it is a slip.
const BUDGET_MAX: MicroUsd = MicroUsd(1_000_000_000_000_000);
/// Most money for a million tokens: a dollar a token.
const PRICE_MAX: MicroUsd = MicroUsd(1_000_000_000_000);

impl Given {
    /// An amount of US dollars over 0, to the millionth.
    pub(super) fn budget(&self) -> Result<MicroUsd, ConfigError> {
        let text = self.text.trim();
        let lower = text.to_ascii_lowercase();
        let amount = text.strip_prefix('$').or_else(|| lower.strip_suffix("usd"));
        let money = amount.and_then(|amount| scaled(amount.trim(), MICRO)).map(MicroUsd);
        money.filter(|money| (MicroUsd(1)..=BUDGET_MAX).contains(money)).ok_or_else(|| {
            self.wrong(
                "US dollars over 0 and up to a billion, such as `5usd`, `0.50usd` or `$5`, with at most 6 decimals; no other \
                 currency is known",
            )
        })
    }

    /// US dollars for a million tokens, to the millionth; may be 0.
    pub(super) fn price(&self) -> Result<MicroUsd, ConfigError> {
        let price = scaled(self.text.trim(), MICRO).map(MicroUsd).filter(|price| *price <= PRICE_MAX);
        price.ok_or_else(|| {
            self.wrong("US dollars for a million tokens, from 0 to 1000000, such as `0.15`, with at most 6 decimals")
        })
    }

    /// A number of tokens over 0, with or without `k` or `M` behind it.
    pub(super) fn tokens(&self) -> Result<NonZeroU64, ConfigError> {
        let text = self.text.trim();
        let (number, decimals) = match text.as_bytes().last() {
            Some(b'k' | b'K') => (&text[..text.len() - 1], 3),
            Some(b'm' | b'M') => (&text[..text.len() - 1], 6),
            _ => (text, 0),
        };
        let tokens = scaled(number.trim_end(), decimals).and_then(NonZeroU64::new);
        tokens.ok_or_else(|| self.wrong("a whole number of tokens from 1, such as `2000000`, `2M` or `500k`"))
    }

    /// A share in whole percent, with or without the sign.
    pub(super) fn percent(&self) -> Result<u32, ConfigError> {
        let text = self.text.trim();
        let number = scaled(text.strip_suffix('%').unwrap_or(text).trim_end(), 0).filter(|number| *number <= 100);
        let percent = number.and_then(|number| u32::try_from(number).ok());
        percent.ok_or_else(|| self.wrong("a share from 0 to 100 in whole percent, such as `20%`"))
    }
}

/// A decimal number times ten to the power of `decimals`, exactly; none where it has more decimals than that, or is no
/// number of digits and at most one point.
fn scaled(text: &str, decimals: usize) -> Option<u64> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (text, ""),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = !text.is_empty() && is_digits(whole) && is_digits(fraction) && fraction.len() <= decimals;
    is_number.then(|| format!("{whole}{fraction:0<decimals$}")).and_then(|digits| digits.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    fn given(text: &str) -> Given {
        Given::new(text, Origin::Flag("--x".into()))
    }

    #[test]
    fn budgets_are_exact_dollars() {
        for (text, micro) in [
            ("5usd", 5_000_000),
            ("0.50usd", 500_000),
            ("$5", 5_000_000),
            (" $.25 ", 250_000),
            ("5 USD", 5_000_000),
            ("0.000001usd", 1),
            ("1000000000usd", 1_000_000_000_000_000),
        ] {
            assert_eq!(given(text).budget().expect(text), MicroUsd(micro), "{text}");
        }
        for text in [
            "",
            "5",
            "$",
            "usd",
            "5eur",
            "€5",
            "5 rub",
            "0usd",
            "$0.0000001",
            "-5usd",
            "$-5",
            "5.usd",
            "1e3usd",
            "5,5usd",
            "1000000000.000001usd",
            "$5usd",
            "$99999999999999999999",
        ] {
            assert!(given(text).budget().is_err(), "{text}");
        }
        let hint = given("5eur").budget().expect_err("no dollars").hint().expect("a hint");
        assert!(hint.contains("`5usd`") && hint.ends_with("no other currency is known"), "{hint}");
    }

    #[test]
    fn prices_are_exact_and_may_be_nothing() {
        for (text, micro) in [("0", 0), ("0.15", 150_000), ("0.0375", 37_500), ("1000000", 1_000_000_000_000)] {
            assert_eq!(given(text).price().expect(text), MicroUsd(micro), "{text}");
        }
        for text in ["", "-1", "0.0000001", "1000001", "$1", "free", "NaN", "inf"] {
            assert!(given(text).price().is_err(), "{text}");
        }
    }

    #[test]
    fn tokens_are_counted_in_thousands_and_millions_too() {
        for (text, tokens) in [
            ("1", 1),
            ("2000000", 2_000_000),
            ("2M", 2_000_000),
            ("500k", 500_000),
            ("1.5m", 1_500_000),
            ("0.001K", 1),
            ("3 k", 3_000),
        ] {
            assert_eq!(given(text).tokens().expect(text).get(), tokens, "{text}");
        }
        for text in ["", "0", "0k", "k", "1.5", "1.0005k", "2G", "2MM", "-1", "много", "99999999999999999999"] {
            assert!(given(text).tokens().is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_whole_percent() {
        for (text, percent) in [("20%", 20), ("20", 20), ("0", 0), ("100 %", 100)] {
            assert_eq!(given(text).percent().expect(text), percent, "{text}");
        }
        for text in ["", "%", "101", "-1%", "0.2", "20%%", "a fifth"] {
            assert!(given(text).percent().is_err(), "{text}");
        }
    }
}
