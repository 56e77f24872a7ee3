//! One request about several records: who of the chain answered it, and how each record goes on from there.

use super::attempts::{Question, Tried, pursue};
use super::judgement::{Start, along_the_chain, judge_from, outcome};
use super::worker::after;
use super::{Deadline, Plan};
use crate::control::fallback::is_mended_by_another;
use crate::control::grouping::is_mended_alone;
use crate::model::{Cluster, Fault, FaultKind, Judged, Outcome, Record};
use crate::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// What came of a request about several records.
pub(super) struct Asked {
    epoch: u64,
    candidates: Arc<[Arc<Cluster>]>,
    /// Which of the chain gave the answer, or the fault.
    link: usize,
    /// Each record's part in it, in their order.
    pub(super) each: Vec<Part>,
}

/// What one record has of it, with its share of the cost.
pub(super) struct Part {
    pub(super) tried: Tried,
    pub(super) way: Way,
}

/// How a record goes on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Its verdict or fault is its outcome.
    Stands,
    /// Its verdict is less sure than asked for: the next of the chain is asked, too.
    Escalates,
    /// It has no verdict, and is asked about by itself.
    Alone,
}

/// Asks one of the chain after the other about all the records, until one has an answer, or a fault that no other mends.
pub(super) async fn ask(plan: &Plan, registry: &Registry, records: &[Arc<Record>], deadline: &mut Deadline) -> Asked {
    let snapshot = registry.snapshot();
    let texts = records.iter().map(|record| record.text.as_str());
    let candidates = snapshot.candidates_together(texts, plan.candidates_max, plan.first_epoch);
    let question = Question::together(records, &candidates);
    let counters = &plan.counters;
    counters.together.fetch_add(records.len() as u64, Relaxed);
    let mut link = 0;
    let mut tried = pursue(plan, plan.first(), &question, deadline).await;
    counters.together_attempts.fetch_add(tried.attempts.into(), Relaxed);
    while let Err(fault) = &tried.result
        && !is_mended_alone(fault.kind)
        && is_mended_by_another(fault.kind)
        && let Some(next) = plan.chain.get(link + 1)
    {
        counters.fell_back.fetch_add(1, Relaxed);
        tried = pursue(plan, next, &question, deadline).await.paid_for(&tried);
        counters.together_attempts.fetch_add(tried.attempts.into(), Relaxed);
        link += 1;
    }
    let parts = (0..records.len()).map(|index| Part::of(plan, link, &tried, (index, records.len())));
    let each = parts.collect();
    Asked { epoch: snapshot.epoch, candidates, link, each }
}

impl Part {
    /// The part of one of the records, by its index among so many.
    fn of(plan: &Plan, link: usize, whole: &Tried<Vec<Option<Judged>>>, (index, of): (usize, usize)) -> Part {
        let result = match &whole.result {
            Ok(each) => each[index].clone().ok_or_else(missing),
            Err(fault) => Err(Fault { usage: fault.usage.share(index, of), ..fault.clone() }),
        };
        let way = match &result {
            Ok(_) if link + 1 < plan.chain.len() && plan.goes_on_after(&result) => Way::Escalates,
            Err(fault) if is_mended_alone(fault.kind) => Way::Alone,
            Ok(_) | Err(_) => Way::Stands,
        };
        let usage = whole.usage.share(index, of);
        let (model, request_hash) = (whole.model.clone(), whole.request_hash.clone());
        let tried = Tried { result, model, request_hash, attempts: whole.attempts, latency: whole.latency, usage };
        Part { tried, way }
    }
}

impl Asked {
    /// The outcome of a record that stands.
    pub(super) fn outcome(&self, plan: &Plan, tried: Tried, record: &Record, slice_id: u64) -> Outcome {
        let outcome = outcome(plan, &plan.chain[self.link], record.request_id.clone(), slice_id, tried);
        Outcome { epoch: self.epoch, ..outcome }
    }

    /// Judges a record that does not stand by itself.
    pub(super) async fn goes_on(
        &self,
        plan: &Plan,
        registry: &Registry,
        part: &Part,
        record: &Arc<Record>,
        slice_id: u64,
        deadline: &mut Deadline,
    ) -> Outcome {
        let tried = part.tried.clone();
        if part.way == Way::Escalates {
            plan.counters.escalated.fetch_add(1, Relaxed);
            let start = Start { link: self.link + 1, standing: Some((&plan.chain[self.link], tried)) };
            let (link, tried) = along_the_chain(plan, record, &self.candidates, start, deadline).await;
            let outcome = outcome(plan, link, record.request_id.clone(), slice_id, tried);
            return Outcome { epoch: self.epoch, ..outcome };
        }
        plan.counters.asked_alone.fetch_add(1, Relaxed);
        let before = self.outcome(plan, tried, record, slice_id);
        after(&before, judge_from(plan, registry, record, slice_id, self.link, deadline).await)
    }
}

fn missing() -> Fault {
    Fault::new(FaultKind::Malformed, "the answer has no verdict on one of several records").code("verdict-count")
}
