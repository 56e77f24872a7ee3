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
/// Latencies between the first probes; doubled with each that finds nothing new.
const SPACING_FIRST: f64 = 8.0;
/// Latencies between probes at most.
const SPACING_MAX: f64 = 256.0;
/// The longest time between probes, in seconds.
const SPACING_S_MAX: f64 = 300.0;
/// Difference of the measurements before and after, beyond their errors, that voids a probe.
const UNSTEADY: f64 = 0.02;

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
    /// What the probes upwards and downwards brought so far, as a share of the throughput here.
    found: [Option<Estimate>; 2],
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Waiting,
    Before,
    During { before: Estimate },
    After { before: Estimate, during: Estimate },
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
            upwards: true,
            stage: Stage::Waiting,
            known: curve.get(base).copied(),
            found: [None; 2],
        }
    }

    /// Rests at the settled number for now: after a search, a probe, or a complaint during one.
    pub(super) fn rest(&mut self, at: Duration, mixing_s: f64) {
        self.stage = Stage::Waiting;
        self.next_s = at.as_secs_f64() + (self.spacing * mixing_s).min(SPACING_S_MAX);
        self.spacing = (self.spacing * 2.0).min(SPACING_MAX);
    }

    /// Whether a probe is under way at another number than the settled one.
    pub(super) fn is_probing(&self) -> Option<bool> {
        matches!(self.stage, Stage::During { .. }).then_some(self.upwards)
    }

    /// What comes after a batch; `max` is the most in flight.
    pub(super) fn step(&mut self, estimate: &Estimate, at: Duration, mixing_s: f64, min: usize, max: usize) -> Probing {
        let full = estimate.is_sure();
        match self.stage {
            Stage::Waiting => {
                let changed = self.changes(estimate);
                if let Some(rose) = changed {
                    self.upwards = rose;
                    self.spacing = SPACING_FIRST;
                } else if at.as_secs_f64() < self.next_s {
                    return if full { Probing::Measure(self.base) } else { Probing::Wait };
                }
                if self.target(min, max).is_none() {
                    self.upwards = !self.upwards;
                }
                if self.target(min, max).is_none() {
                    self.rest(at, mixing_s);
                    return Probing::Wait;
                }
                self.stage = Stage::Before;
                Probing::Measure(self.base)
            }
            Stage::Before if full => {
                let Some(target) = self.target(min, max) else {
                    self.rest(at, mixing_s);
                    return Probing::Wait;
                };
                self.stage = Stage::During { before: *estimate };
                Probing::Measure(target)
            }
            Stage::During { before } if full || self.is_clear(&before, estimate, min, max) => {
                self.stage = Stage::After { before, during: *estimate };
                Probing::Measure(self.base)
            }
            Stage::After { before, during } if full => self.conclude(&before, &during, estimate, at, mixing_s, min, max),
            _ => Probing::Wait,
        }
    }

    /// Whether the server has changed by itself, and to the better: it is worth a probe at once.
    fn changes(&mut self, estimate: &Estimate) -> Option<bool> {
        let Some(known) = self.known.filter(|_| estimate.is_final()) else {
            self.known = self.known.or(Some(*estimate).filter(Estimate::is_final));
            return None;
        };
        let (ratio, error) = estimate.ratio(&known);
        let changed = (ratio - 1.0).abs() > error * 3.0 + UNSTEADY;
        if changed {
            self.known = Some(*estimate);
        }
        changed.then_some(ratio > 1.0)
    }

    fn conclude(
        &mut self,
        before: &Estimate,
        during: &Estimate,
        after: &Estimate,
        at: Duration,
        mixing_s: f64,
        min: usize,
        max: usize,
    ) -> Probing {
        let (steady, error) = after.ratio(before);
        let (base, upwards, target) = (before.pooled(after), self.upwards, self.target(min, max));
        self.upwards = !self.upwards;
        let Some(target) = target.filter(|_| (steady - 1.0).abs() <= error * 3.0 + UNSTEADY) else {
            self.spacing = SPACING_FIRST;
            self.rest(at, mixing_s);
            return Probing::Wait;
        };
        let (ratio, error) = self.found(upwards, during, &base);
        let decisive = self.decisive(upwards, target);
        let mut curve = Curve::default();
        curve.insert(self.base, base);
        curve.insert(target, *during);
        if upwards {
            self.gain_per_slot = Some((ratio - 1.0) / (target - self.base) as f64);
            if ratio - error >= decisive {
                return Probing::Changed(Search::upwards(curve));
            }
        } else if ratio - error >= decisive {
            curve.anchor = Some(base.rate / self.share);
            return Probing::Changed(Search::downwards(curve));
        }
        self.rest(at, mixing_s);
        Probing::Wait
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
    fn target(&self, min: usize, max: usize) -> Option<usize> {
        let step = scaled(self.base, PROBE).max(1);
        if self.upwards {
            Some((self.base + step).min(max)).filter(|target| *target > self.base)
        } else {
            Some(self.base.saturating_sub(step).max(min)).filter(|target| *target < self.base)
        }
    }

    /// The ratio of the probe's throughput to the settled one that decides.
    fn decisive(&self, upwards: bool, target: usize) -> f64 {
        if upwards { 1.0 + GAIN_MIN * (target as f64 / self.base as f64 - 1.0) } else { KEEP / self.share }
    }

    fn is_clear(&self, before: &Estimate, during: &Estimate, min: usize, max: usize) -> bool {
        let Some(target) = self.target(min, max) else { return true };
        let (ratio, error) = during.ratio(before);
        (ratio - self.decisive(self.upwards, target)).abs() > error * CLEAR
    }
}
