//! What is known of throughput over the number in flight, and where to measure next.

use super::window::{CLEAR, Estimate};
use std::collections::BTreeMap;

/// Share of the best throughput that a number must keep: the smallest that does is the one to settle at.
pub(super) const KEEP: f64 = 0.985;
/// More in flight must gain at least this power of the ratio of the numbers: 4 % for a doubling.
const RISE_POWER: f64 = 0.06;
/// Two numbers nearer than this tell nothing about whether the curve still rises.
const SPAN_MIN: f64 = 1.4;
/// Numbers nearer than this are one number: no measurement tells them apart.
const STEP: f64 = 1.1;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Measure here: further up than ever.
    Rise(usize),
    /// Measure here: between or below numbers that are known.
    Narrow(usize),
    /// This is the one.
    Settle(usize),
}

/// How far to look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    /// The least number in flight.
    pub(super) min: usize,
    /// The most; below the number at which the server complained.
    pub(super) max: usize,
    /// Whether that most is such a number, so that steps towards it are to be careful.
    pub(super) is_ceiling: bool,
    /// By how much to go up at most.
    pub(super) up: f64,
    /// By how much to go down at most; below 1.
    pub(super) down: f64,
}

/// Measurements by number in flight.
#[derive(Clone, Debug, Default)]
pub(super) struct Curve {
    points: BTreeMap<usize, Estimate>,
    /// The best throughput that is known from before.
    pub(super) anchor: Option<f64>,
}

impl Curve {
    /// Adds a measurement; it is united with an earlier one at the same number that it does not contradict.
    pub(super) fn insert(&mut self, level: usize, estimate: Estimate) {
        let earlier = self.points.get(&level).filter(|earlier| earlier.agrees(&estimate));
        let united = earlier.map_or(estimate, |earlier| earlier.pooled(&estimate));
        self.points.insert(level, united);
    }

    pub(super) fn get(&self, level: usize) -> Option<&Estimate> {
        self.points.get(&level)
    }

    /// Forgets this number and those above.
    pub(super) fn forget_from(&mut self, level: usize) {
        self.points.split_off(&level);
    }

    /// The largest number that is known below this one.
    pub(super) fn below(&self, level: usize) -> Option<usize> {
        self.points.range(..level).next_back().map(|(level, _)| *level)
    }

    /// The number of the best throughput.
    fn best(&self) -> Option<usize> {
        let sure = |estimate: &Estimate| estimate.rate * (1.0 - estimate.error);
        let by_rate = |a: &(&usize, &Estimate), b: &(&usize, &Estimate)| sure(a.1).total_cmp(&sure(b.1));
        self.points.iter().max_by(by_rate).map(|(level, _)| *level)
    }

    /// The best throughput: of all numbers together that are as good as far as one can tell, since the best of several
    /// equals is the one whose noise was kindest.
    fn best_estimate(&self, but: Option<usize>) -> Option<Estimate> {
        let others = Curve { points: self.points.clone(), anchor: None };
        let best_level = others.best()?;
        let best = others.points[&best_level];
        // Below the best a number is rather worse, and above it rather as good.
        let is_equal = |level: usize, estimate: &Estimate| {
            let (ratio, error) = estimate.ratio(&best);
            (ratio - 1.0).abs() <= if level < best_level { error } else { error * CLEAR }
        };
        let equals =
            others.points.iter().filter(|(level, estimate)| Some(**level) != but && is_equal(**level, estimate));
        let pooled = equals.map(|(_, estimate)| *estimate).reduce(|a, b| a.pooled(&b)).unwrap_or(best);
        Some(Estimate { rate: pooled.rate.max(self.anchor.unwrap_or(0.0)), ..pooled })
    }

    /// The share of the best throughput that a number brings.
    pub(super) fn share(&self, level: usize) -> Option<f64> {
        Some(self.get(level)?.rate / self.best_estimate(None)?.rate)
    }

    /// What a measurement at this number is to be held against, and the ratio that decides.
    pub(super) fn question(&self, level: usize) -> Option<(Estimate, f64)> {
        let top = self.points.keys().next_back().copied()?;
        if level > top {
            let (reference, estimate) = self.reference(level).or_else(|| self.points.last_key_value())?;
            let ratio = (level as f64 / *reference as f64).powf(RISE_POWER);
            return Some((*estimate, ratio));
        }
        Some((self.best_estimate(Some(level))?, KEEP))
    }

    /// The nearest known number far enough below to compare with.
    fn reference(&self, level: usize) -> Option<(&usize, &Estimate)> {
        self.points.iter().rev().find(|(below, _)| **below as f64 * SPAN_MIN <= level as f64)
    }

    /// Whether more in flight gained until the top of what is known.
    fn rises(&self) -> bool {
        let Some((top, estimate)) = self.points.last_key_value() else { return false };
        let fell = self.best().is_some_and(|best| best < *top && estimate.is_below(&self.points[&best]));
        let gained = self.reference(*top).is_none_or(|(reference, below)| {
            estimate.rate / below.rate >= (*top as f64 / *reference as f64).powf(RISE_POWER)
        });
        gained && !fell
    }

