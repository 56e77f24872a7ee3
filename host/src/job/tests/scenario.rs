//! One scenario: its file, and the running of it by the real scheduler, permits, retries and limit on a virtual clock.

use super::server::{Model, Reply, Server};
use crate::control::limit::{Bounds, Ending, Limit, State};
use crate::control::retry::RetryPolicy;
use crate::job::{Drain, Permits, schedule};
use crate::model::{Fault, FaultKind};
use serde::Deserialize;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

/// The longest that one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(120);

/// A scenario's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    pub(super) seed: u64,
    /// How long the run is watched; it has records without end, unless told.
    pub(super) duration_s: f64,
    pub(super) records: Option<u64>,
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
    /// Share of the time that it may be further from its median than a tenth, and one; only where faults cut it.
    #[serde(default)]
    pub(super) away_max: f64,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Ran {
    /// When each answer came, in seconds.
    pub(super) answers_s: Vec<f64>,
    /// Records that failed for good.
    pub(super) failed: u64,
    /// The limit over time, each change with its moment in seconds.
    pub(super) states: Vec<(f64, State)>,
    /// The most records in flight at one moment.
    pub(super) peak: usize,
    /// When the last record ended, in seconds.
    pub(super) ended_s: f64,
}

impl Scenario {
    pub(super) fn adaptive(&self) -> Limit {
        let LimitOf { min, max, start } = self.limit;
        Limit::adaptive(Bounds::try_new(min, max, start).expect("the file's bounds"))
    }

    /// Runs it with a limit.
    pub(super) fn run(&self, limit: Limit) -> Ran {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(self.run_on_a_virtual_clock(limit))
    }

    async fn run_on_a_virtual_clock(&self, limit: Limit) -> Ran {
        let begun = Instant::now();
        let permits = Permits::new(limit);
        let server = Server::new(&self.server, self.seed);
        let ran = Arc::new(Mutex::new(Ran { states: vec![(0.0, permits.state())], ..Ran::default() }));
        let drain = Drain::default();
        let serving = tokio::spawn(server.clone().run());
        let work = |number: u64| {
            let (server, permits, ran) = (server.clone(), permits.clone(), Arc::clone(&ran));
            let (work, seed) = (self.server.work(self.seed, number), self.seed ^ number);
            async move {
                let answered = pursue(&server, &permits, &ran, begun, work, seed).await;
                let mut ran = ran.lock().expect("no test panics here");
                let now_s = begun.elapsed().as_secs_f64();
                ran.ended_s = now_s;
                if answered { ran.answers_s.push(now_s) } else { ran.failed += 1 }
            }
        };
        let (tx, mut rx) = mpsc::channel(64);
        let items = futures_util::stream::iter(0..self.records.unwrap_or(u64::MAX));
        let ending = async {
            sleep(Duration::from_secs_f64(self.duration_s)).await;
            drain.stop_now();
            std::future::pending::<()>().await;
        };
        let reading = async { while rx.recv().await.is_some() {} };
        tokio::select! {
            _ = async { tokio::join!(schedule(&permits, items, work, tx, &drain), reading) } => {}
            () = ending => {}
        }
        serving.abort();
        let ran = ran.lock().expect("no test panics here").clone();
        ran
    }
}

/// A record's attempts, as the worker makes them; whether it was answered.
async fn pursue(
    server: &Server,
    permits: &Permits,
    ran: &Mutex<Ran>,
    begun: Instant,
    work: f64,
    seed: u64,
) -> bool {
    let mut chance = fastrand::Rng::with_seed(seed);
    let policy = RetryPolicy::default();
    for attempts in 1.. {
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
        let ending = fault.as_ref().map_or(Ending::Answered, Ending::of_fault);
        permits.ended(called.elapsed(), ending);
        {
            let (state, in_flight) = (permits.state(), permits.in_flight());
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

impl Ran {
    /// Answers a second between two moments.
    pub(super) fn rate(&self, from_s: f64, to_s: f64) -> f64 {
        let answers = self.answers_s.iter().filter(|at_s| (from_s..to_s).contains(*at_s)).count();
        answers as f64 / (to_s - from_s)
    }

    /// The limits of a span of time, and how long each held, in seconds.
    pub(super) fn limits(&self, from_s: f64, to_s: f64) -> Vec<(usize, f64)> {
        let ends = self.states.iter().skip(1).map(|(at_s, _)| *at_s).chain([f64::INFINITY]);
        let spans = self.states.iter().zip(ends);
        let spans = spans.map(|((at_s, state), end_s)| (state.limit, end_s.min(to_s) - at_s.max(from_s)));
        spans.filter(|(_, span_s)| *span_s > 0.0).collect()
    }

    /// The limit that the time is spent above and below by halves.
    pub(super) fn median(&self, from_s: f64, to_s: f64) -> usize {
        let mut limits = self.limits(from_s, to_s);
        limits.sort_unstable_by_key(|(limit, _)| *limit);
        let half = limits.iter().map(|(_, span_s)| span_s).sum::<f64>() / 2.0;
        let mut passed = 0.0;
        let found = limits.iter().find(|(_, span_s)| {
            passed += span_s;
            passed >= half
        });
        found.map_or(0, |(limit, _)| *limit)
    }

    /// The share of the time that the limit is further from its median than a tenth, and further than one.
    pub(super) fn away(&self, from_s: f64, to_s: f64) -> f64 {
        let median = self.median(from_s, to_s) as f64;
        let near = |limit: usize| (limit as f64 - median).abs() <= (median * 0.1).ceil().max(1.0);
        let away = self.limits(from_s, to_s).iter().filter(|(limit, _)| !near(*limit)).map(|(_, span_s)| span_s).sum::<f64>();
        away / (to_s - from_s)
    }

    /// Answers until the limit was settled for the first time, and when.
    pub(super) fn settled(&self) -> Option<(u64, f64)> {
        let (at_s, _) = self.states.iter().find(|(_, state)| state.settled.is_some())?;
        Some((self.answers_s.iter().take_while(|answer_s| *answer_s <= at_s).count() as u64, *at_s))
    }
}
