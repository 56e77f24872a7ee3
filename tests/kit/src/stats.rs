use crate::question::Question;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Different keys that are remembered; more than any test uses.
const AUTH_MAX: usize = 64;

/// What the server saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Calls that asked for an answer, whatever became of them.
    pub calls: u64,
    /// Other requests, such as listings of models.
    pub other_requests: u64,
    /// The most calls that were under way at once, from the head of a request to the end of its response.
    pub in_flight_peak: usize,
    /// Connections accepted.
    pub connections: u64,
    /// Calls on each record, by its id.
    pub calls_by_record: BTreeMap<String, u64>,
    /// The bodies of all calls, in order of arrival, where the script keeps them.
    pub bodies: Vec<String>,
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
    auth: Mutex<BTreeSet<Option<String>>>,
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
        (self.calls.fetch_add(1, Ordering::Relaxed) + 1, InFlight(Arc::clone(self)))
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
        question.record_ids().map(count).collect()
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
