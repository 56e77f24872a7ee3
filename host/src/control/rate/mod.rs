//! How fast a server may be asked: requests and tokens a minute, by the operator's rule and by what the server tells.
//!
//! A call **reserves** before it is sent, with the tokens that it is estimated to take, goes when its **turn** has
//! come, and is **settled** by what it took. Turns come in the order of the reservations. Whoever waits asks again when
//! the wait is over; and the first in line whenever another was let go, settled or cancelled, since that may have
//! brought its turn nearer. One `Rate` for each endpoint and key: servers count by key.

mod bucket;
mod estimate;
mod meter;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use crate::model::RateReport;
use meter::Meter;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

pub use estimate::TokenEstimate;
pub use meter::HOLD_MAX;

/// What the operator grants a server; none is as much as it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateRule {
    /// Requests a minute.
    pub rpm: Option<NonZeroU32>,
    /// Tokens a minute, of prompts and answers together.
    pub tpm: Option<NonZeroU32>,
}

/// The place of a call in the order. To be handed back by [`Rate::settle`] or [`Rate::cancel`] in the end: one that is
/// lost counts for good among those that wait or are in flight.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "to be handed back by `settle` or `cancel`"]
pub struct Reservation {
    number: u64,
}

/// Whether a call may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It may, at once, and counts as in flight.
    Go,
    /// Not before this has passed, as far as is known now: it may become less where others took less than they had
    /// reserved or gave up, and more where the server asks for a pause. Asking again, early or late, costs no place.
    Wait(Duration),
}

/// What a rate stands at, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateState {
    /// Requests a minute that are kept to: the least of what the operator and the server grant.
    pub requests_per_minute: Option<u64>,
    /// The same of tokens.
    pub tokens_per_minute: Option<u64>,
    /// Calls that wait for their turn.
    pub waiting: usize,
    /// Calls that were let go and not settled yet.
    pub in_flight: usize,
    /// Until when the server asks to be left alone.
    pub held_until: Option<Duration>,
}

/// The rate at which one endpoint is asked with one key. It keeps a number for each call that waits or is in flight,
/// and nothing else, so whoever bounds those bounds this.
///
/// Over any 60 seconds no more than `rpm` requests are let go, and no more tokens than `tpm` and one request, as far as
/// the estimates hold. After a rest a second's worth may go at once.
#[derive(Clone, Debug)]
pub struct Rate {
    requests: Meter,
    tokens: Meter,
    /// Nothing goes before this.
    paused_until: Duration,
    /// Reservations so far.
    reserved: u64,
    /// The tokens of each reservation whose turn has not come, in the order of their turns.
    waiting: BTreeMap<u64, u64>,
    /// The tokens that each call in flight is taken to need.
    in_flight: BTreeMap<u64, u64>,
    /// The call whose report was the last one taken in.
    reported: u64,
}

impl Rate {
    /// A rate by the operator's rule, until the server tells of less.
    pub fn new(rule: RateRule) -> Self {
        let meter = |limit: Option<NonZeroU32>| Meter::new(limit.map(|limit| u64::from(limit.get())));
        Rate {
            requests: meter(rule.rpm),
            tokens: meter(rule.tpm),
            paused_until: Duration::ZERO,
            reserved: 0,
            waiting: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            reported: 0,
        }
    }

    /// Takes a place behind all that have one, for a request that is estimated to take so many tokens.
    pub fn reserve(&mut self, tokens_estimated: u64) -> Reservation {
        self.reserved += 1;
        self.waiting.insert(self.reserved, tokens_estimated);
        Reservation { number: self.reserved }
    }

    /// Whether its turn has come. Those before it that still wait are taken to go first, whether or not they have
    /// asked, so no later and smaller call passes an earlier one.
    pub fn turn(&mut self, now: Duration, reservation: &Reservation) -> Turn {
        let Some(tokens) = self.waiting.get(&reservation.number).copied() else { return Turn::Go };
        let (mut requests_then, mut tokens_then) = (self.requests, self.tokens);
        let mut at = now.max(self.paused_until);
        for cost in self.waiting.range(..=reservation.number).map(|(_, cost)| *cost) {
            at = at.max(requests_then.ready_at(1)).max(tokens_then.ready_at(cost));
            requests_then.take(at, 1);
            tokens_then.take(at, cost);
        }
        if at > now {
            return Turn::Wait(at.saturating_sub(now));
        }
        self.requests.take(now, 1);
        self.tokens.take(now, tokens);
        self.waiting.remove(&reservation.number);
        self.in_flight.insert(reservation.number, tokens);
        Turn::Go
    }

    /// The call has ended, and took so many tokens; none is unknown, and stands at what was estimated.
    #[expect(clippy::needless_pass_by_value, reason = "a reservation is handed back once")]
    pub fn settle(&mut self, now: Duration, reservation: Reservation, tokens_used: Option<u64>) {
        self.waiting.remove(&reservation.number);
        let estimated = self.in_flight.remove(&reservation.number);
        match (estimated, tokens_used) {
            (Some(estimated), Some(used)) if used > estimated => self.tokens.take(now, used - estimated),
            (Some(estimated), Some(used)) => self.tokens.give_back(estimated - used),
            _ => {}
        }
    }

    /// The call was never sent: it gives back its place, or all that it took.
    #[expect(clippy::needless_pass_by_value, reason = "a reservation is handed back once")]
    pub fn cancel(&mut self, reservation: Reservation) {
        self.waiting.remove(&reservation.number);
        if let Some(estimated) = self.in_flight.remove(&reservation.number) {
            self.requests.give_back(1);
            self.tokens.give_back(estimated);
        }
    }

    /// What the server told with the response to a call, before it is settled. A report on an earlier call than the
    /// last report's is old news and left out.
    ///
    /// Calls that were let go after this one, and have not ended, may not be counted in what the server says is left.
    pub fn observe(&mut self, now: Duration, reservation: &Reservation, report: &RateReport) {
        if reservation.number < self.reported {
            return;
        }
        self.reported = reservation.number;
        let (mut requests, mut tokens) = (0, 0_u64);
        for (_, estimated) in self.in_flight.range(reservation.number + 1..) {
            requests += 1;
            tokens = tokens.saturating_add(*estimated);
        }
        self.requests.observe(now, &report.requests, requests);
        self.tokens.observe(now, &report.tokens, tokens);
    }

    /// Nothing goes before this moment: what the server asked of one call by a `Retry-After` is a floor for everybody
    /// at its endpoint with its key. A later moment stands.
    pub fn pause_until(&mut self, until: Duration) {
        self.paused_until = self.paused_until.max(until);
    }

    /// What it stands at.
    pub fn state(&self, now: Duration) -> RateState {
        let held_until = self.paused_until.max(self.requests.held_until()).max(self.tokens.held_until());
        RateState {
            requests_per_minute: self.requests.per_minute(),
            tokens_per_minute: self.tokens.per_minute(),
            waiting: self.waiting.len(),
            in_flight: self.in_flight.len(),
            held_until: (held_until > now).then_some(held_until),
        }
    }
}
