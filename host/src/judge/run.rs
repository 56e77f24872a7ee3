//! A whole input through the judge: read, judge, commit, write; and what to say of it at the end.

use super::plans::Plans;
use super::{Judge, Observed, RunParts};
use crate::job::sink::Sink;
use crate::job::source::Source;
use crate::job::{self, Counters, Drain, Finished, Intake, IntakeError, IntakeReport, StopReason, Stops, Trace};
use crate::registry::RegistryError;
use futures_util::StreamExt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Finished records, or groups of them, that may wait for the sink; beyond that a slow reader of the output holds the judging back.
const WRITE_AHEAD: usize = 64;
/// How long a run that ended early waits for what its reading has to say.
const INTERRUPTED_PATIENCE: Duration = Duration::from_millis(200);

/// What to judge, and where to.
pub struct Run {
    /// What to read.
    pub source: Source,
    /// Where the rows go.
    pub sink: Box<dyn Sink>,
    /// The batch that the outcomes are committed under.
    pub batch_id: String,
    /// Records to judge at most, bad rows included, those judged already not.
    pub limit: Option<u64>,
    /// Whether records that are judged already are judged again.
    pub rejudge: bool,
    /// Where its calls are told of; none where nobody asked for it.
    pub trace: Option<Trace>,
}

/// What a run saw besides its outcomes.
#[derive(Debug, Default)]
pub struct RunReport {
    /// What the reading saw.
    pub intake: IntakeReport,
    /// Whether the run was asked to end before its input did.
    pub interrupted: bool,
    /// Why the run ended by itself before its input did.
    pub stopped: Option<StopReason>,
}

/// Why a run could not go on. What was committed stays committed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The input cannot be read on.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// An outcome cannot be committed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A row cannot be written.
    #[error("cannot write the output")]
    Sink(#[source] io::Error),
}

impl RunError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            RunError::Intake(IntakeError::Source(error)) => error.hint(),
            RunError::Intake(IntakeError::Registry(error)) | RunError::Registry(error) => error.hint(),
            RunError::Sink(_) => {
                Some("nothing judged is lost: the same command again writes the committed rows anew".to_owned())
            }
        }
    }
}

/// A run that is made ready, and has read and sent nothing yet.
pub struct Started<'a> {
    /// What it counts, waits for and ends by, for those who watch it.
    pub observed: Observed,
    judge: &'a Judge,
    run: Run,
    plans: Plans,
    asked: Drain,
    drain: Drain,
}

impl Judge {
    /// Makes a run over an input ready. It ends with its input, or when `drain` asks.
    pub fn start(&self, mut run: Run, drain: &Drain) -> Started<'_> {
        let asked = drain.clone();
        let drain = drain.child();
        let (counters, stops) = (Arc::default(), Arc::new(Stops::by(drain.clone())));
        let trace = run.trace.take();
        let parts = RunParts {
            counters: Arc::clone(&counters),
            stops: Arc::clone(&stops),
            trace,
            ledger: self.policy.ledger(),
        };
        let plans = self.plans(&run.batch_id, parts, &self.policy.limit);
        let observed = Observed::new(counters, stops, plans.now().permits.clone(), &self.seats);
        Started { observed, judge: self, run, plans, asked, drain }
    }
}

impl Started<'_> {
    /// Judges the input to its end. `each` is told of every record that is committed and written, on the thread that
    /// writes.
    ///
    /// Dropping the future gives up the records in flight; what is committed stays committed.
    ///
    /// # Errors
    /// Where the input, the registry or the sink fails: then nothing further is begun. A sink that fails lets the
    /// records in flight finish, since their calls are paid; a registry that fails gives them up.
    pub async fn to_end(self, each: impl FnMut(&Finished) + Send + 'static) -> Result<RunReport, RunError> {
        let Started { observed, judge, run, plans, asked, drain } = self;
        let Observed { counters, stops, permits, .. } = observed;
        let registry = &judge.registry;
        let ledger = plans.now().ledger.clone();
        let intake = Intake {
            source: run.source,
            batch_id: run.batch_id,
            slice_size: judge.policy.slice_size,
            limit: run.limit,
            rejudge: run.rejudge,
        };
        let (items, report) = job::intake(intake, Arc::clone(registry), Arc::clone(&counters), drain.clone());
        let (results_tx, results) = mpsc::channel(WRITE_AHEAD);
        let writing = {
            let (drain, counters) = (drain.clone(), Arc::clone(&counters));
            tokio::task::spawn_blocking(move || write(results, run.sink, each, &drain, &counters))
        };
        let items = match &ledger {
            None => ReceiverStream::new(items).boxed(),
            Some(ledger) => Arc::clone(ledger)
                .lasting(ReceiverStream::new(items), Arc::clone(&counters), Arc::clone(&stops))
                .boxed(),
        };
        let items = job::grouped(items, plans.now().records_max);
        let work = |work| {
            let (working, drain) = (job::work_on(plans.now(), Arc::clone(registry), work), drain.clone());
            let ledger = ledger.clone();
            async move {
                let worked = working.await;
                if let (Some(ledger), Ok(finished)) = (&ledger, &worked) {
                    for one in finished {
                        ledger.settle(&one.outcome.request_id);
                    }
                }
                // At once, and not when the writer comes to it: whatever begins now would be paid for nothing.
                if worked.is_err() {
                    drain.stop_now();
                }
                worked
            }
        };
        job::schedule(&permits, items, work, results_tx, &drain).await;
        let written = writing.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        written?;
        let interrupted = asked.begun();
        // A silent stdin may never end the reading; then its report is not waited for.
        let patience = if drain.begun() { INTERRUPTED_PATIENCE } else { Duration::MAX };
        let report = tokio::time::timeout(patience, report).await;
        let mut intake = report.ok().and_then(Result::ok).unwrap_or_default();
        match intake.error.take() {
            Some(error) => Err(error.into()),
            None => Ok(RunReport { intake, interrupted, stopped: stops.reason().cloned() }),
        }
    }
}

/// Writes what is committed until the results end. Rows reach the operating system as soon as none is waiting.
fn write(
    mut results: mpsc::Receiver<Result<Vec<Finished>, RegistryError>>,
    mut sink: Box<dyn Sink>,
    mut each: impl FnMut(&Finished),
    drain: &Drain,
    counters: &Counters,
) -> Result<(), RunError> {
    let mut failed = None;
    while let Some(result) = results.blocking_recv() {
        let done = match result {
            // The first failure is told; what comes after it is committed and can be written by the next run.
            _ if failed.is_some() => Ok(()),
            Ok(finished) => finished
                .iter()
                .try_for_each(|one| sink.write(&one.outcome))
                .and_then(|()| if results.is_empty() { sink.flush() } else { Ok(()) })
                .map(|()| finished.iter().for_each(&mut each))
                .map_err(RunError::Sink),
            Err(error) => Err(RunError::Registry(error)),
        };
        match done {
            Ok(()) => {}
            Err(error @ RunError::Sink(_)) => {
                drain.begin();
                failed = Some(error);
            }
            Err(error) => {
                drain.stop_now();
                failed = Some(error);
            }
        }
    }
    match failed {
        Some(error) => Err(error),
        None => sink.finish(counters.input_ended.load(Relaxed)).map_err(RunError::Sink),
    }
}
