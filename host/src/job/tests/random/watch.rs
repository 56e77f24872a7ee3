//! What is seen of a run, and what must never be seen. Each breach is a sentence.

use super::script::{Lane, Script};
use crate::control::rate::HOLD_MAX;
use crate::control::retry::RETRY_AFTER_MAX;
use crate::job::attempts::Tried;
use crate::job::{Counters, Drain, Permits, Waiting};
use crate::model::{Fault, FaultKind, RateReport};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_mins(1);
/// The most tokens that a call takes or is taken to take.
const TOKENS_MAX: f64 = 10_000.0;
/// What a wait may take longer than it says: a look at the rate each second, and at a probe four times in one.
const LATE: Duration = Duration::from_secs(2);

/// One thing that was seen.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Begun,
    Attempt {
        judge: usize,
    },
    Called {
        lane: usize,
    },
    Ended {
        lane: usize,
        fault: Option<FaultKind>,
    },
    /// Given up before its end.
    Cut {
        lane: usize,
    },
    Outcome {
        attempts: u32,
        fault: Option<FaultKind>,
    },
}

/// Who watches a run.
pub(super) struct Watch {
    pub(super) script: Script,
    permits: Permits,
    drain: Drain,
    begun: Instant,
    chance: Mutex<Rng>,
    seen: Mutex<Seen>,
}

/// What is seen of a run.
#[derive(Default)]
pub(super) struct Seen {
    /// When, on which record, what.
    pub(super) log: Vec<(Duration, usize, What)>,
    pub(super) breaches: Vec<String>,
    ongoing: BTreeMap<usize, Ongoing>,
    /// When a record last began to ask for a place.
    asks: BTreeMap<usize, Duration>,
    /// Attempts of a record by a judge, and the calls of the last of them.
    attempts: BTreeMap<(usize, usize), (u32, u32)>,
    /// No call of the record by the judge before this.
    floors: BTreeMap<(usize, usize), Duration>,
    /// No call on the lane before this.
    paused: Vec<Duration>,
    /// First calls and retries of each judge.
    firsts: Vec<u32>,
    retries: Vec<u32>,
    calls_unsent: u64,
    /// How long the run may take, if nothing happens beside anything else.
    longest: Duration,
    /// The least that was granted in a minute: requests and tokens.
    granted: (f64, f64),
}

#[derive(Clone, Copy)]
struct Ongoing {
    lane: usize,
    since: Duration,
    is_probe: bool,
}

/// A call on its way. Dropped without a word on its end, it was cut.
pub(super) struct Call<'a> {
    watch: &'a Watch,
    record: usize,
    lane: usize,
    is_known: bool,
}

impl Watch {
    pub(super) fn new(script: Script, chance: Rng, permits: Permits, drain: Drain) -> Self {
        let of_lanes = |least: fn(&Lane) -> Option<u32>| {
            script.lanes.iter().filter_map(least).map(f64::from).fold(f64::INFINITY, f64::min)
        };
        let granted = (of_lanes(|lane| lane.rpm.map(Into::into)), of_lanes(|lane| lane.rule.rate.tpm.map(Into::into)));
        let seen = Seen {
            paused: vec![Duration::ZERO; script.lanes.len()],
            firsts: vec![0; script.chain.len()],
            retries: vec![0; script.chain.len()],
            granted,
            ..Seen::default()
        };
        Watch { script, permits, drain, begun: Instant::now(), chance: Mutex::new(chance), seen: Mutex::new(seen) }
    }

    pub(super) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.chance.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn breach(&self, breach: impl Into<String>) {
        self.lock().breaches.push(breach.into());
    }

    /// A record was begun: the permit was given a moment ago, and nothing ran since.
    pub(super) fn begins(&self, record: usize) {
        let (in_flight, limit) = (self.permits.in_flight(), self.permits.limit());
        let lanes: Option<usize> = self.script.lanes.iter().map(|lane| lane.most).sum();
        let most = self.script.most.or(lanes).unwrap_or(0).max(1);
        if in_flight > limit || in_flight > most {
            self.breach(format!("{in_flight} in flight at a limit of {limit}, and of {most} at most"));
        }
        if self.drain.begun() {
            self.breach("a record was begun after the run was to end");
        }
        self.lock().longest += self.script.total + LATE;
        self.saw(record, What::Begun);
    }

    pub(super) fn outcome(&self, record: usize, tried: &Tried) {
        if tried.attempts > self.script.retry.attempts_max {
            self.breach(format!("{} attempts", tried.attempts));
        }
        let fault = tried.result.as_ref().err().map(|fault| fault.kind);
        self.saw(record, What::Outcome { attempts: tried.attempts, fault });
    }

