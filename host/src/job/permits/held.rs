use super::{CallEnd, LaneRule, LaneState, Turned, fault_of};
use crate::control::breaker::{self, Admit, Breaker, BreakerState, Stop, Ticket, Turning};
use crate::control::limit::{Ended, Ending, Limit};
use crate::control::rate::{HOLD_MAX, Rate, Reservation};
use crate::control::spread::{self, EndpointLoad};
use crate::model::FaultKind;
use std::time::Duration;

/// What a lane takes for its limit where it has none of its own: more than there are ever records.
const UNLIMITED: usize = 1 << 20;

/// The counts behind the permits.
#[derive(Debug)]
pub(super) struct Held {
    /// Records in flight at most, where the operator chose that.
    most: Option<usize>,
    pub(super) in_flight: usize,
    pub(super) lanes: Vec<Lane>,
    /// Choices among lanes so far.
    choices: usize,
}

#[derive(Debug)]
pub(super) struct Lane {
    limit: Option<Limit>,
    calls: usize,
    calls_ended: u64,
    breaker: Breaker,
    pub(super) rate: Rate,
    /// When it came back from its last outage.
    returned_at: Option<Duration>,
}

/// What comes of looking for a place.
#[derive(Debug)]
pub(super) enum Found {
    /// This lane, by this leave of its breaker.
    Lane(usize, Ticket),
    /// None has room; one that is left alone may be asked after this.
    Full(Option<Duration>),
    /// All are left alone, the first of them for this long.
    Down(Duration),
    /// None is asked any more.
    Stopped,
}

impl Held {
    pub(super) fn new(most: Option<usize>, lanes: Vec<Lane>) -> Self {
        Held { most: most.map(|most| most.max(1)), in_flight: 0, lanes, choices: 0 }
    }

    /// Counts one more in flight, where there is room.
    pub(super) fn admit(&mut self) -> bool {
        let has_room = self.in_flight < self.limit();
        self.in_flight += usize::from(has_room);
        has_room
    }

    /// A lane that is left alone bears one: the record that finds out whether it is back.
    pub(super) fn limit(&self) -> usize {
        let bears = |lane: &Lane| if lane.is_closed() { lane.room_in_all() } else { 1 };
        self.most.unwrap_or_else(|| self.lanes.iter().map(bears).sum::<usize>().max(1))
    }

    /// A place on one of these lanes. One that is to be tried again is tried at once, and by one record.
    pub(super) fn find(&mut self, lanes: &[usize], now: Duration) -> Found {
        let mut waits = Vec::new();
        for &index in lanes {
            if self.lanes[index].is_closed() {
                continue;
            }
            match self.lanes[index].breaker.admit(now) {
                Admit::Go(ticket) | Admit::Probe(ticket) => return self.take(index, ticket),
                Admit::Wait(wait) => waits.push(wait),
                Admit::Stopped => {}
            }
        }
        let closed: Vec<usize> = lanes.iter().copied().filter(|lane| self.lanes[*lane].is_closed()).collect();
        let loads: Vec<_> = closed.iter().map(|lane| self.lanes[*lane].load()).collect();
        if let Some(chosen) = spread::choose(&loads, now, self.choices) {
            self.choices = self.choices.wrapping_add(1);
            let index = closed[chosen];
            if let Admit::Go(ticket) | Admit::Probe(ticket) = self.lanes[index].breaker.admit(now) {
                return self.take(index, ticket);
            }
        }
        match (closed.is_empty(), waits.into_iter().min()) {
            (true, None) => Found::Stopped,
            (true, Some(wait)) => Found::Down(wait),
            (false, wait) => Found::Full(wait),
        }
    }

    fn take(&mut self, index: usize, ticket: Ticket) -> Found {
        self.lanes[index].calls += 1;
        Found::Lane(index, ticket)
    }

