//! A run as it is watched: its outcomes counted, its progress drawn, its signals heard.

use super::alarm::Alarm;
use super::facts::facts;
use super::footprint::Footprint;
use super::found;
use super::gauges::{Gauges, Readings};
use super::signals::{self, Signalled};
use anyhow::Context;
use judge_host::Judge;
use judge_host::job::source::Position;
use judge_host::job::{Counters, Drain, IntakeReport, StopReason};
use judge_host::judge::{Observed, Run, RunError, RunReport};
use judge_host::model::Parallel;
use judge_host::report::{Console, Progress, ProgressView, RecordCount, RunFacts, Tally, Wait};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::task::AbortOnDropHandle;

/// How often the progress is drawn.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// What a run came to.
pub(super) struct Watched {
    pub(super) tally: Tally,
    pub(super) intake: IntakeReport,
    pub(super) facts: RunFacts,
    /// Why it ended by itself before its input, if it did.
    pub(super) stopped: Option<StopReason>,
    /// Why the run could not go on, if it could not.
    pub(super) ended: Result<(), RunError>,
}

/// Runs a judge over an input to its end, or to the operator's.
pub(super) async fn watch(
    judge: &Judge,
    run: Run,
    position: Position,
    (parallel, gauges): (Parallel, &Arc<Gauges>),
    console: &Console,
) -> anyhow::Result<Watched> {
    let drain = Drain::default();
    let limit = run.limit;
    let started = judge.start(run, &drain);
    let observed = started.observed.clone();
    let tally = Arc::new(Mutex::new(Tally::default()));
    let _signals =
        signals::listen(drain.clone(), told(console, &observed.counters)).context("cannot listen to signals")?;
    let alarm = Alarm::new(judge.provider().identity(), console, &observed);
    let look = Look { observed: observed.clone(), tally: Arc::clone(&tally), position, limit, readings: gauges.read() };
    let progress = draw(console, &alarm, look);
    let (begun, before) = (Instant::now(), Footprint::now());
    let counting = Arc::clone(&tally);
    let ran = started.to_end(move |finished| lock(&counting).add(&finished.outcome, finished.label.as_deref())).await;
    let wall = begun.elapsed();
    // Waited for, so that the bar is gone before anything else is said.
    progress.abort();
    let _ = progress.await;
    alarm.look();
    let (report, ended) = match ran {
        Ok(report) => (report, Ok(())),
        Err(error) => (RunReport::default(), Err(error)),
    };
    let tally = std::mem::take(&mut *lock(&tally));
    let mut facts = facts(&observed, &report, parallel, judge.policy().records_per_request, wall, &before);
    // What a stop gave up, or a sink did not take, has no outcome in this run: the next one reads it anew.
    let with_outcome = tally.done() + facts.already_done;
    let cut_short = report.interrupted || report.stopped.is_some() || ended.is_err();
    if cut_short && facts.records > with_outcome {
        let begun = facts.records - with_outcome;
        console.note(&format!("{begun} records were begun and not finished: the next run takes them up"));
        facts.records = with_outcome;
    }
    Ok(Watched { tally, intake: report.intake, facts, stopped: report.stopped, ended })
}

/// Where a run is looked at.
struct Look {
    observed: Observed,
    tally: Arc<Mutex<Tally>>,
    position: Position,
    limit: Option<u64>,
    readings: Readings,
}

/// Draws the progress until the handle is dropped.
fn draw(console: &Console, alarm: &Alarm, look: Look) -> AbortOnDropHandle<()> {
    let (mut progress, alarm) = (Progress::begin(console), alarm.clone());
    AbortOnDropHandle::new(tokio::spawn(async move {
        let mut ticks = tokio::time::interval(PROGRESS_INTERVAL);
        loop {
            ticks.tick().await;
            alarm.look();
            progress.update(&look.view());
        }
    }))
}

impl Look {
    fn view(&self) -> ProgressView {
        let Observed { counters, permits, .. } = &self.observed;
        let (done, failed, cost) = {
            let tally = lock(&self.tally);
            (tally.done(), tally.failed(), tally.cost())
        };
        let waiting = permits.waiting();
        let wait = |records: usize, what| Wait { records: records as u64, what };
        ProgressView {
            done,
            failed,
            already_done: counters.already_done.load(Relaxed),
            total: self.total(),
            retries: counters.retries.load(Relaxed),
            in_flight: counters.in_flight() as u64,
            limit: permits.limit() as u64,
            waits: vec![
                wait(waiting.rate, "rate limit"),
                wait(waiting.breaker, "server down"),
                wait(counters.waiting_to_retry.waiting(), "to retry"),
                wait(counters.waiting_for_budget.waiting(), "budget"),
            ],
            cost,
            limit_state: found::at_present(&self.observed),
            gauges: self.readings.words(),
        }
    }

    /// What the input's end tells; before it the operator's limit, or the input's size: whichever is less.
    fn total(&self) -> Option<RecordCount> {
        let counters = &self.observed.counters;
        let has_ended = counters.input_ended.load(Relaxed);
        let (accepted, already_done) = (counters.accepted.load(Relaxed), counters.already_done.load(Relaxed));
        if has_ended || self.limit == Some(accepted) {
            return Some(RecordCount::Exactly(accepted + already_done));
        }
        let by_limit = self.limit.map(|limit| limit.saturating_add(already_done));
        by_limit.into_iter().chain(self.position.rows_about()).min().map(RecordCount::About)
    }
}

/// What is said when the operator asks for the end.
fn told(console: &Console, counters: &Arc<Counters>) -> impl Fn(Signalled) + Send + 'static {
    let (console, counters) = (console.clone(), Arc::clone(counters));
    move |signalled| match signalled {
        Signalled::Once => {
            let in_flight = counters.in_flight();
            console
                .note(&format!("ending: {in_flight} records in flight are finished first; Ctrl-C again stops at once"));
        }
        Signalled::Twice => console.note("stopped: what was in flight is judged again by the next run"),
    }
}

/// The tally is plain numbers: a panic while it counts leaves it whole.
fn lock(tally: &Mutex<Tally>) -> std::sync::MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
