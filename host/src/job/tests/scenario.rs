//! One scenario: its file, and the running of it by the real scheduler, permits, retries and limit on a virtual clock.

use super::ran::Ran;
use super::server::{Model, Reply, Server};
use crate::control::limit::{Bounds, Limit, State};
use crate::control::retry::RetryPolicy;
use crate::job::permits::CallEnd;
use crate::job::{Drain, Permits, schedule};
use crate::model::{Fault, FaultKind};
use futures_util::StreamExt;
use serde::Deserialize;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

/// The longest that one attempt may take.
const ATTEMPT: Duration = Duration::from_mins(2);

/// A scenario's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    pub(super) seed: u64,
    /// How long the run is watched; it has records without end, unless told.
    pub(super) duration_s: f64,
    pub(super) records: Option<u64>,
    /// Records a second that the input has; without it, always one more.
    pub(super) source_per_s: Option<f64>,
    pub(super) limit: LimitOf,
    pub(super) server: Model,
    pub(super) expect: Expect,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitOf {
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) start: usize,
}

/// What is to be found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    /// Settled for the first time after at most so many answers.
    pub(super) settles_within: Option<u64>,
    /// Throughput as a share of the best fixed limit's, from the first phase on.
    pub(super) share_min: f64,
    /// Failed records as a share of all.
    #[serde(default)]
    pub(super) failed_max: f64,
    /// Spans of time in which the limit is to be in a range, and to stay within a tenth of its median.
    pub(super) phase: Vec<Phase>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phase {
    pub(super) from_s: f64,
    pub(super) to_s: f64,
    /// The limit's median, from and to.
    pub(super) limit: [usize; 2],
    /// Answers a second of the best fixed limit there; the long form finds it anew.
    pub(super) best: f64,
    /// Share of the time that it may be further from its median than a tenth, and one; only where faults cut it.
    #[serde(default)]
    pub(super) away_max: f64,
}

impl Scenario {
    pub(super) fn adaptive(&self) -> Limit {
        let LimitOf { min, max, start } = self.limit;
        Limit::adaptive(Bounds::try_new(min, max, start).expect("the file's bounds"))
    }

    /// Runs it with a limit.
    pub(super) fn run(&self, limit: Limit) -> Ran {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        // What the product leaves to chance is the same in every run.
        fastrand::seed(self.seed);
        runtime.expect("a runtime").block_on(run_on_a_virtual_clock(self, limit))
    }
}

async fn run_on_a_virtual_clock(scenario: &Scenario, limit: Limit) -> Ran {
    let begun = Instant::now();
    let permits = Permits::new(limit);
    let server = Server::new(&scenario.server, scenario.seed);
    let ran = Arc::new(Mutex::new(Ran { states: vec![(0.0, state(&permits))], ..Ran::default() }));
    let drain = Drain::default();
    let serving = tokio::spawn(server.clone().run());
    let work = |number: u64| {
        let (server, permits, ran) = (server.clone(), permits.clone(), Arc::clone(&ran));
        let (work, seed) = (scenario.server.work(scenario.seed, number), scenario.seed ^ number);
        async move {
            let answered = pursue(&server, &permits, &ran, begun, work, seed).await;
            let mut ran = ran.lock().expect("no test panics here");
            let now_s = begun.elapsed().as_secs_f64();
            ran.ended_s = now_s;
            if answered { ran.answers_s.push(now_s) } else { ran.failed += 1 }
        }
    };
    let (tx, mut rx) = mpsc::channel(64);
    let every = scenario.source_per_s.map(|per_s| Duration::from_secs_f64(per_s.recip()));
    let items = futures_util::stream::iter(0..scenario.records.unwrap_or(u64::MAX)).then(|number| async move {
        if let Some(every) = every {
            sleep(every).await;
        }
        number
    });
    let ending = async {
        sleep(Duration::from_secs_f64(scenario.duration_s)).await;
        drain.stop_now();
        std::future::pending::<()>().await;
    };
    let reading = async { while rx.recv().await.is_some() {} };
    tokio::select! {
        _ = async { tokio::join!(schedule(&permits, items, work, tx, &drain), reading) } => {}
        () = ending => {}
    }
    serving.abort();
    let mut ran = ran.lock().expect("no test panics here");
    std::mem::take(&mut *ran)
}
fn state(permits: &Permits) -> State {
    permits.lanes()[0].limit.expect("it has a limit of its own")
}

/// A record's attempts, as the worker makes them; whether it was answered.
async fn pursue(server: &Server, permits: &Permits, ran: &Mutex<Ran>, begun: Instant, work: f64, seed: u64) -> bool {
    let mut chance = fastrand::Rng::with_seed(seed);
    let policy = RetryPolicy::default();
    for attempts in 1.. {
        // A person who must act, or an outage of half an hour, is in no scenario.
        let Ok(place) = permits.place(&[0], 0, true).await else { return false };
        let called = Instant::now();
        let reply = timeout(ATTEMPT, server.call(work)).await;
        let fault = match reply {
            Ok(Reply::Answer) => None,
            Ok(Reply::Refused { retry_after }) => {
                Some(Fault { retry_after, ..Fault::new(FaultKind::RateLimited, "slow down") })
            }
            Ok(Reply::OutOfMemory) => Some(Fault::new(FaultKind::Overloaded, "x").code("out-of-memory")),
            Ok(Reply::NoConnection) => Some(Fault::new(FaultKind::Connect, "refused")),
            Err(_) => Some(Fault::new(FaultKind::TimedOut, "late")),
        };
        let end = CallEnd { latency: called.elapsed(), fault: fault.as_ref(), tokens: None, report: None };
        place.ended(&end);
        {
            let (state, in_flight) = (state(permits), permits.in_flight());
            let mut ran = ran.lock().expect("no test panics here");
            ran.peak = ran.peak.max(in_flight);
            if ran.states.last().is_none_or(|(_, last)| *last != state) {
                ran.states.push((begun.elapsed().as_secs_f64(), state));
            }
        }
        let Some(fault) = fault else { return true };
        let Some(wait) = policy.wait(&fault, attempts, Duration::from_mins(10), chance.f64()) else { return false };
        sleep(wait).await;
    }
    false
}
