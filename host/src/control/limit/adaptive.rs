//! The adaptive limit: a search, then rest and probes, and sharp cuts when the server complains.

use super::curve::scaled;
use super::pressure::{Ceiling, Complaints};
use super::probe::{Moment, Probing, Settled};
use super::search::{Search, Step};
use super::window::{Latencies, Window};
use super::{Bounds, Ended, Ending, Pressure, Reason, State};
use std::time::Duration;

/// The sharpest cut: to half.
const CUT: f64 = 0.5;
/// The gentlest cut, where the server answered nearly all calls.
const CUT_LEAST: f64 = 0.75;
/// By how much the limit returns to where it was, with each batch that is answered.
const RETURN: usize = 2;
/// The longest wait that a server may ask for before more are in flight again.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(1);

/// A limit that moves between bounds. See the module.
#[derive(Clone, Debug)]
pub struct Adaptive {
    bounds: Bounds,
    level: usize,
    phase: Phase,
    window: Window,
    latencies: Latencies,
    complaints: Complaints,
    ceiling: Ceiling,
    /// The last cut, until a batch was answered at the number that it led to.
    cut: Option<Cut>,
    /// No more in flight before this.
    hold_until: Duration,
    /// The latest moment that is known.
    now: Duration,
}

#[derive(Clone, Debug)]
enum Phase {
    Searching(Search),
    Settled(Settled),
    /// On the way back to where the limit was before complaints that had nothing to do with it.
    Returning(Home),
}

/// Where a limit was before the server complained.
#[derive(Clone, Debug)]
struct Home {
    level: usize,
    settled: Option<Settled>,
}

#[derive(Clone, Debug)]
struct Cut {
    pressure: Pressure,
    from: usize,
    home: Home,
}

impl Adaptive {
    /// A limit that begins at the start of its bounds and knows nothing.
    pub fn new(bounds: Bounds) -> Self {
        let level = bounds.start();
        Adaptive {
            bounds,
            level,
            phase: Phase::Searching(Search::begin()),
            window: Window::new(level, level, Duration::ZERO),
            latencies: Latencies::default(),
            complaints: Complaints::new(),
            ceiling: Ceiling::default(),
            cut: None,
            hold_until: Duration::ZERO,
            now: Duration::ZERO,
        }
    }

    /// How many may be in flight now.
    pub fn current(&self) -> usize {
        self.level
    }

    /// Takes in how one call ended.
    pub fn ended(&mut self, ended: &Ended) {
        self.now = ended.at;
        let batch_over = self.window.add(ended, &mut self.latencies);
        if let Some(pressure) = self.complaints.add(ended, self.level) {
            if let Ending::Overloaded { retry_after: Some(wait) } = ended.ending {
                self.hold_until = ended.at + wait.min(RETRY_AFTER_MAX);
            }
            self.cut(pressure);
        } else if batch_over && ended.at >= self.hold_until {
            self.cut = None;
            self.ceiling.borne(self.level);
            self.onwards();
        }
    }

    /// Where the limit stands, and why.
    pub fn state(&self) -> State {
        let settled = match &self.phase {
            Phase::Settled(settled) => Some(settled.base),
            _ => None,
        };
        State { limit: self.level, settled, reason: self.reason() }
    }

    fn reason(&self) -> Reason {
        if let Some(cut) = &self.cut {
            return Reason::Cut { pressure: cut.pressure, from: cut.from };
        }
        match &self.phase {
            Phase::Searching(search) if search.rising => Reason::SlowStart,
            Phase::Searching(_) => Reason::Narrowing,
            Phase::Returning(home) => Reason::Returning { to: home.level },
            Phase::Settled(settled) => match (settled.probes_upwards(), self.ceiling.at(self.now)) {
                (Some(true), _) => Reason::ProbingUp { from: settled.base },
                (Some(false), _) => Reason::ProbingDown { from: settled.base },
                (None, _) if settled.base == self.bounds.max() => Reason::HeldByMax,
                (None, Some((at, pressure))) if at <= settled.base + 1 => Reason::HeldBy { pressure, at },
                (None, _) => Reason::Settled { gain_per_slot: settled.gain_per_slot },
            },
        }
    }

