//! Looking for the number in flight to settle at: up while that gains, then down to the smallest that serves as well.

use super::curve::{Curve, Next, Range};
use super::window::{CLEAR, Estimate};

/// Answers that a first measurement takes.
const ANSWERS_FIRST: f64 = 16.0;
/// No step up is larger than this.
const UP_MAX: f64 = 2.0;
/// The first step up from a number that was settled at.
const UP_FIRST: f64 = 1.3;
/// By how much each step up is larger than the one before.
const UP_GROWTH: f64 = 1.15;
/// The first step down from a number that was settled at.
const DOWN_FIRST: f64 = 0.8;
/// No step down is larger than this.
const DOWN_MAX: f64 = 0.5;

/// A search.
#[derive(Clone, Debug)]
pub(super) struct Search {
    pub(super) curve: Curve,
    up: f64,
    down: f64,
    /// Whether all that is known is that more gains.
    pub(super) rising: bool,
}

/// What a search wants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// More answers at the same number.
    Wait,
    /// Answers at this number.
    Measure(usize),
    /// Nothing more: this is the number.
    Settle(usize),
}

impl Search {
    /// A search that knows nothing: by doubling.
    pub(super) fn begin() -> Self {
        Search { curve: Curve::default(), up: UP_MAX, down: DOWN_MAX, rising: true }
    }

    /// A search near a number that served well: by small steps first.
    pub(super) fn near() -> Self {
        Search { up: UP_FIRST, down: DOWN_FIRST, ..Search::begin() }
    }

    /// A search upwards, since more gained.
    pub(super) fn upwards(curve: Curve) -> Self {
        Search { curve, up: UP_FIRST, down: DOWN_FIRST, rising: true }
    }

    /// A search downwards, since less lost nothing.
    pub(super) fn downwards(curve: Curve) -> Self {
        Search { curve, up: 1.0, down: DOWN_FIRST, rising: false }
    }

    /// What comes after a batch at `level`; `max` is the most in flight, and whether the server complained above it.
    pub(super) fn step(&mut self, level: usize, estimate: &Estimate, min: usize, max: (usize, bool)) -> Step {
        if !self.is_enough(level, estimate) {
            return Step::Wait;
        }
        self.curve.insert(level, *estimate);
        self.onwards(min, max)
    }

    /// What comes next with what is known.
    pub(super) fn onwards(&mut self, min: usize, (max, is_ceiling): (usize, bool)) -> Step {
        let range = Range { min, max, is_ceiling, up: self.up, down: self.down };
        match self.curve.next(&range) {
            Next::Rise(next) => {
                if self.up > 1.0 {
                    self.up = (self.up * UP_GROWTH).min(UP_MAX);
                }
                self.rising = true;
                Step::Measure(next)
            }
            Next::Narrow(next) => {
                self.down = (self.down * DOWN_FIRST).max(DOWN_MAX);
                self.rising = false;
                Step::Measure(next)
            }
            Next::Settle(level) => Step::Settle(level),
        }
    }

    fn is_enough(&self, level: usize, estimate: &Estimate) -> bool {
        let Some((reference, decisive)) = self.curve.question(level) else {
            return estimate.answers >= ANSWERS_FIRST;
        };
        let (ratio, error) = estimate.ratio(&reference);
        let surer = estimate.error <= reference.error / 2.0;
        (ratio - decisive).abs() > error * CLEAR || surer || estimate.is_final()
    }
}
