//! Random scripts of responses, faults and bad weather through the real way of a record, from its permit to its outcome,
//! on the virtual clock. A seed that fails is told, and replays exactly.

mod fakes;
mod script;
mod watch;

use crate::control::retry::RetryPolicy;
use crate::control::retry_budget::RetryBudgetRule;
use crate::job::judgement::{Start, along_the_chain};
use crate::job::{Deadline, Drain, LaneRule, Link, Permits, Plan, Prepared, Route, schedule};
use crate::model::{Cluster, Descriptor, Record, Settings};
use crate::provider::Identity;
use crate::transport::Transport;
use fakes::{FakeProvider, FakeServer};
use script::{Judge, Lane, Script, Weather, script};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use watch::{Seen, Watch, What};

/// Seeds of the short form. `SCRIPT_SEEDS` asks for others: `10000`, or `14..15` for one that failed.
const SEEDS: Range<u64> = 0..300;
/// No run takes as long, and no timer is set further ahead: where nothing can happen any more, the clock goes on to this.
const FOR_EVER: Duration = Duration::from_hours(24 * 400);

fn plan(script: &Script, watch: &Arc<Watch>, permits: &Permits, drain: &Drain) -> Plan {
    let link = |(judge, of): (usize, &script::Judge)| {
        let id = format!("judge-{judge}");
        let descriptor = Descriptor { id: id.clone(), ..Descriptor::default() };
        let identity = Identity { descriptor, digest: id, ..Identity::default() };
        let provider = FakeProvider { watch: Arc::clone(watch), judge, identity };
        let servers = of.lanes.clone().map(|lane| {
            let server: Arc<dyn Transport> = Arc::new(FakeServer { watch: Arc::clone(watch), lane });
            (lane, server)
        });
        let route = Route::new(Arc::new(Settings::default()), None, servers, script.retries);
        Link { prepared: Arc::new(Prepared::new(Arc::new(provider), [])), route: Arc::new(route) }
    };
    let chain = script.chain.iter().enumerate().map(link).collect();
    Plan {
        escalate_below: script.escalate_below,
        retry: script.retry,
        total_timeout: script.total,
        ..super::plan(chain, permits, drain)
    }
}

async fn run(script: Script, chance: fastrand::Rng) -> Seen {
    let drain = Drain::default();
    let permits = Permits::over(script.most, script.lanes.iter().map(|lane| lane.rule.clone()));
    let watch = Arc::new(Watch::new(script, chance, permits.clone(), drain.clone()));
    let script = &watch.script;
    let plan = Arc::new(plan(script, &watch, &permits, &drain));
    let candidates: Arc<[Arc<Cluster>]> = Arc::new([Arc::new(Cluster::default())]);
    let work = |number: usize| {
        watch.begins(number);
        let (watch, plan, candidates) = (Arc::clone(&watch), Arc::clone(&plan), Arc::clone(&candidates));
        async move {
            let record = Arc::new(Record::new(number.to_string(), "a text"));
            let mut deadline = Deadline::new(plan.total_timeout);
            let (_, tried) =
                along_the_chain(&plan, &record, &candidates, Start { link: 0, standing: None }, &mut deadline).await;
            watch.outcome(number, &tried);
            number
        }
    };
    let (tx, mut results) = mpsc::channel(4);
    let items = futures_util::stream::iter(0..script.records);
    let reading = async {
        let mut outcomes = Vec::new();
        while let Some(record) = results.recv().await {
            outcomes.push(record);
        }
        outcomes
    };
    let running = timeout(FOR_EVER, async { tokio::join!(schedule(&permits, items, work, tx, &drain), reading) });
    let ending = tokio::spawn(end(script.early, drain.clone()));
    let outcomes = if let Ok(((), outcomes)) = running.await {
        outcomes
    } else {
        watch.breach("nothing can happen any more, and it is not over");
        Vec::new()
    };
    ending.abort();
    watch.close(outcomes, &plan.counters)
}

/// The operator's hand on the switch.
async fn end(early: Option<(Duration, bool)>, drain: Drain) {
    let Some((after, at_once)) = early else { return };
    sleep(after).await;
    if at_once { drain.stop_now() } else { drain.begin() }
}

fn seen(seed: u64) -> Seen {
    let mut chance = fastrand::Rng::with_seed(seed);
    let script = script(&mut chance);
    on_a_virtual_clock(script, chance)
}

fn on_a_virtual_clock(script: Script, mut chance: fastrand::Rng) -> Seen {
    // What the product leaves to chance is the same in every run of a seed.
    fastrand::seed(chance.u64(..));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(run(script, chance))
}

fn seeds() -> Range<u64> {
    let Ok(asked) = std::env::var("SCRIPT_SEEDS") else { return SEEDS };
    let number = |text: &str| text.parse().expect("`SCRIPT_SEEDS` is a number, or two with `..` between");
    match asked.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => 0..number(&asked),
    }
}

#[test]
fn whatever_servers_do_every_record_has_one_outcome_and_every_promise_holds() {
    let mut failed = Vec::new();
    for seed in seeds() {
        let mut breaches = seen(seed).breaches;
        breaches.dedup();
        failed.extend((!breaches.is_empty()).then(|| format!("seed {seed}: {breaches:?}")));
    }
    assert!(failed.is_empty(), "{} seeds failed:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..20 {
        let (once, again) = (seen(seed), seen(seed));
        assert_eq!(once.log, again.log, "seed {seed}");
        assert_eq!(once.breaches, again.breaches, "seed {seed}");
    }
}

#[test]
fn a_dead_server_beside_a_good_one_costs_no_record() {
    let server = |weathers| Lane {
        rule: LaneRule::default(),
        most: None,
        rpm: None,
        latency: Duration::from_secs(1),
        timeout: Duration::from_mins(2),
        mishaps: 0.0,
        reports: 0.0,
        weathers,
    };
    let lanes = vec![server(vec![(Duration::ZERO, FOR_EVER, Weather::Away)]), server(Vec::new())];
    let script = Script {
        records: 100,
        most: Some(5),
        chain: vec![Judge { lanes: 0..2, traps: 0.0, faults: 0.0, goes_on: 0.0, is_alone: false }],
        lanes,
        escalate_below: None,
        retry: RetryPolicy::default(),
        retries: RetryBudgetRule::default(),
        total: Duration::from_mins(10),
        early: None,
    };
    let seen = on_a_virtual_clock(script, fastrand::Rng::with_seed(1));
    assert!(seen.breaches.is_empty(), "{:?}", seen.breaches);
    let number = |is_one: fn(&What) -> bool| seen.log.iter().filter(|(_, _, what)| is_one(what)).count();
    // One answer in fifty is for a cluster that was not offered, and is asked for again.
    assert_eq!(number(|what| matches!(what, What::Outcome { fault: None, .. })), 100);
    let to_the_dead = number(|what| *what == What::Called { lane: 0 });
    assert!((5..25).contains(&to_the_dead), "{to_the_dead} calls to the dead one");
}