    pub(super) fn attempted(&self, judge: usize, record: usize) {
        let (now, rule) = (self.now(), self.script.retries);
        let mut seen = self.lock();
        let attempts = seen.attempts.entry((record, judge)).or_default();
        *attempts = (attempts.0 + 1, 0);
        if attempts.0 > self.script.retry.attempts_max {
            seen.breaches.push("one attempt too many".to_owned());
        } else if attempts.0 > 1 && !self.script.chain[judge].lanes.is_empty() {
            // Retries are spared to servers.
            seen.retries[judge] += 1;
            let of_calls = f64::from(seen.firsts[judge]) * f64::from(rule.percent) / 100.0;
            let of_time = f64::from(rule.first) + f64::from(rule.per_minute) * now.as_secs_f64() / 60.0;
            if f64::from(seen.retries[judge]) > of_calls + of_time + 0.01 {
                let (retries, firsts) = (seen.retries[judge], seen.firsts[judge]);
                seen.breaches.push(format!("{retries} retries after {firsts} first calls and {now:?}"));
            }
        }
        drop(seen);
        self.saw(record, What::Attempt { judge });
    }

    /// The record may ask for a place now.
    pub(super) fn asks(&self, record: usize) {
        let now = self.now();
        self.lock().asks.insert(record, now);
    }

