//! From the source to the scheduler: each record once, those already judged not at all.

use super::source::{Read, Source, SourceError};
use super::{Counters, Drain};
use crate::model::{Fault, Record};
use crate::registry::{Registry, RegistryError, SeenIds};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::mpsc;

/// Items read ahead of the scheduler: enough that a slow disk does not show, small beside the records in flight.
const READ_AHEAD: usize = 64;
/// What tells the name of a bad row from the id of a record that is called alike.
const UNREADABLE: &str = "-unreadable";
/// Repeated ids that are told by name.
const DUPLICATES_TOLD: usize = 5;

/// One thing to work on.
#[derive(Debug)]
pub enum Item {
    /// A record to judge.
    Record {
        /// The record.
        record: Record,
        /// Which slice of the batch it is in, from 0.
        slice_id: u64,
    },
    /// A row that is no record: its outcome is this fault.
    Unreadable {
        /// `line-N`, since the row has no id that could be trusted.
        request_id: String,
        /// Why.
        fault: Fault,
        /// Which slice of the batch it is in, from 0.
        slice_id: u64,
    },
}

/// What an intake saw besides its items.
#[derive(Debug, Default)]
pub struct IntakeReport {
    /// Rows whose id an earlier row of the same input has: the first one wins.
    pub duplicates: u64,
    /// The first few of them: id and line.
    pub duplicates_first: Vec<(String, u64)>,
    /// Records without an id, which are named by their line.
    pub unnamed: u64,
    /// Why reading ended early, if it did.
    pub error: Option<IntakeError>,
}

/// Why an input cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The input itself.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The look-up of what is done.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// How an input is taken in.
pub struct Intake {
    /// What to read.
    pub source: Source,
    /// The batch that its records belong to.
    pub batch_id: String,
    /// Records a slice.
    pub slice_size: u64,
    /// Records to judge at most, bad rows included, those judged already not.
    pub limit: Option<u64>,
    /// Whether records that are judged already are judged again.
    pub rejudge: bool,
}

/// Reads on a thread of its own, since a file or a terminal may block, and since the run's end must not wait for
/// a silent stdin. The thread ends with the input, with the limit, when the receiver is dropped, or when `drain`
/// asks. The report comes once the items have ended.
pub fn intake(
    intake: Intake,
    registry: Arc<Registry>,
    counters: Arc<Counters>,
    drain: Drain,
) -> (mpsc::Receiver<Item>, tokio::sync::oneshot::Receiver<IntakeReport>) {
    let (tx, rx) = mpsc::channel(READ_AHEAD);
    let (report_tx, report_rx) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut report = IntakeReport::default();
        if let Err(error) = read_on(intake, &registry, &counters, &drain, &tx, &mut report) {
            report.error = Some(error);
        }
        // The run may be gone already; then nobody asks.
        let _ = report_tx.send(report);
    });
    (rx, report_rx)
}

fn read_on(
    intake: Intake,
    registry: &Registry,
    counters: &Counters,
    drain: &Drain,
    items: &mpsc::Sender<Item>,
    report: &mut IntakeReport,
) -> Result<(), IntakeError> {
    let Intake { mut source, batch_id, slice_size, limit, rejudge } = intake;
    let mut seen = SeenIds::open()?;
    let (mut index, mut sent) = (0, 0);
    while limit.is_none_or(|limit| sent < limit) && !drain.begun() {
        let Some(read) = source.next_row()? else {
            counters.input_ended.store(true, Relaxed);
            break;
        };
        let slice_id = index / slice_size.max(1);
        index += 1;
        let item = match read {
            Read::Unreadable { mut request_id, fault, .. } => {
                // Its name is only its line's; a record that calls itself so keeps the name.
                if !seen.first(&request_id)? || registry.judged(&batch_id, &request_id)? {
                    request_id.push_str(UNREADABLE);
                }
                Item::Unreadable { request_id, fault, slice_id }
            }
            Read::Record { record, line, named } => {
                if !seen.first(&record.request_id)? {
                    report.duplicates += 1;
                    if report.duplicates_first.len() < DUPLICATES_TOLD {
                        report.duplicates_first.push((record.request_id, line));
                    }
                    continue;
                }
                report.unnamed += u64::from(!named);
                if !rejudge && registry.judged(&batch_id, &record.request_id)? {
                    counters.read.fetch_add(1, Relaxed);
                    counters.already_done.fetch_add(1, Relaxed);
                    continue;
                }
                Item::Record { record, slice_id }
            }
        };
        counters.accepted.fetch_add(1, Relaxed);
        if items.blocking_send(item).is_err() {
            break;
        }
        sent += 1;
    }
    Ok(())
}
