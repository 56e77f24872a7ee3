//! What a run is made of, drawn from a seed: who judges, by which servers, and what befalls those at which times.

use crate::control::breaker::BreakerRule;
use crate::control::limit::{Bounds, Limit};
use crate::control::rate::RateRule;
use crate::control::retry::RetryPolicy;
use crate::control::retry_budget::RetryBudgetRule;
use crate::job::LaneRule;
use crate::model::{Confidence, FaultKind};
use fastrand::Rng;
use std::num::NonZeroU32;
use std::time::Duration;

/// A run's script.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) records: usize,
    /// Records in flight at most, where that is fixed for all lanes together.
    pub(super) most: Option<usize>,
    pub(super) chain: Vec<Judge>,
    pub(super) lanes: Vec<Lane>,
    pub(super) escalate_below: Option<Confidence>,
    pub(super) retry: RetryPolicy,
    pub(super) retries: RetryBudgetRule,
    pub(super) total: Duration,
    /// When the operator ends the run, and whether at once.
    pub(super) early: Option<(Duration, bool)>,
}

/// One of the chain, by its habits.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) lanes: std::ops::Range<usize>,
    /// Share of its builds and readings that run into the sandbox's walls.
    pub(super) traps: f64,
    /// Share of the answers that it finds a fault in.
    pub(super) faults: f64,
    /// Share of the answers after which it wants to send once more.
    pub(super) goes_on: f64,
    /// Whether it judges without a server.
    pub(super) is_alone: bool,
}

/// A server, and what the host keeps to there.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) rule: LaneRule,
    /// The most calls that its limit may ever allow; none where only the records are counted.
    pub(super) most: Option<usize>,
    pub(super) rpm: Option<NonZeroU32>,
    pub(super) latency: Duration,
    /// The longest that the transport waits for a response.
    pub(super) timeout: Duration,
    /// Share of the calls to which something happens in any weather.
    pub(super) mishaps: f64,
    /// Share of the responses that tell of its rates.
    pub(super) reports: f64,
    /// From when to when which weather; the first that fits holds.
    pub(super) weathers: Vec<(Duration, Duration, Weather)>,
}

/// What befalls every call at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Weather {
    Fair,
    /// 429, with the wait that it asks for.
    Storm(Option<Duration>),
    /// 503.
    Busy,
    OutOfMemory,
    /// A proxy's word that nobody is behind it.
    Proxy,
    /// No connection.
    Away,
    /// A connection that breaks in the middle.
    Reset,
    /// A connection, and nothing else.
    Hang,
    /// What only a person can end.
    Person(FaultKind),
}

impl Lane {
    pub(super) fn weather(&self, at: Duration) -> Weather {
        let now = self.weathers.iter().find(|(from, to, _)| (*from..*to).contains(&at));
        now.map_or(Weather::Fair, |(_, _, weather)| *weather)
    }
}

pub(super) fn weather(chance: &mut Rng) -> Weather {
    match chance.usize(0..14) {
        0..3 => Weather::Storm(chance.bool().then(|| wait(chance))),
        3..5 => Weather::Busy,
        5 => Weather::OutOfMemory,
        6 => Weather::Proxy,
        7..10 => Weather::Away,
        10 => Weather::Reset,
        11..13 => Weather::Hang,
        _ => Weather::Person([FaultKind::Credentials, FaultKind::Quota, FaultKind::ModelNotFound][chance.usize(0..3)]),
    }
}

/// What a server asks to wait: seconds as a rule, and seldom longer than anybody waits.
pub(super) fn wait(chance: &mut Rng) -> Duration {
    let longest_ms = [20_000, 20_000, 20_000, 120_000, 5_000_000][chance.usize(0..5)];
    Duration::from_millis(chance.u64(0..longest_ms))
}

/// A share: small as a rule, and at times nearly all.
fn share(chance: &mut Rng) -> f64 {
    chance.f64().powi(4)
}

fn lane(chance: &mut Rng, counts_records: bool) -> Lane {
    let min = chance.usize(1..4);
    let most = min + chance.usize(0..16);
    let limit = if chance.bool() {
        Limit::fixed(most)
    } else {
        Limit::adaptive(Bounds::try_new(min, most, chance.usize(1..20)).expect("bounds that do not cross"))
    };
    let per_minute = |chance: &mut Rng, least, most| (chance.u8(0..4) == 0).then(|| chance.u32(least..most));
    let rpm = per_minute(chance, 20, 900).and_then(NonZeroU32::new);
    let tpm = per_minute(chance, 20_000, 900_000).and_then(NonZeroU32::new);
    let outage_max = Duration::from_secs([30, 120, 1800][chance.usize(0..3)]);
    let episodes = chance.usize(0..4);
    let weathers = (0..episodes).map(|_| {
        let from = Duration::from_secs(if chance.bool() { 0 } else { chance.u64(0..300) });
        let lasts = Duration::from_secs([20, 90, 600, 1_000_000_000][chance.usize(0..4)]).mul_f64(chance.f64());
        (from, from + lasts, weather(chance))
    });
    let weathers = weathers.collect();
    Lane {
        rule: LaneRule {
            limit: (!counts_records).then_some(limit),
            breaker: BreakerRule { outage_max, ..BreakerRule::default() },
            rate: RateRule { rpm, tpm },
        },
        most: (!counts_records).then_some(most),
        rpm,
        latency: Duration::from_millis(chance.u64(1..5_000)),
        timeout: Duration::from_secs(chance.u64(1..60)),
        mishaps: share(chance),
        reports: if chance.u8(0..3) == 0 { chance.f64() } else { 0.0 },
        weathers,
    }
}

fn judge(chance: &mut Rng, lanes: std::ops::Range<usize>) -> Judge {
    let is_alone = lanes.is_empty() && chance.u8(0..8) != 0;
    let goes_on = if chance.u8(0..4) == 0 { chance.f64() } else { 0.0 };
    let traps = if chance.u8(0..4) == 0 { share(chance) } else { 0.0 };
    Judge { lanes, traps, faults: share(chance), goes_on, is_alone }
}

pub(super) fn script(chance: &mut Rng) -> Script {
    let counts_records = chance.bool();
    let (mut lanes, mut chain) = (Vec::new(), Vec::new());
    for _ in 0..[1, 1, 2, 3][chance.usize(0..4)] {
        let own = [0, 1, 1, 1, 1, 2, 2, 3][chance.usize(0..8)];
        let first = lanes.len();
        lanes.extend((0..own).map(|_| lane(chance, counts_records)));
        chain.push(judge(chance, first..lanes.len()));
    }
    let most = counts_records || lanes.is_empty();
    let per_minute = chance.u32(0..30);
    let percent = [0, 20, 100, chance.u32(0..=100)][chance.usize(0..4)];
    Script {
        records: chance.usize(1..120),
        most: most.then(|| chance.usize(1..24)),
        chain,
        lanes,
        escalate_below: [None, Some(Confidence::Medium), Some(Confidence::High)][chance.usize(0..3)],
        retry: RetryPolicy { attempts_max: chance.u32(1..=6), ..RetryPolicy::default() },
        retries: RetryBudgetRule { percent, per_minute, first: chance.u32(0..30), saved_max: chance.u32(1..100) },
        total: Duration::from_secs([2, 30, 300, 600][chance.usize(0..4)]),
        early: (chance.u8(0..4) == 0).then(|| (Duration::from_millis(chance.u64(0..120_000)), chance.bool())),
    }
}
