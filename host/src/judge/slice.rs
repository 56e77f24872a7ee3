//! Records that the caller holds, rather than a file: as a slice, in order, or as a stream, as they finish.

use super::{Judge, RunParts};
use crate::control::limit::Limit;
use crate::job::{self, Drain, Item, Plan, Work};
use crate::model::{Outcome, Record};
use crate::registry::{Registry, RegistryError};
use futures_util::{Stream, StreamExt};
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// Outcomes, or groups of them, that may wait for whoever reads them; beyond that the judging is held back.
const OUTCOMES_AHEAD: usize = 16;

impl Judge {
    /// Judges a slice of records, `parallel` at one time (none: as the judge was opened), and gives one outcome for
    /// every record, in their order. A record whose verdict is committed already is not sent again: its stored
    /// outcome is given. Where two records share an id, the first is judged and both get its outcome.
    ///
    /// Dropping the future gives up the records in flight; what is committed stays committed.
    ///
    /// # Errors
    /// Only where outcomes cannot be committed. A record that cannot be judged is an outcome with a fault.
    pub async fn judge_slice(
        &self,
        records: Vec<Record>,
        parallel: Option<usize>,
    ) -> Result<Vec<Outcome>, RegistryError> {
        let order: Vec<String> = records.iter().map(|record| record.request_id.clone()).collect();
        let mut distinct = HashMap::with_capacity(records.len());
        let firsts: Vec<_> =
            records.into_iter().filter(|record| distinct.insert(record.request_id.clone(), None).is_none()).collect();
        let mut outcomes = self.judge_stream(futures_util::stream::iter(firsts), parallel);
        while let Some(outcome) = outcomes.next().await {
            let outcome = outcome?;
            distinct.insert(outcome.request_id.clone(), Some(outcome));
        }
        let found = order.iter().map(|id| distinct.get(id).cloned().flatten());
        Ok(found.map(|outcome| outcome.expect("every record has one outcome")).collect())
    }

    /// Judges records as they come, `parallel` at one time (none: as the judge was opened), and gives their outcomes
    /// as they finish. No more records are taken than can be judged; outcomes that nobody reads hold it back.
    ///
    /// Ids are to be distinct: of two records alike that are in flight together both are judged.
    ///
    /// Dropping the stream gives up the records in flight; what is committed stays committed.
    pub fn judge_stream(
        &self,
        records: impl Stream<Item = Record> + Send + 'static,
        parallel: Option<usize>,
    ) -> Outcomes {
        let limit = parallel.map_or_else(|| self.policy.limit.clone(), Limit::fixed);
        let plans = self.plans(&self.batch_id, RunParts::default(), &limit);
        let permits = plans.now().permits.clone();
        let registry = Arc::clone(&self.registry);
        let slice_size = self.policy.slice_size.max(1);
        let (tx, finished) = mpsc::channel(OUTCOMES_AHEAD);
        let judging = tokio::spawn(async move {
            let mut index = 0;
            let items = records.map(move |record| {
                let slice_id = index / slice_size;
                index += 1;
                Item::Record { record, slice_id }
            });
            let items = job::grouped(items, plans.now().records_max);
            let work = move |work| once(plans.now(), Arc::clone(&registry), work);
            job::schedule(&permits, items, work, tx, &Drain::default()).await;
        });
        Outcomes { finished, ready: VecDeque::new(), judging: AbortOnDropHandle::new(judging) }
    }
}

/// The stored outcomes of records that have their verdict; of the others those of judging them.
async fn once(plan: Arc<Plan>, registry: Arc<Registry>, work: Work) -> Result<Vec<Outcome>, RegistryError> {
    let mut outcomes = Vec::new();
    let mut stored = |record: &Record| {
        let outcome = registry.outcome(&plan.batch_id, &record.request_id)?;
        let judged = outcome.filter(|outcome| outcome.result.is_ok());
        let is_judged = judged.is_some();
        outcomes.extend(judged);
        Ok::<_, RegistryError>(is_judged)
    };
    let left = match work {
        Work::Alone(Item::Record { record, .. }) if stored(&record)? => None,
        Work::Alone(item) => Some(Work::Alone(item)),
        Work::Together(members) => {
            let mut left = Vec::with_capacity(members.len());
            for member in members {
                if !stored(&member.record)? {
                    left.push(member);
                }
            }
            Work::on(left)
        }
    };
    if let Some(left) = left {
        let finished = job::work_on(plan, registry, left).await?;
        outcomes.extend(finished.into_iter().map(|finished| finished.outcome));
    }
    Ok(outcomes)
}

/// Outcomes as they finish; the end comes when every record has one.
pub struct Outcomes {
    finished: mpsc::Receiver<Result<Vec<Outcome>, RegistryError>>,
    /// Those that finished together and were not given yet.
    ready: VecDeque<Outcome>,
    judging: AbortOnDropHandle<()>,
}

impl Stream for Outcomes {
    type Item = Result<Outcome, RegistryError>;

    fn poll_next(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(outcome) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(outcome)));
            }
            match ready!(self.finished.poll_recv(ctx)) {
                Some(Ok(outcomes)) => self.ready.extend(outcomes),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => break,
            }
        }
        // An end that comes of a panic must not look like the end of the records.
        match ready!(Pin::new(&mut self.judging).poll(ctx)) {
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            _ => Poll::Ready(None),
        }
    }
}
