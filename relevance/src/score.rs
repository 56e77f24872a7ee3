//! The formula. BM25 with one multiplication less: a word's part lies between 0 and its idf.

/// How slowly repetition saturates. Clusters are several texts on one subject, so a word that comes back in them says
/// more than it would in prose, and this is above the usual 1.2 to 2; measured on the example data's unused texts.
const SATURATION: f32 = 3.0;

/// How much a longer document must repeat a word to count the same, from 0 (length is ignored) to 1.
const LENGTH_NORM: f32 = 0.5;

/// How much a word tells that `containing` of `documents` contain: near 0 for a word in all of them, never negative.
/// The same bits on every machine.
pub fn idf(documents: usize, containing: usize) -> f32 {
    let rest = documents.saturating_sub(containing) as f64;
    #[expect(clippy::cast_possible_truncation, reason = "the ranking needs no more than single precision")]
    let idf = ln(1.0 + (rest + 0.5) / (containing as f64 + 0.5)) as f32;
    idf
}

/// Which share of a word's idf a document earns that has it `frequency` times (weighted): 0 to 1, 1 excluded.
/// Frequencies and lengths are in words.
pub(crate) fn earned(frequency: f32, length: f32, length_mean: f32) -> f32 {
    let relative = if length_mean > 0.0 { length / length_mean } else { 1.0 };
    frequency / (frequency + SATURATION * (1.0 - LENGTH_NORM + LENGTH_NORM * relative))
}

/// [`earned`] among documents of one mean length, with what all of them share worked out beforehand. Frequencies and
/// lengths are in a unit of which so many are a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares {
    /// What stands beside a frequency whatever the length, and what a unit of length adds to it.
    base: f32,
    by_length: f32,
}

impl Shares {
    pub(crate) fn new(length_mean: f32, units_per_word: f32) -> Self {
        let [even, by_length] = [1.0 - LENGTH_NORM, LENGTH_NORM].map(|part| SATURATION * part * units_per_word);
        if length_mean > 0.0 {
            Shares { base: even, by_length: by_length / length_mean }
        } else {
            Shares { base: even + by_length, by_length: 0.0 }
        }
    }

    /// What stands beside the frequency in a document of this length.
    pub(crate) fn allowance(self, length: f32) -> f32 {
        self.base + self.by_length * length
    }

    /// The share by the document's allowance.
    pub(crate) fn earned(frequency: f32, allowance: f32) -> f32 {
        frequency / (frequency + allowance)
    }

    /// What no document can earn more than, but for rounding, that has the word at most so often, and at most so often
    /// for its length.
    pub(crate) fn earned_max(self, frequency_max: f32, density_max: f32) -> f32 {
        1.0 / (1.0 + self.base / frequency_max + self.by_length / density_max)
    }
}

/// The natural logarithm of a number from 1 on. Written out because the platform's own may differ in the last bit
/// from one system to the next, and ranks must not.
fn ln(x: f64) -> f64 {
    // x = m * 2^e with m in 0.75..1.5; ln m = 2 artanh((m - 1) / (m + 1)), whose series converges fast there.
    let mut mantissa = x;
    let mut exponent = 0.0;
    while mantissa >= 1.5 {
        mantissa /= 2.0;
        exponent += 1.0;
    }
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let mut power = t;
    let mut sum = 0.0;
    for odd in (1..30).step_by(2) {
        sum += power / f64::from(odd);
        power *= t * t;
    }
    exponent * std::f64::consts::LN_2 + 2.0 * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_agrees_with_the_platform_to_twelve_digits() {
        for x in [1.0, 1.000_001, 1.2, 1.499_999, 1.5, 2.0, 3.0, 77.0, 155.0, 1e6, 1e15] {
            assert!((ln(x) - f64::ln(x)).abs() <= 1e-12 * f64::ln(x).max(1e-3), "{x}");
        }
    }

    #[test]
    fn rare_words_tell_more() {
        assert!(idf(77, 1) > idf(77, 10));
        assert!(idf(77, 10) > idf(77, 77));
        assert!(idf(77, 77) > 0.0);
        assert!(idf(0, 0) > 0.0, "an empty index divides by nothing");
    }

    #[test]
    fn repetition_saturates_and_length_dilutes() {
        assert!(earned(2.0, 10.0, 10.0) > earned(1.0, 10.0, 10.0));
        assert!(earned(2.0, 10.0, 10.0) < 2.0 * earned(1.0, 10.0, 10.0));
        assert!(earned(1.0, 20.0, 10.0) < earned(1.0, 10.0, 10.0));
        assert!(earned(1e6, 1e6, 10.0) < 1.0);
    }

    #[test]
    fn shares_are_the_formula_in_other_units_and_stay_below_their_bound() {
        for length_mean in [0.0, 0.5, 10.0, 1e4] {
            let shares = Shares::new(length_mean * 1000.0, 1000.0);
            for (frequency, length) in [(1.0, 1.0), (1.0, 10.0), (3.0, 10.0), (0.1, 1e4), (1e4, 1e4)] {
                let share = Shares::earned(frequency * 1000.0, shares.allowance(length * 1000.0));
                assert!((share / earned(frequency, length, length_mean) - 1.0).abs() < 1e-5, "{frequency} of {length}");
                for more in [1.0, 2.0] {
                    let max = shares.earned_max(frequency * 1000.0 * more, frequency / length * more);
                    assert!(max >= share * 0.999_999, "{frequency} of {length}, mean {length_mean}");
                    assert!(more > 1.0 || max <= share * 1.000_001, "the bound is reached where a document has both");
                }
            }
        }
    }
}
