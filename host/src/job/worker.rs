//! The whole story of one record, top to bottom: judged, perhaps judged again because others were quicker, committed.

use super::intake::Item;
use super::judgement::{judge, unreadable};
use super::{Deadline, Plan};
use crate::model::{Births, Outcome, Record};
use crate::registry::{BirthTurn, Recorded, Registry, RegistryError};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// How often a record is judged again. It waits for its turn first, in which nobody overtakes it, so once is enough, or
/// twice where a birth was on its way when the turn began. To judge it beside others before it has its turn costs three
/// more calls for each that it saves time (`cargo xtask twins`, at 2,000 records: 1,556 further calls, and 362 so).
const REJUDGED_MAX: u32 = 3;

/// A committed outcome, with what the report compares it to.
#[derive(Clone, Debug)]
pub struct Finished {
    /// What was committed.
    pub outcome: Outcome,
    /// The right cluster, where the record told it.
    pub label: Option<String>,
}

/// Judges one item of the input and commits its outcome, verdict or fault.
///
/// Dropping the future loses the calls already paid for this record, and nothing else: the record is judged
/// again by the next run, unless its commit had reached the store.
///
/// # Errors
/// Only where the outcome cannot be committed: then the run cannot go on.
pub async fn work(plan: Arc<Plan>, registry: Arc<Registry>, item: Item) -> Result<Finished, RegistryError> {
    let counters = Arc::clone(&plan.counters);
    let _in_flight = counters.enter();
    match item {
        Item::Record { record, slice_id } => {
            let record = Arc::new(record);
            let mut deadline = Deadline::new(plan.total_timeout);
            let judged = judge(&plan, &registry, &record, slice_id, &mut deadline).await;
            let outcome = settle(&plan, &registry, &record, slice_id, judged, deadline).await?;
            Ok(Finished { outcome, label: record.label.clone() })
        }
        Item::Unreadable { request_id, fault, slice_id } => {
            let outcome = unreadable(&plan, &registry, request_id, slice_id, fault);
            let committed = registry.record_assignment(outcome, None).await?;
            Ok(Finished { outcome: committed.outcome, label: None })
        }
    }
}

/// Commits what a record was judged, once that stands. A new cluster that was proposed while others were born is
/// judged again on the newest snapshot, as the judge might have chosen one of those. What was paid for is not thrown away:
/// where judging again fails, or the record's time is over, the proposal before it is committed as it is, and marked.
pub(super) async fn settle(
    plan: &Plan,
    registry: &Registry,
    record: &Arc<Record>,
    slice_id: u64,
    judged: Outcome,
    mut deadline: Deadline,
) -> Result<Outcome, RegistryError> {
    // A record that names its candidates is shown no newborn, so judging it again would ask the same once more.
    let births = if record.candidates.is_some() { Births::Free } else { plan.births };
    let mut proposed = match commit(registry, judged, record, births, None).await? {
        Recorded::Committed(committed) => return Ok(committed.outcome),
        Recorded::Overtaken(outcome) => outcome,
    };
    // Its own time stands still: others have the turn before it, however many are in flight.
    let turn = deadline.excused(registry.birth_turn()).await?;
    for _ in 0..REJUDGED_MAX {
        plan.counters.rejudged.fetch_add(1, Relaxed);
        let again = after(&proposed, judge(plan, registry, record, slice_id, &mut deadline).await);
        if again.result.is_err() {
            // The row tells of the judgement that stands; the one that failed has cost its time and money.
            proposed = Outcome { latency: again.latency, usage: again.usage, ..proposed };
            break;
        }
        match commit(registry, again, record, births, Some(&turn)).await? {
            Recorded::Committed(committed) => return Ok(committed.outcome),
            Recorded::Overtaken(outcome) => proposed = outcome,
        }
    }
    stands(registry, proposed, record).await
}

/// Commits a proposal as it is, though it was overtaken.
async fn stands(registry: &Registry, proposed: Outcome, record: &Record) -> Result<Outcome, RegistryError> {
    let marked = Outcome { overtaken: true, ..proposed };
    Ok(registry.record_assignment(marked, Some(&record.text)).await?.outcome)
}

async fn commit(
    registry: &Registry,
    outcome: Outcome,
    record: &Record,
    births: Births,
    turn: Option<&BirthTurn<'_>>,
) -> Result<Recorded, RegistryError> {
    registry.record(outcome, Some(&record.text), births, turn).await
}

/// The outcome with what the judgements before it cost. Its attempts are its own: to be judged again is no retry.
pub(super) fn after(before: &Outcome, now: Outcome) -> Outcome {
    let mut usage = before.usage;
    usage.add(&now.usage);
    Outcome { latency: before.latency + now.latency, usage, ..now }
}
