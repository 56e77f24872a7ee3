//! What one number in flight brings: answers a second, and how sure that is.

use super::curve::KEEP;
use super::{Ended, Ending};
use std::time::Duration;

/// Answers in a batch at least. A batch holds whole generations besides (each slot once), so that calls which end in
/// waves are counted in whole waves.
const BATCH_ANSWERS_MIN: usize = 8;
/// Share of a batch's calls that may end with free slots, or without saying anything, before it counts for nothing.
const STRAYS_MAX: f64 = 0.1;
/// Share of the limit in flight from which it is used up.
const USED_UP: f64 = 0.9;
/// Latencies that the memory of them holds, so to speak: older ones fade.
const LATENCIES_KEPT: f64 = 64.0;
/// A measurement need not be surer than this.
const SURE: f64 = 0.01;
/// A search need not be surer than this where being surer takes long.
const PRECISE: f64 = 0.02;
/// What is long, in seconds.
const PRECISE_AFTER_S: f64 = 30.0;
/// Answers after which a measurement ends, however unsure it is.
const ANSWERS_MAX: f64 = 1500.0;
/// Standard errors between a measurement and what decides on it.
pub(super) const CLEAR: f64 = 2.0;
/// An error is never told as smaller: no server is that steady.
const ERROR_MIN: f64 = 0.001;
/// Batches that are kept apart. Then they are united by twos: the longer they are, the less do calls that reach over
/// their ends blur them.
const BATCHES_MAX: usize = 16;
/// Batches from which their spread tells their noise.
const BATCHES_FOR_SPREAD: f64 = 4.0;

/// Answers a second at one number in flight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    /// Answers a second.
    pub(super) rate: f64,
    /// Its standard error, as a share of the rate.
    pub(super) error: f64,
    /// Answers counted.
    pub(super) answers: f64,
    /// How long that took.
    pub(super) seconds: f64,
}

impl Estimate {
    /// Whether a search measures no longer.
    pub(super) fn is_final(&self) -> bool {
        let good_enough = self.error <= PRECISE && self.seconds >= PRECISE_AFTER_S;
        self.is_sure() || good_enough || self.answers >= ANSWERS_MAX
    }

    /// Whether a probe measures no longer: it must be surer, and has time.
    pub(super) fn is_sure(&self) -> bool {
        self.error <= SURE || self.answers >= ANSWERS_MAX * 2.0
    }

    /// Whether two measurements may be of the same rate.
    pub(super) fn agrees(&self, other: &Estimate) -> bool {
        let (ratio, error) = self.ratio(other);
        (ratio - 1.0).abs() <= error * CLEAR
    }

    /// Whether this rate is clearly lower than another, by more than what may be lost.
    pub(super) fn is_below(&self, other: &Estimate) -> bool {
        let (ratio, error) = self.ratio(other);
        ratio + error * CLEAR < KEEP
    }

    /// How this rate stands to another, with the error of that.
    pub(super) fn ratio(&self, other: &Estimate) -> (f64, f64) {
        (self.rate / other.rate, self.error.hypot(other.error))
    }

    /// Two measures of the same, as one.
    pub(super) fn pooled(&self, other: &Estimate) -> Estimate {
        let (own, theirs) = (self.error.max(1e-6).powi(-2), other.error.max(1e-6).powi(-2));
        let rate = (self.rate * own + other.rate * theirs) / (own + theirs);
        let (answers, seconds) = (self.answers + other.answers, self.seconds + other.seconds);
        Estimate { rate, error: (own + theirs).powf(-0.5), answers, seconds }
    }
}

/// How long calls take. Kept over changes of the limit, since it says how long a change takes to settle.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Latencies {
    sum: f64,
    squares: f64,
}

impl Latencies {
    fn add(&mut self, latency: f64) {
        let kept = 1.0 - LATENCIES_KEPT.recip();
        self.sum = self.sum * kept + latency;
        self.squares = self.squares * kept + latency * latency;
    }

