use crate::model::Fault;
use std::time::Duration;

/// Leave to make one call; it is handed back with how the call ended.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "to be handed back by `ended`"]
pub struct Ticket {
    /// Tickets of earlier rounds say nothing of this one.
    pub(super) round: u64,
}

/// Whether a call may be made now.
#[derive(Debug, PartialEq, Eq)]
pub enum Admit {
    /// It may.
    Go(Ticket),
    /// It may, alone, to find out whether the endpoint is up again. Best a cheap one.
    Probe(Ticket),
    /// Ask again after this; it may be let in, or have to wait on.
    Wait(Duration),
    /// Never again: the run is to end.
    Stopped,
}

/// How a call ended.
#[derive(Clone, Copy, Debug)]
pub enum Ending<'a> {
    /// The server answered, and the provider made a verdict of it.
    Answered,
    /// It came to this fault: that of the call itself, not of a record whose whole time was up meanwhile.
    Failed(&'a Fault),
    /// It was given up before its end, or never sent: nothing is known by it.
    Released,
}

/// What the end of a call changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turning {
    /// The endpoint is left alone from now on.
    Opened {
        /// The fault that decided it.
        fault: Box<Fault>,
        /// Until when, for a first probe.
        until: Duration,
    },
    /// It answers again, after so long.
    Closed {
        /// Since it was opened.
        after: Duration,
    },
    /// The run is to be ended, in an orderly way: what is in flight is finished and what is done is kept.
    Stop(Stop),
}

/// Why going on makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A person must change something first.
    Person {
        /// The last fault of them.
        fault: Box<Fault>,
        /// How many there were without a success between.
        in_a_row: u32,
    },
    /// The endpoint was down for longer than is waited for.
    Outage {
        /// The fault of the last probe.
        fault: Box<Fault>,
        /// How long.
        lasted: Duration,
    },
}

/// Where it stands, for people. Times are since the run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState<'a> {
    /// Calls are made.
    Closed {
        /// Since when.
        since: Duration,
    },
    /// No call is made.
    Open {
        /// Since when.
        since: Duration,
        /// When a probe may be made.
        until: Duration,
        /// The fault that opened it.
        fault: &'a Fault,
    },
    /// One call is made, to find out.
    Probing {
        /// Since when it is open.
        since: Duration,
        /// The fault that opened it.
        fault: &'a Fault,
    },
    /// No call is made any more.
    Stopped(&'a Stop),
}
