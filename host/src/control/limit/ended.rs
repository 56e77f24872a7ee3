use crate::model::{Fault, FaultKind};
use std::time::Duration;

/// One call that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When, since the run began.
    pub at: Duration,
    /// How long it took.
    pub latency: Duration,
    /// How many records were in flight at that moment, this one's included.
    pub in_flight: usize,
    /// How it ended.
    pub ending: Ending,
}

/// How a call ended, as far as the limit cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The server did its work, whatever the answer is good for.
    Answered,
    /// The server says that it is asked too much: 429, 503, 529.
    Overloaded {
        /// The wait that it asks for.
        retry_after: Option<Duration>,
    },
    /// The memory of the server's card did not hold the calls in flight.
    OutOfMemory,
    /// No answer came in time.
    TimedOut,
    /// Anything else: a refused connection, a wrong key, a fault of our own. It says nothing about the limit.
    Other,
}

impl Ending {
    /// What a fault says about the limit.
    pub fn of_fault(fault: &Fault) -> Self {
        match fault.kind {
            _ if fault.code.as_deref() == Some(Fault::OUT_OF_MEMORY) => Ending::OutOfMemory,
            FaultKind::RateLimited | FaultKind::Overloaded => Ending::Overloaded { retry_after: fault.retry_after },
            FaultKind::TimedOut => Ending::TimedOut,
            // The server generated a whole answer, and its slot was taken for as long.
            FaultKind::Malformed | FaultKind::Truncated | FaultKind::Refused => Ending::Answered,
            _ => Ending::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_say_what_the_server_did() {
        let wait = Some(Duration::from_secs(7));
        let limited = Fault { retry_after: wait, ..Fault::new(FaultKind::RateLimited, "x") };
        for (fault, ending) in [
            (limited, Ending::Overloaded { retry_after: wait }),
            (Fault::new(FaultKind::Overloaded, "x").code("503"), Ending::Overloaded { retry_after: None }),
            (Fault::new(FaultKind::Overloaded, "x").code(Fault::OUT_OF_MEMORY), Ending::OutOfMemory),
            (Fault::new(FaultKind::Unavailable, "x").code(Fault::OUT_OF_MEMORY), Ending::OutOfMemory),
            (Fault::new(FaultKind::TimedOut, "x"), Ending::TimedOut),
            (Fault::new(FaultKind::Malformed, "x"), Ending::Answered),
            (Fault::new(FaultKind::Connect, "x"), Ending::Other),
            (Fault::new(FaultKind::Memory, "the guest's own memory"), Ending::Other),
        ] {
            assert_eq!(Ending::of_fault(&fault), ending, "{fault:?}");
        }
    }
}
