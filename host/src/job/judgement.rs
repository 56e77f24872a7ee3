//! One judgement of a record: snapshot, then one of the chain after the other, until a verdict stands.

use super::attempts::{Question, Tried, pursue};
use super::{Deadline, Link, Plan, StopReason};
use crate::control::breaker::Turning;
use crate::control::fallback::is_mended_by_another;
use crate::model::{Cluster, Fault, Judged, Outcome, Record, Step};
use crate::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The first step that the first of the chain takes for a record, or for several in one request: what `--dry-run` shows.
///
/// # Errors
/// The fault that they would end in before anything is sent.
pub async fn first_step(plan: &Plan, registry: &Registry, records: Vec<Record>) -> Result<Step, Fault> {
    let snapshot = registry.snapshot();
    let candidates = if let [alone] = records.as_slice() {
        snapshot.candidates(alone, plan.candidates_max, plan.first_epoch)?
    } else {
        let texts = records.iter().map(|record| record.text.as_str());
        snapshot.candidates_together(texts, plan.candidates_max, plan.first_epoch)
    };
    let first = plan.first();
    let job = plan.job(first, records.into_iter().map(Arc::new).collect(), &candidates).await?;
    first.prepared.provider.build_request(&job).await
}

/// One judgement of a record on the newest snapshot, within the time that the record has.
pub(super) async fn judge(
    plan: &Plan,
    registry: &Registry,
    record: &Arc<Record>,
    slice_id: u64,
    deadline: &mut Deadline,
) -> Outcome {
    judge_from(plan, registry, record, slice_id, 0, deadline).await
}

/// The same, beginning with this one of the chain.
pub(super) async fn judge_from(
    plan: &Plan,
    registry: &Registry,
    record: &Arc<Record>,
    slice_id: u64,
    link: usize,
    deadline: &mut Deadline,
) -> Outcome {
    let snapshot = registry.snapshot();
    let (link, tried) = match snapshot.candidates(record, plan.candidates_max, plan.first_epoch) {
        Ok(candidates) => along_the_chain(plan, record, &candidates, Start { link, standing: None }, deadline).await,
        Err(fault) => (plan.first(), Tried::not_at_all(fault)),
    };
    let outcome = outcome(plan, link, record.request_id.clone(), slice_id, tried);
    Outcome { epoch: snapshot.epoch, ..outcome }
}

/// The outcome of a row that is no record.
pub(super) fn unreadable(plan: &Plan, registry: &Registry, request_id: String, slice_id: u64, fault: Fault) -> Outcome {
    let outcome = outcome(plan, plan.first(), request_id, slice_id, Tried::not_at_all(fault));
    Outcome { epoch: registry.snapshot().epoch, ..outcome }
}

/// Where a record's way along the chain begins.
pub(super) struct Start<'a> {
    /// Who is asked first; there is one.
    pub(super) link: usize,
    /// What one before it came to, where the record has been there.
    pub(super) standing: Option<(&'a Link, Tried)>,
}

/// Who judged, and what came of it. A verdict stands unless it is less sure than asked for; then the next is asked, and
/// where that one has none, it stands nevertheless: it is paid for. A fault that another may mend goes on to the next, too.
pub(super) async fn along_the_chain<'a>(
    plan: &'a Plan,
    record: &Arc<Record>,
    candidates: &Arc<[Arc<Cluster>]>,
    start: Start<'a>,
    deadline: &mut Deadline,
) -> (&'a Link, Tried) {
    let Start { link: first, mut standing } = start;
    for (index, link) in plan.chain.iter().enumerate().skip(first) {
        let tried = pursue(plan, link, &Question::alone(record, candidates), deadline).await;
        let goes_on = index + 1 < plan.chain.len() && plan.goes_on_after(&tried.result);
        let (link, tried) = match standing.take() {
            Some((before, first)) if tried.result.is_err() && first.result.is_ok() => (before, first.paid_for(&tried)),
            Some((_, first)) => (link, tried.paid_for(&first)),
            None => (link, tried),
        };
        if !goes_on {
            return (link, tried);
        }
        let counted = if tried.result.is_ok() { &plan.counters.escalated } else { &plan.counters.fell_back };
        counted.fetch_add(1, Relaxed);
        standing = Some((link, tried));
    }
    standing.expect("a chain is never empty, and its last goes nowhere")
}

impl Plan {
    /// Who is asked first.
    pub(super) fn first(&self) -> &Link {
        self.chain.first().expect("a chain is never empty")
    }

    /// Takes in what a call did to its server's breaker. Where nobody can be asked any more, the run ends.
    pub(super) fn turned(&self, link: &Link, turning: Turning, server: &str) {
        let provider = &link.prepared.provider.identity().descriptor.id;
        match turning {
            Turning::Stop(stop) if self.are_stopped(&self.chain) => self.stops.stop(StopReason::of(stop, provider)),
            turning => self.stops.turned(turning, provider, server),
        }
    }

    /// Whether records wait for the servers of this one where these are left alone: there is nobody to ask after it.
    pub(super) fn waits_for(&self, link: &Link) -> bool {
        let at = self.chain.iter().position(|one| Arc::ptr_eq(&one.route, &link.route));
        at.is_none_or(|at| self.are_stopped(&self.chain[at + 1..]))
    }

    fn are_stopped(&self, links: &[Link]) -> bool {
        links.iter().all(|link| link.route.stopped(&self.permits).is_some())
    }

    pub(super) fn goes_on_after(&self, result: &Result<Judged, Fault>) -> bool {
        match result {
            Ok(judged) => self.escalate_below.is_some_and(|least| judged.confidence < least),
            Err(fault) => is_mended_by_another(fault.kind),
        }
    }
}

pub(super) fn outcome(plan: &Plan, link: &Link, request_id: String, slice_id: u64, tried: Tried) -> Outcome {
    let identity = link.prepared.provider.identity();
    Outcome {
        batch_id: plan.batch_id.clone(),
        slice_id,
        request_id,
        result: tried.result,
        provider: identity.descriptor.id.clone(),
        model: tried.model.unwrap_or_else(|| link.route.settings.model.clone()),
        component_digest: identity.digest.clone(),
        request_hash: tried.request_hash,
        epoch: 0,
        attempts: tried.attempts,
        latency: tried.latency,
        usage: tried.usage,
        overtaken: false,
    }
}
