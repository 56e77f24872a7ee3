use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// How many wait for one thing, and how long all of them have. Relaxed throughout: people are told, and nobody decides
/// by it.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: AtomicUsize,
    waited_us: AtomicU64,
}

/// One that waits, until it is dropped.
pub(super) struct Waiter<'a> {
    queue: &'a Queue,
    since: Instant,
}

impl Queue {
    /// One more that waits.
    pub(super) fn enter(&self) -> Waiter<'_> {
        self.waiting.fetch_add(1, Relaxed);
        Waiter { queue: self, since: Instant::now() }
    }

    /// How many wait now.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// Waits that have ended, together.
    pub fn waited(&self) -> Duration {
        Duration::from_micros(self.waited_us.load(Relaxed))
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let waited_us = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.queue.waited_us.fetch_add(waited_us, Relaxed);
        self.queue.waiting.fetch_sub(1, Relaxed);
    }
}
