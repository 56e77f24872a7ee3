use crate::model::{Allowance, RateReport};
use std::time::Duration;

/// What a provider tells of the server's rates among its extras, by the names that the SDK documents. What is no number
/// is left out, and so is a grant of nothing: nobody could ever be asked again by it. None where nothing is left.
pub(super) fn report(extras: &[(String, String)]) -> Option<Box<RateReport>> {
    let report = RateReport { requests: allowance(extras, "requests"), tokens: allowance(extras, "tokens") };
    (report != RateReport::default()).then(|| Box::new(report))
}

fn allowance(extras: &[(String, String)], what: &str) -> Allowance {
    let number = |part: &str| -> Option<u64> {
        let name = format!("rate-{what}-{part}");
        let (_, value) = extras.iter().find(|(known, _)| *known == name)?;
        value.parse().ok()
    };
    Allowance {
        limit: number("limit").filter(|limit| *limit > 0),
        remaining: number("remaining"),
        reset: number("reset-ms").map(Duration::from_millis),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extras(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_the_provider_tells_is_read() {
        let told = extras(&[
            ("rate-requests-limit", "500"),
            ("rate-requests-remaining", "0"),
            ("provider", "somebody"),
            ("rate-tokens-reset-ms", "1500"),
        ]);
        let expected = RateReport {
            requests: Allowance { limit: Some(500), remaining: Some(0), reset: None },
            tokens: Allowance { reset: Some(Duration::from_millis(1500)), ..Allowance::default() },
        };
        assert_eq!(report(&told), Some(Box::new(expected)));
    }

    #[test]
    fn nonsense_is_left_out() {
        for pairs in [
            &[][..],
            &[("provider", "somebody"), ("left-out", "seed")],
            &[("rate-requests-limit", "0")],
            &[("rate-requests-limit", "many"), ("rate-requests-remaining", "-1"), ("rate-tokens-limit", "1.5")],
            &[("rate-tokens-remaining", "99999999999999999999999999")],
            &[("rate-tokens-reset-ms", "")],
        ] {
            assert_eq!(report(&extras(pairs)), None, "{pairs:?}");
        }
        let endless = report(&extras(&[("rate-tokens-reset-ms", &u64::MAX.to_string())]));
        assert_eq!(endless.and_then(|report| report.tokens.reset), Some(Duration::from_millis(u64::MAX)));
    }
}
