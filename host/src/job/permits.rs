//! Permits to have a record in flight, and the lanes that its calls go by. Their numbers may change while they are held.

use crate::control::limit::{Ended, Ending, Limit, State};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Permits to have a record in flight: as many as the operator chose, or as all lanes bear together. A lane is an endpoint,
/// for one model; a call takes a place on one. Clones are the same permits.
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
    // Wakes one who waits for a permit. More than one may come free at once, so whoever gets one wakes the next.
    freed: Notify,
    // Wakes all who wait for a place on a lane: each may wait for other lanes.
    moved: Notify,
}

#[derive(Debug)]
struct Held {
    /// Records in flight at most, where the operator chose that.
    most: Option<usize>,
    in_flight: usize,
    lanes: Vec<Lane>,
}

#[derive(Debug)]
struct Lane {
    /// How many calls it bears; none where only the records are counted.
    limit: Option<Limit>,
    calls: usize,
}

/// Leave to have one record in flight, until it is dropped.
#[derive(Debug)]
pub struct Permit {
    shared: Arc<Shared>,
}

/// A place on a lane, until it is dropped.
#[derive(Debug)]
pub struct Place {
    shared: Arc<Shared>,
    lane: usize,
}

impl Permits {
    /// Permits over lanes of these limits; `most` is the operator's number, which the lanes share. Without it each lane
    /// is to have a limit.
    pub fn over(most: Option<usize>, limits: impl IntoIterator<Item = Option<Limit>>) -> Self {
        let lanes = limits.into_iter().map(|limit| Lane { limit, calls: 0 }).collect();
        let held = Mutex::new(Held { most: most.map(|most| most.max(1)), in_flight: 0, lanes });
        Permits { shared: Arc::new(Shared { begun: Instant::now(), held, freed: Notify::new(), moved: Notify::new() }) }
    }

    /// As many permits as the limit of the one lane allows at each moment.
    pub fn new(limit: Limit) -> Self {
        Permits::over(None, [Some(limit)])
    }

    /// Always this many, for one lane; 0 counts as 1.
    pub fn fixed(most: usize) -> Self {
        Permits::over(Some(most), [None])
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

    /// Waits for a place on one of these lanes. Dropping the future loses nothing.
    pub async fn place(&self, lanes: &[usize]) -> Place {
        loop {
            let moved = self.shared.moved.notified();
            if let Some(place) = self.try_place(lanes) {
                return place;
            }
            moved.await;
        }
    }

    fn try_place(&self, lanes: &[usize]) -> Option<Place> {
        let mut held = self.shared.lock();
        let free = lanes.iter().copied().filter(|lane| held.lanes[*lane].has_room());
        let lane = free.min_by_key(|lane| held.lanes[*lane].calls)?;
        held.lanes[lane].calls += 1;
        Some(Place { shared: Arc::clone(&self.shared), lane })
    }

    /// Tells a lane's limit how a call on it ended that took this long.
    pub fn ended(&self, lane: usize, latency: Duration, ending: Ending) {
        let mut held = self.shared.lock();
        let before = held.limit();
        // Read under the lock, so that the limit sees time go forwards.
        let at = self.shared.begun.elapsed();
        let in_flight = held.in_flight_of(lane);
        let Some(limit) = &mut held.lanes[lane].limit else { return };
        limit.ended(&Ended { at, latency, in_flight, ending });
        if held.limit() > before {
            self.shared.freed.notify_one();
            self.shared.moved.notify_waiters();
        }
    }

    /// Records in flight now.
    pub fn in_flight(&self) -> usize {
        self.shared.lock().in_flight
    }

    /// How many records may be in flight now.
    pub fn limit(&self) -> usize {
        self.shared.lock().limit()
    }

    /// Where the limit of a lane stands, and why; none where it has none of its own.
    pub fn state(&self, lane: usize) -> Option<State> {
        self.shared.lock().lanes.get(lane)?.limit.as_ref().map(Limit::state)
    }
}

impl Held {
    fn limit(&self) -> usize {
        let together = || self.lanes.iter().filter_map(|lane| lane.limit.as_ref()).map(Limit::current).sum::<usize>();
        self.most.unwrap_or_else(together).max(1)
    }

    /// What a lane's limit is to take for its use. Between its calls a record is on no lane; where all permits are given, what
    /// a lane lacks is on its way to it.
    fn in_flight_of(&self, lane: usize) -> usize {
        let Lane { limit, calls } = &self.lanes[lane];
        match limit {
            _ if self.lanes.len() == 1 => self.in_flight,
            Some(limit) if self.in_flight >= self.limit() => limit.current().max(*calls),
            _ => *calls,
        }
    }
}

impl Lane {
    fn has_room(&self) -> bool {
        self.limit.as_ref().is_none_or(|limit| self.calls < limit.current())
    }
}

impl Shared {
    // Nothing panics while it is locked but the assertion above, after which the count is still right.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Which lane it is on.
    pub fn lane(&self) -> usize {
        self.lane
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.lock().in_flight -= 1;
        self.shared.freed.notify_one();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.lock().lanes[self.lane].calls -= 1;
        self.shared.moved.notify_waiters();
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
        permits.ended(0, Duration::ZERO, Ending::OutOfMemory);
        assert_eq!((permits.limit(), permits.in_flight()), (8, 16));
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
            permits.ended(0, Duration::from_secs(1), Ending::Answered);
        }
        assert!(permits.limit() >= 4, "{:?}", permits.state(0));
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
