//! A server on a virtual clock, by its own laws: slots, a curve of throughput over what runs at once, a queue, and what
//! goes wrong with it at which times.

use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

/// While capacity changes by itself, it is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What a refusal takes.
const REFUSAL: Duration = Duration::from_millis(50);

/// What a scenario's file says of its server. Times are seconds since the run began.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    /// Of an average call that is alone.
    latency_s: f64,
    /// Between a call's end and the next on the same slot.
    #[serde(default = "network_s")]
    network_s: f64,
    /// Calls that run at once; the others queue. Without it all run.
    slots: Option<usize>,
    /// Throughput over calls that run, as a multiple of one alone; straight between the points, flat beyond.
    curve: Vec<[f64; 2]>,
    /// Standard deviation of the calls' work, as a share of its mean; their distribution is lognormal.
    #[serde(default)]
    spread: f64,
    /// Share of long prompts among the records.
    #[serde(default)]
    long_share: f64,
    /// How many times the work of a short prompt a long one is.
    #[serde(default = "one")]
    long_factor: f64,
    /// Calls that run at once which the card's memory holds; one more, and all fail.
    out_of_memory_above: Option<usize>,
    /// How long the server is away after that.
    #[serde(default)]
    restart_s: f64,
    /// Calls that are let in at once; others get a 429.
    in_flight_max: Option<usize>,
    /// Calls a minute that are let in, by a bucket of a sixth of that; others get a 429.
    requests_per_minute: Option<f64>,
    /// Share of calls that get a 503 at any load.
    #[serde(default)]
    refused_share: f64,
    /// Until then nothing runs: the model is loaded.
    #[serde(default)]
    cold_start_s: f64,
    /// Share of the capacity over time; straight between the points.
    #[serde(default)]
    capacity: Vec<[f64; 2]>,
    /// Another tenant, who takes part of the capacity now and then.
    neighbour: Option<Neighbour>,
    /// When it does not work as usual.
    #[serde(default)]
    event: Vec<Event>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Neighbour {
    every_s: f64,
    for_s: f64,
    /// Share of the capacity that is left meanwhile.
    leaves: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    from_s: f64,
    to_s: f64,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    /// Every call gets a 429.
    Storm,
    /// No connection.
    Outage,
    /// Connections, but no answers.
    Hang,
}

fn network_s() -> f64 {
    0.005
}

fn one() -> f64 {
    1.0
}

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reply {
    Answer,
    Refused { retry_after: Option<Duration> },
    OutOfMemory,
    NoConnection,
}

impl Model {
    /// The work of the record of this number: the same in every run of the scenario.
    pub(super) fn work(&self, seed: u64, number: u64) -> f64 {
        let mut chance = fastrand::Rng::with_seed(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mean = 1.0 - self.long_share + self.long_share * self.long_factor;
        let class = if chance.f64() < self.long_share { self.long_factor } else { 1.0 };
        let variance = (1.0 + self.spread * self.spread).ln();
        let normal = (-2.0 * (1.0 - chance.f64()).ln()).sqrt() * (std::f64::consts::TAU * chance.f64()).cos();
        class / mean * (variance.sqrt() * normal - variance / 2.0).exp()
    }

    /// The same server as it is at this time, for ever: without what happens to it now and then.
    pub(super) fn as_at(&self, at_s: f64) -> Model {
        let capacity = if self.capacity.is_empty() { Vec::new() } else { vec![[0.0, straight(&self.capacity, at_s)]] };
        Model { capacity, cold_start_s: 0.0, event: Vec::new(), ..self.clone() }
    }

    fn varies(&self) -> bool {
        self.cold_start_s > 0.0 || !self.capacity.is_empty() || self.neighbour.is_some() || !self.event.is_empty()
    }

    fn happens(&self, what: What, at_s: f64) -> bool {
        self.event.iter().any(|event| event.what == what && (event.from_s..event.to_s).contains(&at_s))
    }

    fn capacity(&self, at_s: f64) -> f64 {
        if at_s < self.cold_start_s || self.happens(What::Hang, at_s) {
            return 0.0;
        }
        let own = if self.capacity.is_empty() { 1.0 } else { straight(&self.capacity, at_s) };
        let neighbour = self.neighbour.as_ref().filter(|neighbour| at_s % neighbour.every_s < neighbour.for_s);
        own * neighbour.map_or(1.0, |neighbour| neighbour.leaves)
    }

    /// How much of its work a call gets done in a second, where so many run. With less capacity the curve is the same
    /// at a smaller scale: fewer calls fill the server.
    fn speed(&self, at_s: f64, running: usize) -> f64 {
        let capacity = self.capacity(at_s);
        if capacity <= 0.0 || running == 0 {
            return 0.0;
        }
        let scaled = running as f64 / capacity;
        let first = self.curve[0];
        let total = if scaled < first[0] { first[1] * scaled / first[0] } else { straight(&self.curve, scaled) };
        capacity * total / running as f64 / self.latency_s
    }
}

/// The value at `x` of the line through these points; flat outside.
fn straight(points: &[[f64; 2]], x: f64) -> f64 {
    let after = points.iter().position(|point| point[0] > x);
    match after {
        Some(0) => points[0][1],
        None => points[points.len() - 1][1],
        Some(after) => {
            let ([x0, y0], [x1, y1]) = (points[after - 1], points[after]);
            y0 + (y1 - y0) * (x - x0) / (x1 - x0)
        }
    }
}

/// The server. Clones are the same.
#[derive(Clone)]
pub(super) struct Server {
    model: Arc<Model>,
    begun: Instant,
    rooms: Arc<Mutex<Rooms>>,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Rooms {
    // Work that each running call has got done since the beginning: all run at the same speed.
    done: f64,
    at_s: f64,
    /// By the work done at which they end; as bits, whose order is that of numbers over 0.
    running: BTreeMap<(u64, u64), oneshot::Sender<Reply>>,
    queue: VecDeque<(f64, u64, oneshot::Sender<Reply>)>,
    calls: u64,
    left: bool,
    down_until_s: f64,
    bucket: Option<(f64, f64)>,
    chance: Option<fastrand::Rng>,
}

impl Server {
    pub(super) fn new(model: &Model, seed: u64) -> Self {
        let rooms = Rooms { chance: Some(fastrand::Rng::with_seed(seed)), ..Rooms::default() };
        Server {
            model: Arc::new(model.clone()),
            begun: Instant::now(),
            rooms: Arc::new(Mutex::new(rooms)),
            changed: Arc::default(),
        }
    }

