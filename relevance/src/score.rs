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
}