    /// Where to measure next, or where to settle.
    pub(super) fn next(&self, range: &Range) -> Next {
        let (Some(top), Some(best)) = (self.points.keys().next_back().copied(), self.best()) else {
            return Next::Settle(range.min);
        };
        if top < range.max && range.up > 1.0 && self.rises() {
            return Next::Rise(range.above(top));
        }
        // Where throughput falls again above the best, the peak may lie between.
        if let Some((upper, estimate)) = self.points.range(best + 1..).next()
            && let Some(middle) = between(best, *upper)
        {
            let (ratio, _) = estimate.ratio(&self.points[&best]);
            if estimate.is_below(&self.points[&best]) {
                return Next::Narrow(middle);
            }
            if ratio < KEEP && !estimate.is_final() {
                return Next::Narrow(*upper);
            }
        }
        let Some(whole) = self.best_estimate(None) else { return Next::Settle(best) };
        if !self.points[&best].is_final() {
            return Next::Narrow(best);
        }
        // More in flight may be better still, as far as one can tell.
        for (level, estimate) in self.points.range(best + 1..) {
            let (ratio, error) = estimate.ratio(&whole);
            if !estimate.is_final() && ratio + error * CLEAR > KEEP.recip() {
                return Next::Narrow(*level);
            }
        }
        let mut good = best;
        for (level, estimate) in self.points.range(..best).rev() {
            let (ratio, error) = estimate.ratio(&whole);
            let unclear = !estimate.is_final() && (ratio - KEEP).abs() <= error * CLEAR;
            // To take a number for too small by mistake means to stay far above the one that is looked for.
            let hardly_worse = !estimate.is_sure() && ratio < KEEP && ratio + error >= KEEP;
            if unclear || hardly_worse {
                return Next::Narrow(*level);
            }
            if ratio < KEEP {
                return between(*level, good).map_or(Next::Settle(good), Next::Narrow);
            }
            good = *level;
        }
        if good > range.min { Next::Narrow(range.below(good)) } else { Next::Settle(good) }
    }

    /// What one slot more gains at this number, as a share of its throughput.
    pub(super) fn gain_per_slot(&self, level: usize) -> Option<f64> {
        let own = self.get(level)?;
        let (above, estimate) = self.points.range(level + 1..).next()?;
        Some((estimate.rate / own.rate - 1.0) / (above - level) as f64)
    }
}

impl Range {
    fn above(&self, top: usize) -> usize {
        // Half of the way to where the server complained, as each complaint costs calls.
        let careful = if self.is_ceiling { top + (self.max + 1 - top).div_ceil(2) } else { self.max };
        scaled(top, self.up).max(top + 1).min(careful).min(self.max)
    }

    fn below(&self, good: usize) -> usize {
        scaled(good, self.down).min(good - 1).max(self.min)
    }
}

/// A number between two that are far enough from each other.
fn between(low: usize, high: usize) -> Option<usize> {
    let far = high > low + 1 && high as f64 / low as f64 > STEP;
    far.then(|| scaled(low, (high as f64 / low as f64).sqrt()).clamp(low + 1, high - 1))
}

/// A number of slots times a factor.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "slots are few, and never negative")]
pub(super) fn scaled(level: usize, factor: f64) -> usize {
    (level as f64 * factor).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOUBLING: Range = Range { min: 1, max: 256, is_ceiling: false, up: 2.0, down: 0.5 };

    fn curve(points: &[(usize, f64)]) -> Curve {
        let mut curve = Curve::default();
        for (level, rate) in points {
            curve.insert(*level, Estimate { rate: *rate, error: 0.005, answers: 900.0, seconds: 60.0 });
        }
        curve
    }

    #[test]
    fn the_next_measurement_follows_from_what_is_known() {
        let ceiling = Range { max: 11, is_ceiling: true, ..DOUBLING };
        for (points, range, next, why) in [
            (&[(5, 5.0)][..], DOUBLING, Next::Rise(10), "nothing is known of more"),
            (&[(5, 5.0), (10, 10.0)], DOUBLING, Next::Rise(20), "it still rises"),
            (&[(5, 5.0), (10, 10.0)], Range { max: 16, ..DOUBLING }, Next::Rise(16), "not over the most"),
            (&[(6, 6.0)], ceiling, Next::Rise(9), "half of the way to where the server complained"),
            (&[(9, 9.0), (10, 10.0), (11, 11.0)], ceiling, Next::Settle(11), "next to it"),
            (&[(10, 10.0), (20, 12.0), (40, 12.0)], DOUBLING, Next::Narrow(14), "between too few and enough"),
            (&[(10, 10.0), (11, 11.0), (12, 12.0), (20, 12.0), (40, 12.0)], DOUBLING, Next::Settle(12), "the knee"),
            (&[(5, 1.0), (10, 1.0)], DOUBLING, Next::Narrow(3), "fewer may do"),
            (&[(1, 1.0), (2, 1.0), (4, 1.0)], DOUBLING, Next::Settle(1), "the least that is allowed"),
            (&[(10, 10.0), (20, 18.0), (40, 12.0)], DOUBLING, Next::Narrow(28), "the peak may be above"),
            (&[(20, 18.0), (22, 19.0), (25, 16.0)], DOUBLING, Next::Narrow(23), "the peak may be next to it"),
        ] {
            assert_eq!(curve(points).next(&range), next, "{why}");
        }
    }

    #[test]
    fn a_crude_measurement_is_repeated_where_it_decides() {
        let mut curve = curve(&[(10, 10.0), (40, 20.0), (80, 20.0)]);
        curve.insert(20, Estimate { rate: 19.5, error: 0.05, answers: 40.0, seconds: 2.0 });
        assert_eq!(curve.next(&DOUBLING), Next::Narrow(20));
    }

    #[test]
    fn what_one_slot_more_gains_is_a_share_of_the_throughput() {
        let gain = curve(&[(10, 10.0), (20, 12.0)]).gain_per_slot(10).expect("more is known");
        assert!((gain - 0.02).abs() < 1e-9, "{gain}");
        assert_eq!(curve(&[(10, 10.0)]).gain_per_slot(10), None);
    }
}
