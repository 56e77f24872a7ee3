//! Calls that come, wait for their turn, take their time and end, on a clock of numbers.

use super::{Rate, Reservation, Turn};
use std::collections::BTreeMap;
use std::time::Duration;

/// One call, as it will happen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// When it comes, in milliseconds.
    pub(super) at_ms: u64,
    /// What it is estimated to take.
    pub(super) estimated: u64,
    /// What it does take.
    pub(super) used: u64,
    /// How long the server works on it.
    pub(super) latency_ms: u64,
    /// Who asks for it gives up at its first wait.
    pub(super) gives_up: bool,
}

/// What became of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) call: Call,
    /// When it came, was let go, and was settled.
    pub(super) came: Duration,
    pub(super) went: Duration,
    pub(super) settled: Duration,
    /// The wait that it was told first.
    pub(super) told: Duration,
}

enum Event {
    Come(Call),
    /// The call of this number asks for its turn.
    Ask(u64),
    End(Reservation, u64),
}

struct Waiting {
    call: Call,
    reservation: Reservation,
    told: Option<Duration>,
}

/// What is to happen, in the order of time, and of its planning where that is the same.
#[derive(Default)]
struct Agenda {
    events: BTreeMap<(Duration, u64), Event>,
    planned: u64,
}

impl Agenda {
    fn plan(&mut self, at: Duration, event: Event) {
        self.planned += 1;
        self.events.insert((at, self.planned), event);
    }
}

/// Lets all of it happen; the calls that were let go, in that order. Who waits asks again when the wait is over, and
/// the first in line whenever another left or ended.
pub(super) fn run(rate: &mut Rate, calls: &[Call]) -> Vec<Sent> {
    let mut agenda = Agenda::default();
    for call in calls {
        agenda.plan(Duration::from_millis(call.at_ms), Event::Come(*call));
    }
    let mut line: BTreeMap<u64, Waiting> = BTreeMap::new();
    let mut came = 0;
    let mut sent = Vec::new();
    while let Some(((now, _), event)) = agenda.events.pop_first() {
        match event {
            Event::Come(call) => {
                came += 1;
                line.insert(came, Waiting { call, reservation: rate.reserve(call.estimated), told: None });
                agenda.plan(now, Event::Ask(came));
                continue;
            }
            Event::Ask(number) => {
                let Some(waiting) = line.get_mut(&number) else { continue };
                let turn = rate.turn(now, &waiting.reservation);
                if let Turn::Wait(wait) = turn
                    && !waiting.call.gives_up
                {
                    waiting.told.get_or_insert(wait);
                    agenda.plan(now + wait, Event::Ask(number));
                    continue;
                }
                let Waiting { call, reservation, told } = line.remove(&number).expect("it asked just now");
                if turn == Turn::Go {
                    let settled = now + Duration::from_millis(call.latency_ms);
                    let came = Duration::from_millis(call.at_ms);
                    sent.push(Sent { call, came, went: now, settled, told: told.unwrap_or_default() });
                    agenda.plan(settled, Event::End(reservation, call.used));
                } else {
                    rate.cancel(reservation);
                }
            }
            Event::End(reservation, used) => rate.settle(now, reservation, Some(used)),
        }
        if let Some(first) = line.keys().next() {
            agenda.plan(now, Event::Ask(*first));
        }
    }
    sent
}