    /// Takes in how a call ended; gives its place back.
    pub(super) fn ended(
        &mut self,
        index: usize,
        (ticket, reservation): (Ticket, Option<Reservation>),
        end: &CallEnd<'_>,
        (now, chance): (Duration, f64),
    ) -> Turned {
        let in_flight = self.in_flight_of(index);
        let lane = &mut self.lanes[index];
        let ending = end.fault.map_or(Ending::Answered, Ending::of_fault);
        if let Some(limit) = &mut lane.limit {
            limit.ended(&Ended { at: now, latency: end.latency, in_flight, ending });
        }
        if let Some(reservation) = reservation {
            if let Some(report) = end.report {
                lane.rate.observe(now, &reservation, report);
            }
            lane.rate.settle(now, reservation, end.tokens);
        }
        if let Some(fault) = end.fault.filter(|fault| is_for_all(fault.kind))
            && let Some(wait) = fault.retry_after
        {
            lane.rate.pause_until(now.saturating_add(wait.min(HOLD_MAX)));
        }
        let ending = end.fault.map_or(breaker::Ending::Answered, breaker::Ending::Failed);
        let turned = lane.breaker.ended(now, ticket, ending, chance);
        if matches!(turned, Some(Turning::Closed { .. })) {
            lane.returned_at = Some(now);
        }
        lane.calls -= 1;
        lane.calls_ended += 1;
        turned
    }

    /// A call that was not made, or given up on its way: then its server has counted it.
    pub(super) fn released(&mut self, index: usize, ticket: Ticket, reservation: Option<Reservation>, now: Duration) {
        let lane = &mut self.lanes[index];
        if let Some(reservation) = reservation {
            lane.rate.settle(now, reservation, None);
        }
        lane.breaker.ended(now, ticket, breaker::Ending::Released, 0.0);
        lane.calls -= 1;
    }

    /// Why none of these is asked any more; none while one of them may be.
    pub(super) fn stopped(&self, lanes: &[usize]) -> Option<Stop> {
        let stops: Option<Vec<_>> = lanes.iter().map(|lane| self.lanes[*lane].stopped()).collect();
        stops?.into_iter().next().cloned()
    }

    /// What a lane's limit is to take for its use. Between its calls a record is on no lane; where all permits are given, what
    /// a lane lacks is on its way to it.
    fn in_flight_of(&self, index: usize) -> usize {
        let lane = &self.lanes[index];
        match &lane.limit {
            _ if self.lanes.len() == 1 => self.in_flight,
            Some(limit) if self.in_flight >= self.limit() => limit.current().max(lane.calls),
            _ => lane.calls,
        }
    }
}

/// Whether the wait that a server asks for by this is one for everybody.
fn is_for_all(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::RateLimited | FaultKind::Overloaded | FaultKind::Unavailable)
}

impl Lane {
    pub(super) fn new(rule: LaneRule) -> Self {
        let LaneRule { limit, breaker, rate } = rule;
        Lane {
            limit,
            calls: 0,
            calls_ended: 0,
            breaker: Breaker::new(breaker),
            rate: Rate::new(rate),
            returned_at: None,
        }
    }

    /// Whether a call may still be made by this leave of its breaker.
    pub(super) fn lets(&self, ticket: &Ticket) -> bool {
        self.breaker.lets(ticket)
    }

    fn is_closed(&self) -> bool {
        matches!(self.breaker.state(), BreakerState::Closed { .. })
    }

    fn room_in_all(&self) -> usize {
        self.limit.as_ref().map_or(UNLIMITED, Limit::current)
    }

    fn load(&self) -> EndpointLoad {
        EndpointLoad {
            outstanding: self.calls,
            limit: self.room_in_all(),
            is_open: false,
            returned_at: self.returned_at,
        }
    }

    fn stopped(&self) -> Option<&Stop> {
        match self.breaker.state() {
            BreakerState::Stopped(stop) => Some(stop),
            _ => None,
        }
    }

    pub(super) fn state(&self, now: Duration) -> LaneState {
        LaneState {
            calls: self.calls,
            calls_ended: self.calls_ended,
            limit: self.limit.as_ref().map(Limit::state),
            rate: self.rate.state(now),
            down: fault_of(self.breaker.state()).cloned(),
        }
    }
}
