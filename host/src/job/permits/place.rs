use super::held::Found;
use super::{CallEnd, Permits, Shared, Turned};
use crate::control::breaker::{Stop, Ticket};
use crate::control::rate::{Reservation, Turn};
use crate::model::{Fault, FaultKind};
use std::sync::Arc;
use std::time::Duration;

/// How long is waited for a turn at a rate before it is asked for again: others may have taken less than they reserved.
const TURN_ASKED_EVERY: Duration = Duration::from_secs(1);
/// The code of the fault of a record whose server is left alone.
const BREAKER: &str = "breaker";

/// A place on a lane. Dropped without a word on how the call ended, it counts as none.
#[derive(Debug)]
pub struct Place {
    shared: Arc<Shared>,
    lane: usize,
    ticket: Option<Ticket>,
    reservation: Option<Reservation>,
}

/// Why there is no place.
#[derive(Clone, Debug, PartialEq)]
pub enum NoPlace {
    /// The servers are left alone for now, for this fault.
    Down(Fault),
    /// They are asked no more.
    Stopped(Stop),
}

impl Permits {
    /// Waits for a place on one of these lanes, and for the turn at its server's rate of a call that is estimated to take
    /// so many tokens. Who does not `wait` for servers that are left alone has no place there.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// Where the lanes are asked no more, or not now.
    pub async fn place(&self, lanes: &[usize], tokens_estimated: u64, waits: bool) -> Result<Place, NoPlace> {
        loop {
            let mut place = self.lane(lanes, waits).await?;
            if place.turn(tokens_estimated).await {
                return Ok(place);
            }
        }
    }

    /// A place beside another call's, where there is room at once; on another lane than that where there is one.
    pub fn another_place(&self, lanes: &[usize], than: usize, tokens_estimated: u64) -> Option<Place> {
        let others: Vec<usize> = lanes.iter().copied().filter(|lane| *lane != than).collect();
        let lanes = if others.is_empty() { lanes } else { &others };
        let mut held = self.shared.lock();
        let Found::Lane(lane, ticket) = held.find(lanes, self.now()) else { return None };
        let reservation = held.lanes[lane].rate.reserve(tokens_estimated);
        let turn = held.lanes[lane].rate.turn(self.now(), &reservation);
        drop(held);
        let (ticket, reservation) = (Some(ticket), Some(reservation));
        let place = Place { shared: Arc::clone(&self.shared), lane, ticket, reservation };
        (turn == Turn::Go).then_some(place)
    }

    async fn lane(&self, lanes: &[usize], waits: bool) -> Result<Place, NoPlace> {
        let mut at_breaker = None;
        loop {
            // Before the look, so that no change is missed between the two.
            let moved = self.shared.moved.notified();
            let found = self.shared.lock().find(lanes, self.now());
            let wait = match found {
                Found::Lane(lane, ticket) => {
                    let shared = Arc::clone(&self.shared);
                    return Ok(Place { shared, lane, ticket: Some(ticket), reservation: None });
                }
                Found::Stopped => {
                    let stop = self.stopped(lanes);
                    return Err(stop.map_or_else(|| NoPlace::Down(no_lane()), NoPlace::Stopped));
                }
                Found::Down(_) if !waits => return Err(NoPlace::Down(self.down(lanes))),
                Found::Down(wait) => {
                    at_breaker.get_or_insert_with(|| self.shared.at_breaker.enter());
                    Some(wait)
                }
                Found::Full(wait) => {
                    at_breaker = None;
                    wait
                }
            };
            moved_or(moved, wait).await;
        }
    }

    /// The fault that the first of these lanes is left alone for.
    fn down(&self, lanes: &[usize]) -> Fault {
        let states = self.lanes();
        let fault = lanes.iter().find_map(|lane| states[*lane].down.clone());
        let fault = fault.unwrap_or_else(no_lane);
        Fault { request_sent: false, ..fault }.code(BREAKER)
    }
}

impl Place {
    /// Which lane it is on.
    pub fn lane(&self) -> usize {
        self.lane
    }

    /// Waits for the turn at the rate; false where the lane was left alone meanwhile.
    async fn turn(&mut self, tokens_estimated: u64) -> bool {
        let shared = Arc::clone(&self.shared);
        let reserved = shared.lock().lanes[self.lane].rate.reserve(tokens_estimated);
        let reservation = self.reservation.insert(reserved);
        let mut at_rate = None;
        loop {
            let wait = {
                let lane = &mut shared.lock().lanes[self.lane];
                if !self.ticket.as_ref().is_some_and(|ticket| lane.lets(ticket)) {
                    return false;
                }
                match lane.rate.turn(shared.begun.elapsed(), reservation) {
                    Turn::Go => return true,
                    Turn::Wait(wait) => wait,
                }
            };
            at_rate.get_or_insert_with(|| shared.at_rate.enter());
            tokio::time::sleep(wait.min(TURN_ASKED_EVERY)).await;
        }
    }

    /// Says how the call ended, which gives the place back; returns a change of the lane's breaker.
    pub fn ended(mut self, end: &CallEnd<'_>) -> Turned {
        let ticket = self.ticket.take()?;
        let given = (ticket, self.reservation.take());
        let mut held = self.shared.lock();
        let before = held.limit();
        // Read under the lock, so that the rules see time go forwards.
        let now = self.shared.begun.elapsed();
        let turned = held.ended(self.lane, given, end, (now, fastrand::f64()));
        if held.limit() > before {
            self.shared.freed.notify_one();
        }
        drop(held);
        self.shared.moved.notify_waiters();
        turned
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        let now = self.shared.begun.elapsed();
        self.shared.lock().released(self.lane, ticket, self.reservation.take(), now);
        self.shared.moved.notify_waiters();
    }
}

impl NoPlace {
    /// The fault of the record that has none.
    pub(in crate::job) fn fault(self) -> Fault {
        match self {
            NoPlace::Down(fault) => fault,
            NoPlace::Stopped(Stop::Person { fault, .. } | Stop::Outage { fault, .. }) => {
                Fault { request_sent: false, ..*fault }.code(BREAKER)
            }
        }
    }
}

/// Whether a fault says that its server is left alone: then there is nothing to try again there.
pub(in crate::job) fn is_left_alone(fault: &Fault) -> bool {
    fault.code.as_deref() == Some(BREAKER)
}

fn no_lane() -> Fault {
    Fault::new(FaultKind::Unavailable, "no server is there to be asked")
}

async fn moved_or(moved: impl Future<Output = ()>, wait: Option<Duration>) {
    match wait {
        // A timeout is no error here: it is the other thing that is waited for.
        Some(wait) => drop(tokio::time::timeout(wait, moved).await),
        None => moved.await,
    }
}
