//! When the server complains: how many complaints are too many, and where they began.

use super::{Ended, Ending, Pressure};
use std::collections::VecDeque;
use std::time::Duration;

/// Calls that are looked at, at least; else as many as are in flight.
const RECENT_MIN: usize = 40;
/// Calls that are looked at, at most.
const RECENT_MAX: usize = 4096;
/// Share of the calls looked at that must be complaints: hosted APIs refuse a call now and then at any load.
const COMPLAINTS_SHARE: f64 = 0.15;
/// How many refusals a call that was not answered in time weighs: it is rarer, and took a slot for long.
const TIMEOUT_WEIGHT: usize = 2;
/// How long a number is avoided at which the server complained; doubled with each time.
const AVOIDED: Duration = Duration::from_mins(1);
/// The same where its memory ran out: that costs all calls in flight, and often a restart.
const AVOIDED_OUT_OF_MEMORY: Duration = Duration::from_mins(10);
/// The longest that a number is avoided.
const AVOIDED_MAX: Duration = Duration::from_hours(1);

#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Duration,
    latency: Duration,
    /// 0 for an answer.
    weight: usize,
}

/// The calls of late, and how many of them the server complained of.
#[derive(Clone, Debug, Default)]
pub(super) struct Complaints {
    recent: VecDeque<Seen>,
    /// Calls that began before say nothing on the number in flight now; none until it has sunk to that number.
    since: Option<Duration>,
}

impl Complaints {
    /// What is to be heeded from the beginning.
    pub(super) fn new() -> Self {
        Complaints { recent: VecDeque::new(), since: Some(Duration::ZERO) }
    }

    /// Begins anew, after a cut.
    pub(super) fn clear(&mut self) {
        self.recent.clear();
        self.since = None;
    }

    /// Takes in a call; the complaint, where there were too many.
    pub(super) fn add(&mut self, ended: &Ended, level: usize) -> Option<Pressure> {
        let pressure = match ended.ending {
            Ending::Answered => None,
            Ending::Overloaded { .. } => Some(Pressure::Overload),
            Ending::OutOfMemory => Some(Pressure::OutOfMemory),
            Ending::TimedOut => Some(Pressure::Timeouts),
            Ending::Other => return None,
        };
        if self.since.is_none() && ended.in_flight <= level {
            self.since = Some(ended.at);
        }
        if self.since.is_none_or(|since| ended.at.saturating_sub(ended.latency) < since) {
            return None;
        }
        let looked_at = level.clamp(RECENT_MIN, RECENT_MAX);
        let weight = match pressure {
            None => 0,
            Some(Pressure::Timeouts) => TIMEOUT_WEIGHT,
            Some(_) => 1,
        };
        self.recent.push_back(Seen { at: ended.at, latency: ended.latency, weight });
        while self.recent.len() > looked_at {
            self.recent.pop_front();
        }
        let complaints: usize = self.recent.iter().map(|seen| seen.weight).sum();
        let too_many = complaints as f64 >= looked_at as f64 * COMPLAINTS_SHARE;
        pressure.filter(|pressure| too_many || *pressure == Pressure::OutOfMemory)
    }

    /// How many calls the server worked on at once of late, by Little's law: those that it answered.
    pub(super) fn served(&self) -> Option<f64> {
        let (first, last) = (self.recent.front()?, self.recent.back()?);
        let span = last.at.saturating_sub(first.at).as_secs_f64();
        let busy: f64 = self.recent.iter().filter(|seen| seen.weight == 0).map(|seen| seen.latency.as_secs_f64()).sum();
        (span > 0.0).then(|| busy / span)
    }
}

/// The number in flight at which the server complained last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ceiling {
    known: Option<Known>,
    times: u32,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    level: usize,
    pressure: Pressure,
    until: Duration,
}

impl Ceiling {
    /// Remembers that the server complained at this number; each time for longer.
    pub(super) fn raise(&mut self, level: usize, pressure: Pressure, at: Duration) {
        let first = if pressure == Pressure::OutOfMemory { AVOIDED_OUT_OF_MEMORY } else { AVOIDED };
        let avoided = first.saturating_mul(1 << self.times.min(16)).min(AVOIDED_MAX);
        self.times += 1;
        self.known = Some(Known { level, pressure, until: at + avoided });
    }

    /// Whether the server complained for the first time in a while.
    pub(super) fn is_first(&self) -> bool {
        self.times <= 1
    }

    /// Forgets it where this number, or more, is borne by now.
    pub(super) fn borne(&mut self, level: usize) {
        if self.known.is_some_and(|known| known.level <= level) {
            *self = Ceiling::default();
        }
    }

    /// The number to stay below, and why; none once that is too long ago.
    pub(super) fn at(&self, now: Duration) -> Option<(usize, Pressure)> {
        self.known.filter(|known| now < known.until).map(|known| (known.level, known.pressure))
    }
}