    /// The latency of the call that a slot is found at, in seconds: long ones are found more often. After this time
    /// short and long ones are mixed again as they always are.
    pub(super) fn mixing_s(&self) -> f64 {
        if self.sum > 0.0 { self.squares / self.sum } else { 0.0 }
    }
}

/// A measurement at one number in flight. What began before the change to it is not counted.
#[derive(Clone, Debug)]
pub(super) struct Window {
    level: usize,
    settle: usize,
    changed_s: f64,
    settled: bool,
    batch: Batch,
    /// Answers and seconds of each batch, or of as many together as `united` says; the last may lack some.
    batches: Vec<(f64, f64)>,
    united: usize,
    /// Batches in the last of `batches`.
    last: usize,
    latency: f64,
    latency_squared: f64,
}

/// What is counted until the next whole generation.
#[derive(Clone, Copy, Debug, Default)]
struct Batch {
    from_s: f64,
    answered: usize,
    strays: usize,
    latency: f64,
    latency_squared: f64,
}

impl Window {
    /// A measurement at `level`, to which the limit is changed now from `before`.
    pub(super) fn new(level: usize, before: usize, at: Duration) -> Self {
        Window {
            level,
            settle: level.max(before),
            changed_s: at.as_secs_f64(),
            settled: false,
            batch: Batch::default(),
            batches: Vec::with_capacity(BATCHES_MAX),
            united: 1,
            last: 1,
            latency: 0.0,
            latency_squared: 0.0,
        }
    }

    /// Counts a call; whether a batch came to its end with it.
    pub(super) fn add(&mut self, ended: &Ended, latencies: &mut Latencies) -> bool {
        let (at_s, latency_s) = (ended.at.as_secs_f64(), ended.latency.as_secs_f64());
        let answered = ended.ending == Ending::Answered;
        if answered {
            latencies.add(latency_s);
        }
        let idle = (ended.in_flight as f64) < self.level as f64 * USED_UP;
        self.batch.strays += usize::from(!answered || idle);
        self.batch.answered += usize::from(answered);
        if !self.settled {
            let mixed = at_s - self.changed_s >= latencies.mixing_s();
            if self.batch.answered >= self.settle && mixed {
                self.settled = true;
                self.batch = Batch { from_s: at_s, ..Batch::default() };
            }
            return false;
        }
        if answered {
            self.batch.latency += latency_s;
            self.batch.latency_squared += latency_s * latency_s;
        }
        let whole = self.batch.answered >= BATCH_ANSWERS_MIN && self.batch.answered.is_multiple_of(self.level);
        let mixed = at_s - self.batch.from_s >= latencies.mixing_s();
        if !(answered && whole && mixed) {
            return false;
        }
        let batch = std::mem::replace(&mut self.batch, Batch { from_s: at_s, ..Batch::default() });
        let counts = (batch.strays as f64) <= batch.answered as f64 * STRAYS_MAX;
        if counts {
            self.close(&batch, at_s);
        }
        counts
    }

    fn close(&mut self, batch: &Batch, at_s: f64) {
        let (answers, seconds) = (batch.answered as f64, (at_s - batch.from_s).max(1e-6));
        match self.batches.last_mut() {
            Some(last) if self.last < self.united => {
                *last = (last.0 + answers, last.1 + seconds);
                self.last += 1;
            }
            _ => {
                if self.batches.len() == BATCHES_MAX {
                    let twos = self.batches.chunks(2).map(|two| (two[0].0 + two[1].0, two[0].1 + two[1].1));
                    self.batches = twos.collect();
                    self.united *= 2;
                }
                self.batches.push((answers, seconds));
                self.last = 1;
            }
        }
        self.latency += batch.latency;
        self.latency_squared += batch.latency_squared;
    }

