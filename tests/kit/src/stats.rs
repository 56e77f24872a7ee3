use crate::question::Question;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{Notify, watch};

/// Different keys that are remembered; more than any test uses.
const AUTH_MAX: usize = 64;

/// What the server saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Calls that asked for an answer, whatever became of them.
    pub calls: u64,
    /// Other requests, such as listings of models and the loading of one.
    pub other_requests: u64,
    /// The most calls that were under way at once, from the end of a request to the end of its response.
    pub in_flight_peak: usize,
    /// Connections accepted.
    pub connections: u64,
    /// Calls on each record, by its id.
    pub calls_by_record: BTreeMap<String, u64>,
    /// The bodies of all calls, in order of arrival, where the script keeps them.
    pub bodies: Vec<String>,
    /// Each call on each record with the time that it came, in order of arrival, where the script keeps bodies.
    pub arrivals: Vec<(String, Instant)>,
    /// The different keys that came, without `Bearer `; none stands for a call without one.
    pub auth: Vec<Option<String>>,
}

/// The counting behind [`Stats`]. Locks are held for a look-up, never while waiting.
#[derive(Default)]
pub(crate) struct Counters {
    calls: AtomicU64,
    other_requests: AtomicU64,
    in_flight: AtomicUsize,
    in_flight_peak: AtomicUsize,
    connections: AtomicU64,
    last_system: AtomicU64,
    calls_by_record: Mutex<BTreeMap<String, u64>>,
    bodies: Mutex<Vec<String>>,
    arrivals: Mutex<Vec<(String, Instant)>>,
    auth: Mutex<BTreeSet<Option<String>>>,
    /// Told of every call.
    called: Notify,
    /// Whether held answers may go.
    released: watch::Sender<bool>,
}

/// A call under way; its end is this value's end.
pub(crate) struct InFlight(Arc<Counters>);

// The counts are read when the calls are over, and order nothing else, but the peak must be exact: the sum of
// `in_flight` is one total order by itself, so relaxed orderings do.
impl Counters {
    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn other_request(&self) {
        self.other_requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Begins a call; says which one it is, the first being 1.
    pub(crate) fn begin(self: &Arc<Self>) -> (u64, InFlight) {
        let under_way = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.in_flight_peak.fetch_max(under_way, Ordering::Relaxed);
        let call_index = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        self.called.notify_waiters();
        (call_index, InFlight(Arc::clone(self)))
    }

    /// Calls under way now.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Counts a call on its records; says how many calls each has had.
    pub(crate) fn records<'a>(&self, question: &'a Question) -> Vec<(&'a str, u64)> {
        let mut counts = lock(&self.calls_by_record);
        let count = |id: &'a str| match counts.get_mut(id) {
            Some(count) => {
                *count += 1;
                (id, *count)
            }
            None => (id, *counts.entry(id.to_owned()).or_insert(1)),
        };
        let counted = question.record_ids().map(count).collect();
        drop(counts);
        self.called.notify_waiters();
        counted
    }

    /// Whether the call before had the same system message, so that a prefix cache would hold it.
    pub(crate) fn is_cached(&self, system: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        system.hash(&mut hasher);
        let hash = hasher.finish();
        self.last_system.swap(hash, Ordering::Relaxed) == hash
    }

    pub(crate) fn keep_body(&self, body: &[u8]) {
        lock(&self.bodies).push(String::from_utf8_lossy(body).into_owned());
    }

    pub(crate) fn keep_arrivals(&self, question: &Question) {
        let now = Instant::now();
        lock(&self.arrivals).extend(question.record_ids().map(|id| (id.to_owned(), now)));
    }

    /// Waits until the counts are so.
    pub(crate) async fn until(&self, is_so: impl Fn(&Stats) -> bool) {
        loop {
            let mut called = pin!(self.called.notified());
            // From here on no call is missed, also one that comes while the counts are looked at.
            called.as_mut().enable();
            if is_so(&self.stats()) {
                return;
            }
            called.await;
        }
    }

    pub(crate) fn release(&self) {
        self.released.send_replace(true);
    }

    /// Waits for the release.
    pub(crate) async fn released(&self) {
        // Fails only where the sender is gone, and that is `self`.
        let _ = self.released.subscribe().wait_for(|released| *released).await;
    }

    pub(crate) fn keep_auth(&self, key: Option<&str>) {
        let mut auth = lock(&self.auth);
        if auth.len() < AUTH_MAX && !auth.iter().any(|known| known.as_deref() == key) {
            auth.insert(key.map(str::to_owned));
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            calls: self.calls.load(Ordering::Relaxed),
            other_requests: self.other_requests.load(Ordering::Relaxed),
            in_flight_peak: self.in_flight_peak.load(Ordering::Relaxed),
            connections: self.connections.load(Ordering::Relaxed),
            calls_by_record: lock(&self.calls_by_record).clone(),
            bodies: lock(&self.bodies).clone(),
            arrivals: lock(&self.arrivals).clone(),
            auth: lock(&self.auth).iter().cloned().collect(),
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A judge that panics ends its own connection, not the counting.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