    pub(super) fn called(&self, lane: usize, record: usize) -> Call<'_> {
        let (now, judge) = (self.now(), self.judge_of(lane));
        let is_probe = self.check_lane(lane, record);
        let mut seen = self.lock();
        if now < seen.floors.get(&(record, judge)).copied().unwrap_or_default() {
            seen.breaches.push("tried again before the `Retry-After` of its own fault".to_owned());
        }
        if now < seen.paused[lane] {
            let until = seen.paused[lane];
            seen.breaches.push(format!("called at {now:?} on a lane that is paused until {until:?}"));
        }
        let attempts = seen.attempts.get_mut(&(record, judge)).expect("it is tried");
        attempts.1 += 1;
        seen.firsts[judge] += u32::from(*attempts == (1, 1));
        seen.ongoing.insert(record, Ongoing { lane, since: now, is_probe });
        drop(seen);
        self.saw(record, What::Called { lane });
        Call { watch: self, record, lane, is_known: false }
    }

    /// The call whose response is looked at.
    pub(super) fn parsing(&self, record: usize) -> Call<'_> {
        let lane = self.lock().ongoing.get(&record).expect("it is on its way").lane;
        Call { watch: self, record, lane, is_known: false }
    }

    /// Whether the lane lets a call go now; whether this one is its probe.
    fn check_lane(&self, lane: usize, record: usize) -> bool {
        let (state, now) = (self.permits.lanes().swap_remove(lane), self.now());
        let is_stopped = self.permits.stopped(&[lane]).is_some();
        let most = self.script.lanes[lane].most;
        let mut seen = self.lock();
        if is_stopped {
            seen.breaches.push("called on a lane that is asked no more".to_owned());
        }
        let is_down = state.down.is_some();
        let others = seen.ongoing.values().any(|other| other.lane == lane && other.is_probe);
        if is_down && others {
            seen.breaches.push("two calls on a lane whose breaker is open".to_owned());
        }
        // Who waited for its turn at the rate has had its place for longer, and took it below another limit.
        let is_at_once = seen.asks.get(&record) == Some(&now);
        let over = |limit: usize| state.calls > limit;
        if !is_down && is_at_once && state.limit.is_some_and(|limit| over(limit.limit)) {
            let (calls, limit) = (state.calls, state.limit);
            seen.breaches.push(format!("{calls} calls on a lane with {limit:?}"));
        }
        if !is_down && most.is_some_and(over) {
            seen.breaches.push(format!("{} calls on a lane with {most:?} at most", state.calls));
        }
        is_down
    }

    fn judge_of(&self, lane: usize) -> usize {
        self.script.chain.iter().position(|judge| judge.lanes.contains(&lane)).expect("somebody's lane")
    }

    fn call_ended(&self, call: &Call<'_>, fault: Option<&Fault>) {
        let (now, judge, lane) = (self.now(), self.judge_of(call.lane), call.lane);
        let mut seen = self.lock();
        let Some(ongoing) = seen.ongoing.remove(&call.record) else { return };
        seen.longest += now.saturating_sub(ongoing.since) + MINUTE / 4 + LATE;
        let asked = fault.and_then(|fault| fault.retry_after);
        seen.longest += asked.unwrap_or_default().min(RETRY_AFTER_MAX);
        if let Some(wait) = asked {
            seen.floors.insert((call.record, judge), now + wait);
            let for_all = [FaultKind::RateLimited, FaultKind::Overloaded, FaultKind::Unavailable];
            if fault.is_some_and(|fault| for_all.contains(&fault.kind)) {
                seen.paused[lane] = seen.paused[lane].max(now + wait.min(HOLD_MAX));
            }
        }
        seen.calls_unsent +=
            u64::from(fault.is_some_and(|fault| !fault.request_sent && fault.kind == FaultKind::Connect));
    }

    /// A server tells of its rate.
    pub(super) fn granted(&self, report: &RateReport) {
        let mut seen = self.lock();
        let grants = |limit: Option<u64>| limit.map_or(f64::INFINITY, |limit| limit as f64);
        seen.granted.0 = seen.granted.0.min(grants(report.requests.limit));
        seen.granted.1 = seen.granted.1.min(grants(report.tokens.limit));
        for reset in [report.requests.reset, report.tokens.reset] {
            seen.longest += reset.unwrap_or_default().min(HOLD_MAX);
        }
    }

    /// What is to hold when all is over. `outcomes` are those that were read.
    pub(super) fn close(&self, mut outcomes: Vec<usize>, counters: &Counters) -> Seen {
        let took = self.now();
        self.check_nothing_is_lost();
        let mut seen = std::mem::take(&mut *self.lock());
        let begun = seen.log.iter().filter(|(_, _, what)| *what == What::Begun).count();
        let is_whole = !self.drain.begun();
        let is_stopped = self.script.early.is_some_and(|(_, at_once)| at_once) && !is_whole;
        outcomes.sort_unstable();
        let expected: Vec<_> = (0..if is_whole { self.script.records } else { begun }).collect();
        if outcomes != expected && !is_stopped {
            seen.breaches.push(format!("{} outcomes of {} records", outcomes.len(), expected.len()));
        }
        if outcomes.windows(2).any(|two| two[0] == two[1]) {
            seen.breaches.push("two outcomes of one record".to_owned());
        }
        let calls = self.calls(&mut seen);
        if counters.calls.load(Relaxed) != calls - seen.calls_unsent {
            seen.breaches.push(format!("{calls} calls, and counted {:?}", counters.calls));
        }
        let slot = MINUTE.mul_f64(1.1 / seen.granted.0 + 1.1 * TOKENS_MAX / seen.granted.1);
        let longest = seen.longest + slot.mul_f64(calls as f64 + 1.0) + LATE;
        if took > longest {
            seen.breaches.push(format!("it took {took:?}, and may take {longest:?}"));
        }
        seen
    }

    fn check_nothing_is_lost(&self) {
        let (permits, waiting) = (self.permits.in_flight(), self.permits.waiting());
        if permits != 0 || waiting != Waiting::default() {
            self.breach(format!("{permits} permits are lost, and {waiting:?}"));
        }
        for lane in self.permits.lanes() {
            if lane.calls != 0 || lane.rate.in_flight != 0 || lane.rate.waiting != 0 {
                self.breach(format!("a place is lost: {lane:?}"));
            }
        }
    }

    /// How many calls there were; none too many in any minute.
    fn calls(&self, seen: &mut Seen) -> u64 {
        let mut calls = 0;
        for (index, lane) in self.script.lanes.iter().enumerate() {
            let of_lane = |what: &What| *what == What::Called { lane: index };
            let at: Vec<_> = seen.log.iter().filter(|(_, _, what)| of_lane(what)).map(|(at, _, _)| *at).collect();
            calls += at.len() as u64;
            let Some(rpm) = lane.rpm else { continue };
            let rpm = rpm.get() as usize;
            if at.windows(rpm + 1).any(|calls| calls[rpm].saturating_sub(calls[0]) < MINUTE) {
                seen.breaches.push(format!("more than {rpm} requests in a minute"));
            }
        }
        calls
    }

    fn saw(&self, record: usize, what: What) {
        let now = self.now();
        self.lock().log.push((now, record, what));
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Call<'_> {
    pub(super) fn lane(&self) -> usize {
        self.lane
    }

    /// A response has come; what it means is not known yet.
    pub(super) fn goes_on(mut self) {
        self.is_known = true;
    }

    pub(super) fn ended(mut self, fault: Option<&Fault>) {
        self.is_known = true;
        self.watch.call_ended(&self, fault);
        self.watch.saw(self.record, What::Ended { lane: self.lane, fault: fault.map(|fault| fault.kind) });
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.is_known {
            self.watch.call_ended(self, None);
            self.watch.saw(self.record, What::Cut { lane: self.lane });
        }
    }
}
