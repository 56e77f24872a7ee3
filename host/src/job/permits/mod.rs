//! Permits to have a record in flight, and the lanes that its calls go by. Their numbers may change while they are held.

mod held;
mod place;
#[cfg(test)]
mod tests;

use super::queue::Queue;
use crate::control::breaker::{BreakerRule, BreakerState, Stop, Turning};
use crate::control::limit::{Limit, State};
use crate::control::rate::{RateRule, RateState};
use crate::model::{Fault, RateReport};
use held::{Held, Lane};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

pub use place::Place;
pub(super) use place::{NoPlace, is_left_alone};

/// Permits to have a record in flight: as many as the operator chose, or as all lanes bear together. A lane is an endpoint,
/// for one model; a call takes a place on one. Clones are the same permits.
///
/// A limit that sinks takes no permit back: none is given until enough have come back.
#[derive(Clone, Debug)]
pub struct Permits {
    shared: Arc<Shared>,
}

/// What holds on one lane.
#[derive(Clone, Debug, Default)]
pub struct LaneRule {
    /// How many calls it bears; none where only the records are counted.
    pub limit: Option<Limit>,
    /// When it is left alone.
    pub breaker: BreakerRule,
    /// How fast it may be asked.
    pub rate: RateRule,
}

/// How a call ended, and what it told.
#[derive(Clone, Copy, Debug)]
pub struct CallEnd<'a> {
    /// How long it took, from its sending to its response.
    pub latency: Duration,
    /// The fault that it came to, if it did.
    pub fault: Option<&'a Fault>,
    /// Tokens that it took; none is unknown.
    pub tokens: Option<u64>,
    /// What the server told of its rate.
    pub report: Option<&'a RateReport>,
}

/// Where a lane stands, for people.
#[derive(Clone, Debug)]
pub struct LaneState {
    /// Calls on it now.
    pub calls: usize,
    /// Calls that were made on it and have ended, by whatever.
    pub calls_ended: u64,
    /// Where its limit stands, and why; none where it has none of its own.
    pub limit: Option<State>,
    /// How fast it is asked.
    pub rate: RateState,
    /// The fault that it is left alone for; none where it is not.
    pub down: Option<Fault>,
}

/// How many wait, and for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// For their turn at a server's rate.
    pub rate: usize,
    /// For a server that is left alone.
    pub breaker: usize,
}

/// How long records have waited up to now, all their waits together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waited {
    /// For their turn at a server's rate.
    pub rate: Duration,
    /// For a server that is left alone.
    pub breaker: Duration,
}

#[derive(Debug)]
struct Shared {
    begun: Instant,
    // Held for a few instructions at a time, never across an await.
    held: Mutex<Held>,
    // Wakes one who waits for a permit. More than one may come free at once, so whoever gets one wakes the next.
    freed: Notify,
    // Wakes all who wait for a place or a turn: each may wait for another lane.
    moved: Notify,
    at_rate: Queue,
    at_breaker: Queue,
}

/// Leave to have one record in flight, until it is dropped.
#[derive(Debug)]
pub struct Permit {
    shared: Arc<Shared>,
}

impl Permits {
    /// Permits over these lanes; `most` is the operator's number, which the lanes share. Without it each lane is to have
    /// a limit.
    pub fn over(most: Option<usize>, lanes: impl IntoIterator<Item = LaneRule>) -> Self {
        let held = Held::new(most, lanes.into_iter().map(Lane::new).collect());
        let shared = Shared {
            begun: Instant::now(),
            held: Mutex::new(held),
            freed: Notify::new(),
            moved: Notify::new(),
            at_rate: Queue::default(),
            at_breaker: Queue::default(),
        };
        Permits { shared: Arc::new(shared) }
    }

    /// As many permits as the limit of the one lane allows at each moment.
    pub fn new(limit: Limit) -> Self {
        Permits::over(None, [LaneRule { limit: Some(limit), ..LaneRule::default() }])
    }

    /// Always this many, for one lane; 0 counts as 1.
    pub fn fixed(most: usize) -> Self {
        Permits::over(Some(most), [LaneRule::default()])
    }

    /// Waits for a permit. Dropping the future loses nothing.
    pub async fn acquire(&self) -> Permit {
        loop {
            let freed = self.shared.freed.notified();
            if let Some(permit) = self.try_acquire() {
                return permit;
            }
            freed.await;
        }
    }

    fn try_acquire(&self) -> Option<Permit> {
        let mut held = self.shared.lock();
        let limit = held.limit();
        if !held.admit() {
            return None;
        }
        if held.in_flight < limit {
            self.shared.freed.notify_one();
        }
        Some(Permit { shared: Arc::clone(&self.shared) })
    }

    /// Records in flight now.
    pub fn in_flight(&self) -> usize {
        self.shared.lock().in_flight
    }

    /// How many records may be in flight now.
    pub fn limit(&self) -> usize {
        self.shared.lock().limit()
    }

    /// How long it is since the run began: the time that rules go by.
    pub fn now(&self) -> Duration {
        self.shared.begun.elapsed()
    }

    /// How many wait, and for what.
    pub fn waiting(&self) -> Waiting {
        Waiting { rate: self.shared.at_rate.waiting(), breaker: self.shared.at_breaker.waiting() }
    }

    /// How long records have waited, and for what. Waits that go on are not in it yet.
    pub fn waited(&self) -> Waited {
        Waited { rate: self.shared.at_rate.waited(), breaker: self.shared.at_breaker.waited() }
    }

    /// Where each lane stands.
    pub fn lanes(&self) -> Vec<LaneState> {
        let (held, now) = (self.shared.lock(), self.now());
        held.lanes.iter().map(|lane| lane.state(now)).collect()
    }

    /// Why these lanes are asked no more; none while one of them may be.
    pub fn stopped(&self, lanes: &[usize]) -> Option<Stop> {
        self.shared.lock().stopped(lanes)
    }
}

impl Shared {
    // Nothing panics while it is locked but an assertion, after which the counts are still right.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.lock().in_flight -= 1;
        self.shared.freed.notify_one();
    }
}

/// What a change of a lane's breaker is to people: the one that opened is told of, and what ends the run.
pub(super) type Turned = Option<Turning>;

/// The fault that a lane is left alone for.
fn fault_of(state: BreakerState<'_>) -> Option<&Fault> {
    match state {
        BreakerState::Closed { .. } => None,
        BreakerState::Open { fault, .. } | BreakerState::Probing { fault, .. } => Some(fault),
        BreakerState::Stopped(Stop::Person { fault, .. } | Stop::Outage { fault, .. }) => Some(fault),
    }
}
