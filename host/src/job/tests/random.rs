//! Random scripts of answers and faults of every kind, in any order, through scheduler, permits, retries and limit on
//! the virtual clock. A seed that fails is told, and replays exactly.

use crate::control::limit::{Bounds, Limit};
use crate::control::retry::RetryPolicy;
use crate::job::permits::CallEnd;
use crate::job::{Drain, Permits, schedule};
use crate::model::{Fault, FaultKind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

/// Seeds of the short form; `LIMIT_SEEDS` asks for more.
const SEEDS: u64 = 300;
/// The longest that one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(30);
/// The longest that a record may take, attempts and waits together.
const TOTAL: Duration = Duration::from_mins(5);

const FAULTS: [FaultKind; 12] = [
    FaultKind::RateLimited,
    FaultKind::Overloaded,
    FaultKind::Unavailable,
    FaultKind::TimedOut,
    FaultKind::Credentials,
    FaultKind::InvalidRequest,
    FaultKind::Refused,
    FaultKind::Truncated,
    FaultKind::Malformed,
    FaultKind::Other,
    FaultKind::Trap,
    FaultKind::Connect,
];

/// What is seen of a run.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// Each record, how many attempts it took, and when it ended.
    ended: Vec<(usize, u32, Duration)>,
    breaches: Vec<String>,
}

/// A run's script: how likely what is.
struct Script {
    records: usize,
    limit: Limit,
    most: usize,
    faults: f64,
    hangs: f64,
    out_of_memory: f64,
    latency: Duration,
}

fn script(chance: &mut fastrand::Rng) -> Script {
    let min = chance.usize(1..4);
    let most = min + chance.usize(0..40);
    let limit = if chance.bool() {
        Limit::fixed(most)
    } else {
        Limit::adaptive(Bounds::try_new(min, most, chance.usize(1..50)).expect("bounds that do not cross"))
    };
    // Some runs have hardly a fault, and some hardly an answer.
    let faults = chance.f64().powi(3);
    Script {
        records: chance.usize(1..400),
        limit,
        most,
        faults,
        hangs: chance.f64().powi(4) * 0.2,
        out_of_memory: chance.f64().powi(4) * 0.2,
        latency: Duration::from_millis(chance.u64(1..5_000)),
    }
}

/// One attempt's end: an answer after a while, a fault after a while, or nothing for ever.
async fn attempt(script: &Script, chance: &mut fastrand::Rng) -> Result<(), Fault> {
    if chance.f64() < script.hangs {
        return std::future::pending().await;
    }
    sleep(script.latency.mul_f64(chance.f64() * 2.0)).await;
    if chance.f64() < script.out_of_memory {
        return Err(Fault::new(FaultKind::Overloaded, "x").code("out-of-memory"));
    }
    if chance.f64() >= script.faults {
        return Ok(());
    }
    let kind = FAULTS[chance.usize(0..FAULTS.len())];
    let retry_after = chance.bool().then(|| Duration::from_millis(chance.u64(0..20_000)));
    Err(Fault { retry_after, ..Fault::new(kind, "x") })
}

/// A record to its end, as the worker pursues it, watched.
async fn pursue(script: &Script, permits: &Permits, seen: &Mutex<Seen>, seed: u64) -> u32 {
    let (policy, begun) = (RetryPolicy::default(), Instant::now());
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut attempts = 0;
    let mut not_before = begun;
    loop {
        attempts += 1;
        let place = permits.place(&[0], 0, true).await.expect("no breaker stops within these times");
        let called = Instant::now();
        if called < not_before {
            seen.lock().expect("no panic").breaches.push("tried again before `Retry-After`".to_owned());
        }
        let tried = timeout(ATTEMPT, attempt(script, &mut chance)).await;
        let tried = tried.unwrap_or_else(|_| Err(Fault::new(FaultKind::TimedOut, "late")));
        let end = CallEnd { latency: called.elapsed(), fault: tried.as_ref().err(), tokens: None, report: None };
        place.ended(&end);
        let Err(fault) = tried else { return attempts };
        let left = TOTAL.saturating_sub(begun.elapsed());
        let Some(wait) = policy.wait(&fault, attempts, left, chance.f64()) else { return attempts };
        not_before = Instant::now() + fault.retry_after.unwrap_or_default();
        sleep(wait).await;
    }
}

async fn run(seed: u64) -> Seen {
    let mut chance = fastrand::Rng::with_seed(seed);
    let script = Arc::new(script(&mut chance));
    let permits = Permits::new(script.limit.clone());
    let (seen, now, begun) = (Arc::new(Mutex::new(Seen::default())), Arc::new(AtomicUsize::new(0)), Instant::now());
    let work = |record: usize| {
        // The permit was given a moment ago, and nothing ran since.
        let (in_flight, limit) = (permits.in_flight(), permits.limit());
        if in_flight > limit || in_flight > script.most {
            let breach = format!("{in_flight} in flight at a limit of {limit}");
            seen.lock().expect("no panic").breaches.push(breach);
        }
        let (script, permits, seen, now) = (Arc::clone(&script), permits.clone(), Arc::clone(&seen), Arc::clone(&now));
        async move {
            let working = now.fetch_add(1, SeqCst) + 1;
            let attempts = pursue(&script, &permits, &seen, seed ^ (record as u64 + 1)).await;
            now.fetch_sub(1, SeqCst);
            let mut seen = seen.lock().expect("no panic");
            if working > script.most {
                seen.breaches.push(format!("{working} worked on at once"));
            }
            seen.ended.push((record, attempts, begun.elapsed()));
            record
        }
    };
    let (tx, mut results) = mpsc::channel(4);
    let items = futures_util::stream::iter(0..script.records);
    let drain = Drain::default();
    let reading = async {
        let mut outcomes = Vec::new();
        while let Some(record) = results.recv().await {
            outcomes.push(record);
        }
        outcomes
    };
    let ((), mut outcomes) = tokio::join!(schedule(&permits, items, work, tx, &drain), reading);
    let mut seen = std::mem::take(&mut *seen.lock().expect("no panic"));
    outcomes.sort_unstable();
    if outcomes != (0..script.records).collect::<Vec<_>>() {
        seen.breaches.push("not one outcome for each record".to_owned());
    }
    if permits.in_flight() != 0 {
        seen.breaches.push(format!("{} permits lost", permits.in_flight()));
    }
    let attempts_max = RetryPolicy::default().attempts_max;
    if seen.ended.iter().any(|(_, attempts, _)| *attempts > attempts_max) {
        seen.breaches.push("too many attempts".to_owned());
    }
    // Each record has its time, and one at least is in flight at every moment.
    let longest = (TOTAL + ATTEMPT) * u32::try_from(script.records).expect("few records");
    if begun.elapsed() > longest {
        seen.breaches.push(format!("{:?} for {} records", begun.elapsed(), script.records));
    }
    seen
}

fn on_a_virtual_clock(seed: u64) -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(run(seed))
}

#[test]
fn whatever_servers_do_every_record_has_one_outcome_below_the_limit() {
    let seeds = std::env::var("LIMIT_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    for seed in 0..seeds {
        let breaches = on_a_virtual_clock(seed).breaches;
        assert!(breaches.is_empty(), "seed {seed}: {breaches:?}");
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..20 {
        assert_eq!(on_a_virtual_clock(seed), on_a_virtual_clock(seed), "seed {seed}");
    }
}
