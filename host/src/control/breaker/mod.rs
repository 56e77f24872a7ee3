//! When an endpoint that is down is left alone, when it is tried again, and when a run is better ended: since only a
//! person can help, or since it has been down for too long. Otherwise each record would find out by itself, and fail.
//!
//! Named after the circuit breaker: *closed* is as usual, *open* lets nobody through. One for each endpoint and key.

mod record;
mod rule;
mod sign;
mod state;
#[cfg(test)]
mod tests;

use super::retry::RETRY_AFTER_MAX;
use crate::model::Fault;
use record::Record;
use std::time::Duration;

pub use rule::{
    BreakerRule, CALLS_LOOKED_AT, DOWN_IN_A_ROW, DOWN_PERCENT, FAILED_IN_A_ROW, OUTAGE_MAX, PERSON_IN_A_ROW,
    PROBE_BASE, PROBE_MAX, PROBES_GOOD,
};
pub use sign::{Health, needs_person};
pub use state::{Admit, BreakerState, Ending, Stop, Ticket, Turning};

/// While a probe is on its way the others ask again after this; whoever can be told when it has ended need not.
pub const ASK_AGAIN: Duration = Duration::from_millis(250);

/// What is known of one endpoint. All times are since the run began.
#[derive(Debug)]
pub struct Breaker {
    rule: BreakerRule,
    phase: Phase,
    /// How often it was opened or closed.
    round: u64,
    /// Faults since the last success that only a person can end.
    person_in_a_row: u32,
}

#[derive(Debug)]
enum Phase {
    Closed { since: Duration, record: Record },
    Open { outage: Outage, until: Duration },
    Probing { outage: Outage },
    Stopped(Stop),
}

#[derive(Clone, Debug)]
struct Outage {
    since: Duration,
    /// What opened it.
    fault: Fault,
    probes_failed: u32,
    /// In a row.
    probes_good: u32,
}

impl Breaker {
    /// An endpoint that nothing is known of yet: it is asked.
    pub fn new(rule: BreakerRule) -> Self {
        let phase = Phase::Closed { since: Duration::ZERO, record: Record::default() };
        Breaker { rule, phase, round: 0, person_in_a_row: 0 }
    }

    /// Whether a call may be made. When the wait of an open one is over, one alone is let in as a probe.
    pub fn admit(&mut self, now: Duration) -> Admit {
        let outage = match &self.phase {
            Phase::Closed { .. } => return Admit::Go(Ticket { round: self.round }),
            Phase::Open { until, .. } if now < *until => return Admit::Wait(until.saturating_sub(now)),
            Phase::Open { outage, .. } => outage.clone(),
            Phase::Probing { .. } => return Admit::Wait(ASK_AGAIN),
            Phase::Stopped(_) => return Admit::Stopped,
        };
        self.phase = Phase::Probing { outage };
        Admit::Probe(Ticket { round: self.round })
    }

    /// Whether a call that has waited since it was let in may still be made.
    pub fn lets(&self, ticket: &Ticket) -> bool {
        ticket.round == self.round && !matches!(self.phase, Phase::Stopped(_))
    }

