//! What a run that is over knows besides its outcomes.

use super::footprint::Footprint;
use super::found::Found;
use judge_host::job::Counters;
use judge_host::judge::{Observed, RunReport, ServerState};
use judge_host::model::Parallel;
use judge_host::report::{RunFacts, Server, Together};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The facts of a run that took so long, and before which the host had taken so much.
pub(super) fn facts(
    observed: &Observed,
    report: &RunReport,
    parallel: Parallel,
    records_max: usize,
    wall: Duration,
    before: &Footprint,
) -> RunFacts {
    let now = Footprint::now();
    let counters = &observed.counters;
    let count = |counter: &AtomicU64| counter.load(Relaxed);
    let Found { settled, reason } = Found::of(observed, parallel);
    let waited = observed.permits.waited();
    RunFacts {
        records: count(&counters.read),
        already_done: count(&counters.already_done),
        duplicates: report.intake.duplicates,
        calls: count(&counters.calls),
        retries: count(&counters.retries),
        shared: count(&counters.shared),
        hedged: count(&counters.hedged),
        escalated: count(&counters.escalated),
        fell_back: count(&counters.fell_back),
        rejudged: count(&counters.rejudged),
        quarantines: count(&counters.quarantines),
        wall,
        parallel,
        parallel_settled: settled,
        parallel_reason: reason,
        servers: observed.servers().into_iter().map(server).collect(),
        waited_rate: waited.rate,
        waited_server: waited.breaker,
        waited_retry: counters.waiting_to_retry.waited(),
        waited_budget: counters.waiting_for_budget.waited(),
        cpu: now.cpu_since(before),
        memory_peak_bytes: now.memory_peak_bytes,
        interrupted: report.interrupted,
        stopped: report.stopped.as_ref().map(|reason| reason.word().to_owned()),
        together: together(records_max, counters),
    }
}

/// How records went together, where they may.
fn together(records_max: usize, counters: &Counters) -> Option<Together> {
    (records_max > 1).then(|| Together {
        records_max,
        records: counters.together.load(Relaxed),
        attempts: counters.together_attempts.load(Relaxed),
        asked_alone: counters.asked_alone.load(Relaxed),
    })
}

fn server(state: ServerState) -> Server {
    let ServerState { provider, origin, lane } = state;
    let (limit, reason) = lane.limit.map(|state| (state.limit, state.to_string())).unzip();
    Server { provider, origin, limit, reason, calls: lane.calls_ended }
}