    /// What was measured so far; none before the first batch.
    pub(super) fn estimate(&self) -> Option<Estimate> {
        let answers: f64 = self.batches.iter().map(|(answers, _)| answers).sum();
        let seconds: f64 = self.batches.iter().map(|(_, seconds)| seconds).sum();
        if answers < 1.0 {
            return None;
        }
        let mean = self.latency / answers;
        let variance = (self.latency_squared / answers / (mean * mean) - 1.0).max(0.0);
        let of_latencies = (variance / answers).sqrt();
        let error = match self.of_batches(seconds / answers) {
            Some(of_batches) => of_latencies.max(of_batches).max(ERROR_MIN),
            None => (of_latencies * 2.0).max(0.5 / answers.sqrt()),
        };
        Some(Estimate { rate: answers / seconds, error, answers, seconds })
    }

    /// The standard error as the batches differ: where calls queue, they last more alike than the work that they wait
    /// for. None for too few batches.
    fn of_batches(&self, pace: f64) -> Option<f64> {
        let whole = self.batches.len() - usize::from(self.last < self.united);
        let number = whole as f64;
        let squares = self.batches[..whole].iter().map(|(answers, seconds)| {
            let off = seconds / answers / pace - 1.0;
            off * off
        });
        let variance = squares.sum::<f64>() / number;
        // The spread of few is known badly, and more often too small.
        (number >= BATCHES_FOR_SPREAD).then(|| (variance / number).sqrt() * number / (number - 1.5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(at_s: f64, latency_s: f64, in_flight: usize) -> Ended {
        let (at, latency) = (Duration::from_secs_f64(at_s), Duration::from_secs_f64(latency_s));
        Ended { at, latency, in_flight, ending: Ending::Answered }
    }

    #[test]
    fn waves_are_counted_in_whole_waves() {
        let (mut window, mut latencies) = (Window::new(5, 5, Duration::ZERO), Latencies::default());
        for wave in 1..=40 {
            for _ in 0..5 {
                window.add(&ended(f64::from(wave), 1.0, 5), &mut latencies);
            }
            if let Some(estimate) = window.estimate() {
                assert!((estimate.rate - 5.0).abs() < 0.01, "{estimate:?} after {wave} waves");
            }
        }
        let estimate = window.estimate().expect("forty waves");
        assert!(estimate.is_sure(), "{estimate:?}");
    }

    #[test]
    fn what_began_before_the_change_is_not_counted() {
        let (mut window, mut latencies) = (Window::new(10, 20, Duration::ZERO), Latencies::default());
        // Twenty that began before come at once, and then ten a second.
        for _ in 0..20 {
            assert!(!window.add(&ended(1.0, 1.0, 20), &mut latencies));
        }
        for number in 1..=100 {
            window.add(&ended(1.0 + f64::from(number) / 10.0, 1.0, 10), &mut latencies);
        }
        let estimate = window.estimate().expect("a hundred answers");
        assert!((estimate.rate - 10.0).abs() < 0.01, "{estimate:?}");
    }

    #[test]
    fn the_error_is_about_that_of_the_rate() {
        let mut off = Vec::new();
        for seed in 0..60 {
            let mut chance = fastrand::Rng::with_seed(seed);
            let (mut window, mut latencies) = (Window::new(1, 1, Duration::ZERO), Latencies::default());
            let mut at_s = 0.0;
            for _ in 0..500 {
                // An exponential latency of one second.
                let latency_s = -(1.0 - chance.f64()).ln();
                at_s += latency_s;
                window.add(&ended(at_s, latency_s, 1), &mut latencies);
            }
            let estimate = window.estimate().expect("five hundred answers");
            off.push(((estimate.rate - 1.0) / estimate.error).powi(2));
        }
        let spread = (off.iter().sum::<f64>() / off.len() as f64).sqrt();
        assert!((0.5..1.5).contains(&spread), "the rates are off by {spread} of what is told");
    }
}