    /// Takes in how a call ended; `chance` is a random number in 0..1. Calls that were begun before the endpoint was
    /// opened or closed count no more for that, but do for what only a person can end.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is handed back once")]
    pub fn ended(&mut self, now: Duration, ticket: Ticket, ending: Ending<'_>, chance: f64) -> Option<Turning> {
        if let Some(stop) = self.person(ending) {
            return self.stop(stop);
        }
        if ticket.round != self.round {
            return None;
        }
        match (&mut self.phase, ending) {
            (Phase::Closed { record, .. }, Ending::Answered) => {
                record.add(Health::Up, &self.rule);
                None
            }
            (Phase::Closed { record, .. }, Ending::Failed(fault)) => {
                let is_enough = record.add(Health::of_fault(fault), &self.rule);
                is_enough.then(|| self.open(now, fault, chance))
            }
            (Phase::Probing { outage }, ending) => {
                let outage = outage.clone();
                self.probed(now, outage, ending, chance)
            }
            _ => None,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> BreakerState<'_> {
        match &self.phase {
            Phase::Closed { since, .. } => BreakerState::Closed { since: *since },
            Phase::Open { outage, until } => {
                BreakerState::Open { since: outage.since, until: *until, fault: &outage.fault }
            }
            Phase::Probing { outage } => BreakerState::Probing { since: outage.since, fault: &outage.fault },
            Phase::Stopped(stop) => BreakerState::Stopped(stop),
        }
    }

    fn person(&mut self, ending: Ending<'_>) -> Option<Stop> {
        match ending {
            Ending::Answered => self.person_in_a_row = 0,
            Ending::Failed(fault) if needs_person(fault.kind) => {
                self.person_in_a_row += 1;
                let is_enough = self.person_in_a_row >= self.rule.person_in_a_row.max(1);
                let fault = || Box::new(fault.clone());
                return is_enough.then(|| Stop::Person { fault: fault(), in_a_row: self.person_in_a_row });
            }
            Ending::Failed(_) | Ending::Released => {}
        }
        None
    }

    fn open(&mut self, now: Duration, fault: &Fault, chance: f64) -> Turning {
        self.round += 1;
        let outage = Outage { since: now, fault: fault.clone(), probes_failed: 0, probes_good: 0 };
        let until = now.saturating_add(self.wait(&outage, fault, chance));
        self.phase = Phase::Open { outage, until };
        Turning::Opened { fault: Box::new(fault.clone()), until }
    }

    fn probed(&mut self, now: Duration, mut outage: Outage, ending: Ending<'_>, chance: f64) -> Option<Turning> {
        let health = match ending {
            Ending::Answered => Health::Up,
            Ending::Failed(fault) => Health::of_fault(fault),
            Ending::Released => Health::Unknown,
        };
        let lasted = now.saturating_sub(outage.since);
        match (health, ending) {
            (Health::Up, _) => {
                outage.probes_good += 1;
                if outage.probes_good >= self.rule.probes_good.max(1) {
                    self.round += 1;
                    self.phase = Phase::Closed { since: now, record: Record::default() };
                    return Some(Turning::Closed { after: lasted });
                }
                self.phase = Phase::Open { outage, until: now };
            }
            (Health::Busy | Health::Down, Ending::Failed(fault)) if lasted >= self.rule.outage_max => {
                return self.stop(Stop::Outage { fault: Box::new(fault.clone()), lasted });
            }
            (Health::Busy | Health::Down, Ending::Failed(fault)) => {
                outage.probes_failed += 1;
                outage.probes_good = 0;
                let until = now.saturating_add(self.wait(&outage, fault, chance));
                self.phase = Phase::Open { outage, until };
            }
            // Nothing is known by it: another may be made at once.
            _ => self.phase = Phase::Open { outage, until: now },
        }
        None
    }

    /// How long nobody is let in: half of the bound for sure, since an endpoint that is down is best left alone, and
    /// the other half by chance, so that many hosts do not come back in one instant. A `Retry-After` is a floor.
    fn wait(&self, outage: &Outage, fault: &Fault, chance: f64) -> Duration {
        let doubled = self.rule.probe_base.saturating_mul(1 << outage.probes_failed.min(16));
        let half = doubled.min(self.rule.probe_max) / 2;
        let asked = fault.retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
        (half + half.mul_f64(chance.clamp(0.0, 1.0))).max(asked)
    }

    fn stop(&mut self, stop: Stop) -> Option<Turning> {
        if matches!(self.phase, Phase::Stopped(_)) {
            return None;
        }
        self.phase = Phase::Stopped(stop.clone());
        Some(Turning::Stop(stop))
    }
}
