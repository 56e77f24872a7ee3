//! The story of records that go into one request: asked about together, their verdicts told apart by id, and whoever has
//! none asked about alone.

use super::asked::{Asked, Way, ask};
use super::grouping::{Member, Work};
use super::worker::settle;
use super::{Deadline, Finished, Plan, work};
use crate::model::{Decision, Outcome, Record};
use crate::registry::{Registry, RegistryError};
use futures_util::future::try_join_all;
use std::sync::Arc;
use tokio::time::Instant;

/// Works on what one permit is for, and commits an outcome for each record of it. No more than one request is in flight
/// at a time: records that are asked about alone come one after the other.
///
/// Dropping the future loses the calls already paid for what is not committed, and nothing else.
///
/// # Errors
/// Only where an outcome cannot be committed: then the run cannot go on.
pub async fn work_on(plan: Arc<Plan>, registry: Arc<Registry>, what: Work) -> Result<Vec<Finished>, RegistryError> {
    let members = match what {
        Work::Alone(item) => return Ok(vec![work(plan, registry, item).await?]),
        Work::Together(members) => members,
    };
    let counters = Arc::clone(&plan.counters);
    let _in_flight: Vec<_> = members.iter().map(|_| counters.enter()).collect();
    let (records, slices): (Vec<_>, Vec<_>) =
        members.into_iter().map(|Member { record, slice_id }| (Arc::new(record), slice_id)).unzip();
    let mut deadline = Deadline::new(plan.total_timeout);
    let asked = ask(&plan, &registry, &records, &mut deadline).await;
    let group = Group { plan: &plan, registry: &registry, records: &records, slices: &slices, asked: &asked };
    let mut outcomes = group.standing(deadline).await?;
    let answered_at = Instant::now();
    for (index, part) in asked.each.iter().enumerate().filter(|(_, part)| part.way != Way::Stands) {
        let mut own = deadline.excused_since(answered_at);
        let (record, slice_id) = (&records[index], slices[index]);
        let judged = asked.goes_on(&plan, &registry, part, record, slice_id, &mut own).await;
        outcomes[index] = Some(settle(&plan, &registry, record, slice_id, judged, own).await?);
    }
    let finished = outcomes.into_iter().zip(records).map(|(outcome, record)| Finished {
        outcome: outcome.expect("each record stands or goes on"),
        label: record.label.clone(),
    });
    Ok(finished.collect())
}

/// Records that were asked about together, and what came of it.
struct Group<'a> {
    plan: &'a Plan,
    registry: &'a Registry,
    records: &'a [Arc<Record>],
    slices: &'a [u64],
    asked: &'a Asked,
}

impl Group<'_> {
    /// Commits the outcomes of the records that stand; none for the others. They are paid for, and safe before further
    /// calls are made. Those that are judged again do so one at a time, as each has the turn of giving birth.
    async fn standing(&self, deadline: Deadline) -> Result<Vec<Option<Outcome>>, RegistryError> {
        let mut outcomes: Vec<Option<Outcome>> = vec![None; self.records.len()];
        let leaders = (0..self.records.len()).filter(|index| self.stands(*index) && self.leader(*index).is_none());
        for (index, outcome) in try_join_all(leaders.map(|index| self.settled(index, deadline))).await? {
            outcomes[index] = Some(outcome);
        }
        for index in 0..self.records.len() {
            let Some(leader) = self.leader(index) else { continue };
            let leaders = outcomes[leader].as_ref().and_then(proposed_name);
            outcomes[index] = Some(if leaders.is_some_and(|name| Some(folded(name)) == self.proposed_name(index)) {
                // It was born for the one before; whoever was shown the same and said the same belongs there.
                let record = &self.records[index];
                self.registry.record_assignment(self.outcome(index), Some(&record.text)).await?.outcome
            } else {
                self.settled(index, deadline).await?.1
            });
        }
        Ok(outcomes)
    }

    fn stands(&self, index: usize) -> bool {
        self.asked.each[index].way == Way::Stands
    }

    /// The first record for which a new cluster of the same name is proposed, where this is a later one.
    fn leader(&self, index: usize) -> Option<usize> {
        let name = self.proposed_name(index)?;
        (0..index).find(|earlier| self.proposed_name(*earlier).is_some_and(|other| other == name))
    }

    /// The name of the new cluster that a verdict that stands proposes, folded.
    fn proposed_name(&self, index: usize) -> Option<String> {
        let judged = self.asked.each[index].tried.result.as_ref().ok().filter(|_| self.stands(index))?;
        judged.proposal.as_ref().map(|proposal| folded(&proposal.name))
    }

    fn outcome(&self, index: usize) -> Outcome {
        let tried = self.asked.each[index].tried.clone();
        self.asked.outcome(self.plan, tried, &self.records[index], self.slices[index])
    }

    async fn settled(&self, index: usize, deadline: Deadline) -> Result<(usize, Outcome), RegistryError> {
        let (record, slice_id) = (&self.records[index], self.slices[index]);
        let settled = settle(self.plan, self.registry, record, slice_id, self.outcome(index), deadline).await?;
        Ok((index, settled))
    }
}

/// The name that a new cluster was born by.
fn proposed_name(outcome: &Outcome) -> Option<&str> {
    let judged = outcome.result.as_ref().ok().filter(|judged| judged.decision == Decision::NewCluster)?;
    judged.proposal.as_ref().map(|proposal| proposal.name.as_str())
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}
