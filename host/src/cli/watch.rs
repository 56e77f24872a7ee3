//! A run as it is watched: its outcomes counted, its progress drawn, its signals heard.

use super::alarm::Alarm;
use super::signals::{self, Signalled};
use anyhow::Context;
use judge_host::Judge;
use judge_host::job::source::Position;
use judge_host::job::{Counters, Drain, IntakeReport, StopReason};
use judge_host::judge::{Run, RunError, RunReport};
use judge_host::report::{Console, Progress, ProgressView, RunFacts, Tally, Together};
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
    /// Why the run ended by itself before its input did.
    pub(super) stopped: Option<StopReason>,
    /// Why the run could not go on, if it could not.
    pub(super) ended: Result<(), RunError>,
}

/// Runs a judge over an input to its end, or to the operator's.
pub(super) async fn watch(judge: &Judge, run: Run, position: Position, console: &Console) -> anyhow::Result<Watched> {
    let counters = Arc::new(Counters::default());
    let tally = Arc::new(Mutex::new(Tally::default()));
    let drain = Drain::default();
    let _signals = signals::listen(drain.clone(), told(console, &counters)).context("cannot listen to signals")?;
    let limit = run.limit;
    let alarm = Alarm::new(judge.provider().identity(), console, &counters);
    let progress = draw(console, &alarm, Arc::clone(&counters), Arc::clone(&tally), move |taken| {
        let by_limit = limit.map(|limit| taken as f64 / limit.max(1) as f64);
        by_limit.into_iter().chain(position.fraction()).reduce(f64::max)
    });
    let begun = Instant::now();
    let counting = Arc::clone(&tally);
    let ran = judge
        .run(run, Arc::clone(&counters), &drain, move |finished| {
            lock(&counting).add(&finished.outcome, finished.label.as_deref());
        })
        .await;
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
    let (read, already_done) = (counters.read.load(Relaxed), counters.already_done.load(Relaxed));
    // What a stop gave up, or a sink did not take, has no outcome in this run: the next one reads it anew.
    let with_outcome = tally.done() + already_done;
    let cut_short = report.interrupted || ended.is_err();
    if cut_short && read > with_outcome {
        console
            .note(&format!("{} records were begun and not finished: the next run takes them up", read - with_outcome));
    }
    let facts = RunFacts {
        records: if cut_short { with_outcome } else { read },
        already_done,
        duplicates: report.intake.duplicates,
        calls: counters.calls.load(Relaxed),
        shared: counters.shared.load(Relaxed),
        hedged: counters.hedged.load(Relaxed),
        rejudged: counters.rejudged.load(Relaxed),
        quarantines: counters.quarantines.load(Relaxed),
        wall,
        parallel: judge.policy().limit.current(),
        interrupted: report.interrupted,
        together: together(judge, &counters),
    };
    Ok(Watched { tally, intake: report.intake, facts, stopped: report.stopped, ended })
}

/// How records went together, where they may.
fn together(judge: &Judge, counters: &Counters) -> Option<Together> {
    let records_max = judge.policy().records_per_request;
    (records_max > 1).then(|| Together {
        records_max,
        records: counters.together.load(Relaxed),
        attempts: counters.together_attempts.load(Relaxed),
        asked_alone: counters.asked_alone.load(Relaxed),
    })
}

/// Draws the progress until the handle is dropped.
fn draw(
    console: &Console,
    alarm: &Alarm,
    counters: Arc<Counters>,
    tally: Arc<Mutex<Tally>>,
    fraction_read: impl Fn(u64) -> Option<f64> + Send + 'static,
) -> AbortOnDropHandle<()> {
    let (mut progress, alarm) = (Progress::begin(console), alarm.clone());
    AbortOnDropHandle::new(tokio::spawn(async move {
        let mut ticks = tokio::time::interval(PROGRESS_INTERVAL);
        loop {
            ticks.tick().await;
            alarm.look();
            let (done, failed) = {
                let tally = lock(&tally);
                (tally.done(), tally.failed())
            };
            let in_flight = counters.in_flight() as u64;
            // The smaller one first: the other may have grown meanwhile.
            let already_done = counters.already_done.load(Relaxed);
            let taken = counters.read.load(Relaxed).saturating_sub(already_done);
            let fraction_read = fraction_read(taken);
            progress.update(&ProgressView { done, failed, in_flight, fraction_read });
        }
    }))
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
