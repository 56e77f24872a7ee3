//! Settled: is this number still the best? A few more or less for a moment, held against the settled number before
//! and after, so that a server that changes by itself does not pass for the effect of the probe.

use super::curve::{Curve, KEEP, scaled};
use super::search::Search;
use super::window::{CLEAR, Estimate};
use std::time::Duration;

/// How far a probe goes, as a share of the settled number; one at least.
const PROBE: f64 = 0.1;
/// Share of what it would gain by proportion that a probe upwards must gain, to be worth a search.
const GAIN_MIN: f64 = 0.35;
/// By how much a probe that finds nothing new puts the next one off.
const SPACING_GROWTH: f64 = 1.5;
/// Latencies between the first probes.
const SPACING_FIRST: f64 = 8.0;
/// Latencies between probes at most.
const SPACING_MAX: f64 = 256.0;
/// The longest time between probes, in seconds.
const SPACING_S_MAX: f64 = 300.0;
/// Difference of two measurements at one number, beyond their errors, that is the server's own doing.
const UNSTEADY: f64 = 0.02;
/// Standard errors that such a difference must exceed besides.
const UNSTEADY_ERRORS: f64 = 3.0;

/// A number that was found to serve well, and the probing of it.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    /// The number.
    pub(super) base: usize,
    /// What one slot more gained.
    pub(super) gain_per_slot: Option<f64>,
    /// The share of the best throughput that it brings.
    share: f64,
    spacing: f64,
    next_s: f64,
    upwards: bool,
    stage: Stage,
    /// The throughput here, as it was measured last.
    known: Option<Estimate>,
    /// What the probes downwards and upwards brought so far, as a share of the throughput here.
    found: [Option<Estimate>; 2],
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Waiting,
    Before,
    During { before: Estimate },
    After { before: Estimate, during: Estimate },
}

/// When a batch ended, and how far a probe may go then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Since the run began.
    pub(super) at: Duration,
    /// What a latency is, in seconds.
    pub(super) latency_s: f64,
    /// The least number in flight.
    pub(super) min: usize,
    /// The most.
    pub(super) max: usize,
}

/// What comes after a batch.
#[derive(Clone, Debug)]
pub(super) enum Probing {
    /// More answers at the same number.
    Wait,
    /// Answers at this number.
    Measure(usize),
    /// The number is no longer the best.
    Changed(Search),
}

impl Settled {
    /// Settled at `base`, by what a search found.
    pub(super) fn new(base: usize, curve: &Curve) -> Self {
        Settled {
            base,
            gain_per_slot: curve.gain_per_slot(base),
            share: curve.share(base).unwrap_or(1.0).clamp(KEEP, 1.0),
            spacing: SPACING_FIRST,
            next_s: 0.0,
            upwards: false,
            stage: Stage::Waiting,
            known: curve.get(base).copied(),
            found: [None; 2],
        }
    }

    /// Rests at the settled number for now: after a search, a probe, or a complaint during one.
    pub(super) fn rest(&mut self, at: Duration, latency_s: f64) {
        self.stage = Stage::Waiting;
        self.next_s = at.as_secs_f64() + (self.spacing * latency_s).min(SPACING_S_MAX);
        self.spacing = (self.spacing * SPACING_GROWTH).min(SPACING_MAX);
    }

    /// Whether another number than the settled one is being probed, and whether that is larger.
    pub(super) fn probes_upwards(&self) -> Option<bool> {
        matches!(self.stage, Stage::During { .. }).then_some(self.upwards)
    }

    /// What comes after a batch.
    pub(super) fn step(&mut self, estimate: &Estimate, moment: &Moment) -> Probing {
        match self.stage {
            Stage::Waiting => self.wait(estimate, moment),
            Stage::Before if estimate.is_sure() => match self.target(moment) {
                Some(target) => {
                    self.stage = Stage::During { before: *estimate };
                    Probing::Measure(target)
                }
                None => self.give_up(moment),
            },
            Stage::During { before } if estimate.is_sure() || self.is_clear(&before, estimate, moment) => {
                self.stage = Stage::After { before, during: *estimate };
                Probing::Measure(self.base)
            }
            Stage::After { before, during } if estimate.is_sure() => self.conclude(&before, &during, estimate, moment),
            _ => Probing::Wait,
        }
    }

