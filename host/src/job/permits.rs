//! Permits whose number may change while they are held.

use crate::control::limit::{Ended, Ending, Limit, State};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Permits to have a record in flight, as many as a limit allows. Clones are the same permits.
///
/// A limit that sinks takes no permit back: none is given until enough have come back.
#[derive(Clone, Debug)]
pub struct Permits {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    begun: Instant,
    // Held for a few instructions at a time, never across an await.
    held: Mutex<Held>,
    // Wakes one waiter. More than one permit may come free at once, so whoever gets one wakes the next.
    freed: Notify,
}

#[derive(Debug)]
struct Held {
    limit: Limit,
    in_flight: usize,
}

/// Leave to have one record in flight, until it is dropped.
#[derive(Debug)]
pub struct Permit {
    shared: Arc<Shared>,
}

impl Permits {
    /// As many permits as this limit allows at each moment.
    pub fn new(limit: Limit) -> Self {
        let held = Mutex::new(Held { limit, in_flight: 0 });
        Permits { shared: Arc::new(Shared { begun: Instant::now(), held, freed: Notify::new() }) }
    }

    /// Always this many; 0 counts as 1.
    pub fn fixed(limit: usize) -> Self {
        Permits::new(Limit::fixed(limit))
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
        let limit = held.limit.current();
        if held.in_flight >= limit {
            return None;
        }
        held.in_flight += 1;
        assert!(held.in_flight <= limit, "a permit is given below the limit only");
        if held.in_flight < limit {
            self.shared.freed.notify_one();
        }
        Some(Permit { shared: Arc::clone(&self.shared) })
    }

    /// Tells the limit how a call ended that took this long.
    pub fn ended(&self, latency: Duration, ending: Ending) {
        let mut held = self.shared.lock();
        let before = held.limit.current();
        // Read under the lock, so that the limit sees time go forwards.
        let at = self.shared.begun.elapsed();
        let in_flight = held.in_flight;
        held.limit.ended(&Ended { at, latency, in_flight, ending });
        if held.limit.current() > before {
            self.shared.freed.notify_one();
        }
    }

    /// Records in flight now.
    pub fn in_flight(&self) -> usize {
        self.shared.lock().in_flight
    }

    /// Where the limit stands, and why.
    pub fn state(&self) -> State {
        self.shared.lock().limit.state()
    }
}

impl Shared {
    // Nothing panics while it is locked but the assertion above, after which the count is still right.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::limit::Bounds;

    async fn take(permits: &Permits, number: usize) -> Vec<Permit> {
        let mut taken = Vec::new();
        for _ in 0..number {
            taken.push(permits.acquire().await);
        }
        taken
    }

    async fn is_empty(permits: &Permits) -> bool {
        tokio::time::timeout(Duration::from_secs(1), permits.acquire()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_sinks_takes_nothing_back_and_gives_nothing_until_enough_came_back() {
        let permits = Permits::new(Limit::adaptive(Bounds::try_new(1, 64, 16).expect("bounds")));
        let mut taken = take(&permits, 16).await;
        assert!(is_empty(&permits).await);
        permits.ended(Duration::ZERO, Ending::OutOfMemory);
        assert_eq!((permits.state().limit, permits.in_flight()), (8, 16));
        taken.truncate(8);
        assert!(is_empty(&permits).await, "eight are in flight, and eight are allowed");
        taken.truncate(7);
        assert!(!is_empty(&permits).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_grows_wakes_who_waits() {
        let permits = Permits::new(Limit::adaptive(Bounds::try_new(1, 64, 2).expect("bounds")));
        let taken = take(&permits, 2).await;
        let waiting = tokio::spawn({
            let permits = permits.clone();
            async move { take(&permits, 2).await.len() }
        });
        for _ in 0..200 {
            tokio::time::advance(Duration::from_millis(500)).await;
            permits.ended(Duration::from_secs(1), Ending::Answered);
        }
        assert!(permits.state().limit >= 4, "{}", permits.state());
        let got = tokio::time::timeout(Duration::from_secs(1), waiting).await.expect("woken").expect("no panic");
        assert_eq!((got, taken.len()), (2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_leaves_loses_no_permit() {
        let permits = Permits::fixed(1);
        let taken = permits.acquire().await;
        for _ in 0..3 {
            assert!(is_empty(&permits).await);
        }
        drop(taken);
        assert!(!is_empty(&permits).await);
        assert_eq!(permits.in_flight(), 0);
    }
}