    /// The most that may be in flight now, and whether the server complained above it.
    fn most(&self) -> (usize, bool) {
        match self.ceiling.at(self.now) {
            Some((level, _)) if level <= self.bounds.max() => ((level - 1).max(self.bounds.min()), true),
            _ => (self.bounds.max(), false),
        }
    }

    /// After a batch of answers.
    fn onwards(&mut self) {
        let Some(estimate) = self.window.estimate() else { return };
        let (min, max, latency_s) = (self.bounds.min(), self.most(), self.latencies.mixing_s());
        match &mut self.phase {
            Phase::Searching(search) => {
                let step = search.step(self.level, &estimate, min, max);
                self.take(step);
            }
            Phase::Settled(settled) => {
                match settled.step(&estimate, &Moment { at: self.now, latency_s, min, max: max.0 }) {
                    Probing::Wait => {}
                    Probing::Measure(level) => self.measure(level),
                    Probing::Changed(mut search) => {
                        let step = search.onwards(min, max);
                        self.phase = Phase::Searching(search);
                        self.take(step);
                    }
                }
            }
            Phase::Returning(home) if self.level < home.level => {
                let level = home.level.min(self.level * RETURN);
                self.measure(level);
            }
            Phase::Returning(home) => {
                self.phase = match home.settled.take() {
                    Some(mut settled) => {
                        settled.rest(self.now, latency_s);
                        Phase::Settled(settled)
                    }
                    None => Phase::Searching(Search::near()),
                };
                self.measure(self.level);
            }
        }
    }

    fn take(&mut self, step: Step) {
        match (step, &self.phase) {
            (Step::Measure(level), _) => self.measure(level),
            (Step::Settle(level), Phase::Searching(search)) => {
                let mut settled = Settled::new(level, &search.curve);
                settled.rest(self.now, self.latencies.mixing_s());
                self.phase = Phase::Settled(settled);
                self.measure(level);
            }
            _ => {}
        }
    }

    fn measure(&mut self, level: usize) {
        let level = level.clamp(self.bounds.min(), self.bounds.max());
        self.window = Window::new(level, self.level, self.now);
        self.level = level;
    }

    /// The server complained: sharply down, to a number that it bore where one is known.
    fn cut(&mut self, pressure: Pressure) {
        let from = self.level;
        let half = scaled(from, CUT);
        let (home, to) = if let Some(cut) = self.cut.take() {
            // Complaints that go on after a cut have nothing to do with the number in flight.
            self.phase = Phase::Returning(cut.home.clone());
            (cut.home, half)
        } else {
            self.ceiling.raise(from, pressure, self.now);
            let (home, borne) = self.give_way(from, pressure);
            (home, borne.unwrap_or(half))
        };
        self.cut = Some(Cut { pressure, from, home });
        self.complaints.clear();
        self.measure(to);
    }

    /// Where the limit was, and a number that the server bears; the phase goes on below the one that it does not.
    fn give_way(&mut self, from: usize, pressure: Pressure) -> (Home, Option<usize>) {
        match &mut self.phase {
            Phase::Searching(search) => {
                search.curve.forget_from(from);
                let borne = search.curve.below(from);
                (Home { level: borne.unwrap_or(from), settled: None }, borne)
            }
            Phase::Settled(settled) => {
                let home = Home { level: settled.base, settled: Some(settled.clone()) };
                if from > settled.base {
                    settled.rest(self.now, self.latencies.mixing_s());
                    return (home, Some(settled.base));
                }
                // Once is no proof that the number has to do with it: it served well until now.
                let first = self.ceiling.is_first() && pressure != Pressure::OutOfMemory;
                self.phase = if first { Phase::Returning(home.clone()) } else { Phase::Searching(Search::near()) };
                let served = self.complaints.served().filter(|_| pressure == Pressure::Overload);
                let served = served.map(|served| served.clamp(from as f64 * CUT, from as f64 * CUT_LEAST));
                (home, served.map(|served| scaled(1, served)))
            }
            Phase::Returning(home) => (home.clone(), None),
        }
    }
}