    fn wait(&mut self, estimate: &Estimate, moment: &Moment) -> Probing {
        if let Some(rose) = self.change(estimate) {
            self.upwards = rose;
            self.spacing = SPACING_FIRST;
        } else if moment.at.as_secs_f64() < self.next_s {
            // A measurement that went on for ever would see no change.
            return if estimate.is_sure() { Probing::Measure(self.base) } else { Probing::Wait };
        }
        if self.target(moment).is_none() {
            self.upwards = !self.upwards;
        }
        if self.target(moment).is_none() {
            return self.give_up(moment);
        }
        self.stage = Stage::Before;
        Probing::Measure(self.base)
    }

    fn give_up(&mut self, moment: &Moment) -> Probing {
        self.rest(moment.at, moment.latency_s);
        Probing::Wait
    }

    /// Whether the server has changed by itself, and to the better: worth a probe at once.
    fn change(&mut self, estimate: &Estimate) -> Option<bool> {
        if !estimate.is_final() {
            return None;
        }
        let known = *self.known.get_or_insert(*estimate);
        if is_steady(estimate, &known) {
            return None;
        }
        self.known = Some(*estimate);
        Some(estimate.rate > known.rate)
    }

    fn conclude(&mut self, before: &Estimate, during: &Estimate, after: &Estimate, moment: &Moment) -> Probing {
        let (base, upwards, target) = (before.pooled(after), self.upwards, self.target(moment));
        self.upwards = !self.upwards;
        let Some(target) = target.filter(|_| is_steady(after, before)) else {
            self.spacing = SPACING_FIRST;
            return self.give_up(moment);
        };
        let (ratio, error) = self.found(upwards, during, &base);
        let is_better = ratio - error >= self.decisive(upwards, target);
        if upwards {
            self.gain_per_slot = Some((ratio - 1.0) / (target - self.base) as f64);
        }
        if !is_better {
            return self.give_up(moment);
        }
        let mut curve = Curve::default();
        curve.insert(self.base, base);
        curve.insert(target, *during);
        if upwards {
            return Probing::Changed(Search::upwards(curve));
        }
        // Otherwise many small steps, each of which loses next to nothing, would lose a lot.
        curve.anchor = Some(base.rate / self.share);
        Probing::Changed(Search::downwards(curve))
    }

    /// The ratio of a probe's throughput to that here, by this probe and those before, with its error.
    fn found(&mut self, upwards: bool, during: &Estimate, base: &Estimate) -> (f64, f64) {
        let (rate, error) = during.ratio(base);
        let now = Estimate { rate, error, ..*during };
        let found = &mut self.found[usize::from(upwards)];
        // What contradicts it is of another time.
        let all = found.filter(|before| before.agrees(&now)).map_or(now, |before| before.pooled(&now));
        *found = Some(all);
        (all.rate, all.error)
    }

    /// Where the next probe goes; none where there is no room.
    fn target(&self, moment: &Moment) -> Option<usize> {
        let step = scaled(self.base, PROBE).max(1);
        if self.upwards {
            Some((self.base + step).min(moment.max)).filter(|target| *target > self.base)
        } else {
            Some(self.base.saturating_sub(step).max(moment.min)).filter(|target| *target < self.base)
        }
    }

    /// The ratio of the probe's throughput to the settled one from which the probe's number is better.
    fn decisive(&self, upwards: bool, target: usize) -> f64 {
        if upwards { 1.0 + GAIN_MIN * (target as f64 / self.base as f64 - 1.0) } else { KEEP / self.share }
    }

    fn is_clear(&self, before: &Estimate, during: &Estimate, moment: &Moment) -> bool {
        self.target(moment).is_none_or(|target| {
            let (ratio, error) = during.ratio(before);
            (ratio - self.decisive(self.upwards, target)).abs() > error * CLEAR
        })
    }
}

/// Whether two measurements at one number differ by no more than chance.
fn is_steady(one: &Estimate, other: &Estimate) -> bool {
    let (ratio, error) = one.ratio(other);
    (ratio - 1.0).abs() <= error * UNSTEADY_ERRORS + UNSTEADY
}
