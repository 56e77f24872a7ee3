use super::Queue;
use crate::control::quarantine::Onset;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// What a run counts while it goes on. Relaxed throughout: each number stands alone, and nobody decides by them.
#[derive(Debug, Default)]
pub struct Counters {
    /// Records taken from the input, bad lines included, repeated ids and what was only read ahead not.
    pub read: AtomicU64,
    /// Records and bad lines that are to be judged in this run, as far as the input was read, also ahead.
    pub accepted: AtomicU64,
    /// Records that an earlier run had judged.
    pub already_done: AtomicU64,
    /// Requests that the server saw, or may have seen.
    pub calls: AtomicU64,
    /// Requests that were not sent, as another record of the same text had the same answered.
    pub shared: AtomicU64,
    /// Second requests beside one that took unusually long; they are among the calls.
    pub hedged: AtomicU64,
    /// Verdicts that were asked for again, as clusters had been born meanwhile.
    pub rejudged: AtomicU64,
    /// Attempts after the first at one judgement by one provider.
    pub retries: AtomicU64,
    /// Verdicts that were not sure enough, and went on to the next in the chain.
    pub escalated: AtomicU64,
    /// Faults of one in the chain that went on to the next.
    pub fell_back: AtomicU64,
    /// Records that were asked about together with others.
    pub together: AtomicU64,
    /// Attempts at all these groups.
    pub together_attempts: AtomicU64,
    /// Those of the records that had no verdict from it, and were asked about alone.
    pub asked_alone: AtomicU64,
    /// Records that wait for others to be settled, before the budget lets them begin.
    pub waiting_for_budget: Queue,
    /// Records that wait before they are tried again.
    pub waiting_to_retry: Queue,
    /// Whether the input was read to its end.
    pub input_ended: AtomicBool,
    /// How often a component was put into quarantine.
    pub quarantines: AtomicU64,
    /// The first time that one was, to be told when it happens.
    pub first_quarantine: OnceLock<Onset>,
    in_flight: AtomicUsize,
}

impl Counters {
    /// Records being judged right now.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Counts a quarantine, where one begins. To give a component up is the end of its last, and none of its own.
    pub(super) fn quarantined(&self, onset: Option<Onset>) {
        if let Some(onset) = onset.filter(|onset| onset.length.is_some()) {
            self.quarantines.fetch_add(1, Relaxed);
            let _ = self.first_quarantine.set(onset);
        }
    }

    /// Counts one record as read, and as in flight until the guard is dropped.
    pub(super) fn enter(&self) -> InFlight<'_> {
        self.read.fetch_add(1, Relaxed);
        self.in_flight.fetch_add(1, Relaxed);
        InFlight(self)
    }
}

pub(super) struct InFlight<'a>(&'a Counters);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}