    /// One call; dropping it takes it off the server.
    pub(super) async fn call(&self, work: f64) -> Reply {
        sleep(Duration::from_secs_f64(self.model.network_s)).await;
        let reply = match self.let_in(work) {
            Ok(reply) => reply,
            Err(refused) => {
                sleep(REFUSAL).await;
                return refused;
            }
        };
        let _leaving = Leaving(self);
        reply.await.unwrap_or(Reply::NoConnection)
    }

    fn now_s(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    fn lock(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn let_in(&self, work: f64) -> Result<oneshot::Receiver<Reply>, Reply> {
        let (now_s, mut rooms, model) = (self.now_s(), self.lock(), &self.model);
        rooms.advance(model, now_s);
        if model.happens(What::Outage, now_s) || now_s < rooms.down_until_s {
            return Err(Reply::NoConnection);
        }
        let inside = rooms.running.len() + rooms.queue.len();
        let refused = model.happens(What::Storm, now_s)
            || model.in_flight_max.is_some_and(|most| inside >= most)
            || rooms.chance.as_mut().is_some_and(|chance| chance.f64() < model.refused_share);
        if refused {
            return Err(Reply::Refused { retry_after: None });
        }
        if let Some(per_minute) = model.requests_per_minute {
            let (full, per_s) = (per_minute / 6.0, per_minute / 60.0);
            let (left, at_s) = rooms.bucket.unwrap_or((full, now_s));
            let left = (left + (now_s - at_s) * per_s).min(full);
            rooms.bucket = Some(((left - 1.0).max(left.min(0.999)), now_s));
            if left < 1.0 {
                return Err(Reply::Refused { retry_after: Some(Duration::from_secs(1)) });
            }
            rooms.bucket = Some((left - 1.0, now_s));
        }
        let (tx, rx) = oneshot::channel();
        rooms.calls += 1;
        let id = rooms.calls;
        rooms.queue.push_back((work, id, tx));
        rooms.admit(model, now_s);
        self.changed.notify_one();
        Ok(rx)
    }

    /// Runs the server until it is dropped.
    pub(super) async fn run(self) {
        loop {
            let next_s = {
                let (now_s, mut rooms) = (self.now_s(), self.lock());
                rooms.advance(&self.model, now_s);
                rooms.end(&self.model, now_s);
                rooms.next_s(&self.model, now_s)
            };
            let ending = async {
                match next_s {
                    Some(next_s) => sleep_until(self.begun + Duration::from_secs_f64(next_s)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = ending => {}
                () = self.changed.notified() => {}
            }
        }
    }
}

/// A call that is given up leaves its room to others.
struct Leaving<'a>(&'a Server);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.lock().left = true;
        self.0.changed.notify_one();
    }
}

impl Rooms {
    fn advance(&mut self, model: &Model, now_s: f64) {
        // Within half a second capacity hardly changes.
        let middle_s = f64::midpoint(self.at_s, now_s);
        self.done += model.speed(middle_s, self.running.len()) * (now_s - self.at_s);
        self.at_s = now_s;
    }

    fn end(&mut self, model: &Model, now_s: f64) {
        if std::mem::take(&mut self.left) {
            self.running.retain(|_, reply| !reply.is_closed());
            self.queue.retain(|(_, _, reply)| !reply.is_closed());
        }
        if model.happens(What::Outage, now_s) {
            self.fail_all(Reply::NoConnection);
        }
        while let Some(first) = self.running.first_entry() {
            if f64::from_bits(first.key().0) > self.done + 1e-9 {
                break;
            }
            let _ = first.remove().send(Reply::Answer);
        }
        self.admit(model, now_s);
    }

    fn admit(&mut self, model: &Model, now_s: f64) {
        while self.running.len() < model.slots.unwrap_or(usize::MAX) {
            let Some((work, id, reply)) = self.queue.pop_front() else { break };
            self.running.insert(((self.done + work).to_bits(), id), reply);
        }
        if model.out_of_memory_above.is_some_and(|most| self.running.len() > most) {
            self.fail_all(Reply::OutOfMemory);
            self.down_until_s = now_s + model.restart_s;
        }
    }

    fn fail_all(&mut self, reply: Reply) {
        for (_, call) in std::mem::take(&mut self.running) {
            let _ = call.send(reply);
        }
        for (_, _, call) in std::mem::take(&mut self.queue) {
            let _ = call.send(reply);
        }
    }

    fn next_s(&self, model: &Model, now_s: f64) -> Option<f64> {
        let ((bits, _), _) = self.running.first_key_value()?;
        let speed = model.speed(now_s, self.running.len());
        let end_s = now_s + ((f64::from_bits(*bits) - self.done) / speed).max(0.0);
        let look_s = now_s + LOOK_EVERY.as_secs_f64();
        Some(if model.varies() || !end_s.is_finite() { end_s.min(look_s) } else { end_s })
    }
}
