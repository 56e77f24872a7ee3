//! One judgement of a record: snapshot, job, attempts, check.

use super::{Plan, echo, hash, verdict};
use crate::model::{
    Answer, Cluster, Fault, FaultKind, HttpRequest, HttpResponse, Job, Judged, Outcome, Record, Step, Usage,
};
use crate::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// The most requests of one job; the contract says so.
pub const SENDS_MAX: usize = 3;

/// The first step that a provider takes for a record: what `--dry-run` shows.
///
/// # Errors
/// The fault that the record would end in before anything is sent.
pub async fn first_step(plan: &Plan, registry: &Registry, record: Record) -> Result<Step, Fault> {
    let candidates = registry.snapshot().candidates(&record, plan.candidates_max, plan.first_epoch)?;
    let job = plan.job(&Arc::new(record), &candidates).await?;
    plan.prepared.provider.build_request(&job).await
}

/// One judgement of a record on the newest snapshot, within the time that the record has had since it was `begun`.
pub(super) async fn judge(
    plan: &Plan,
    registry: &Registry,
    record: &Arc<Record>,
    slice_id: u64,
    begun: Instant,
) -> Outcome {
    let snapshot = registry.snapshot();
    let tried = match snapshot.candidates(record, plan.candidates_max, plan.first_epoch) {
        Ok(candidates) => pursue(plan, record, &candidates, begun).await,
        Err(fault) => Tried::not_at_all(fault),
    };
    let outcome = outcome(plan, record.request_id.clone(), slice_id, tried);
    Outcome { epoch: snapshot.epoch, ..outcome }
}

/// The outcome of a row that is no record.
pub(super) fn unreadable(plan: &Plan, registry: &Registry, request_id: String, slice_id: u64, fault: Fault) -> Outcome {
    let outcome = outcome(plan, request_id, slice_id, Tried::not_at_all(fault));
    Outcome { epoch: registry.snapshot().epoch, ..outcome }
}

/// What came of a record, and what it took.
struct Tried {
    result: Result<Judged, Fault>,
    model: Option<String>,
    request_hash: String,
    attempts: u32,
    latency: Duration,
    usage: Usage,
}

impl Tried {
    fn not_at_all(fault: Fault) -> Self {
        Tried {
            result: Err(fault),
            model: None,
            request_hash: String::new(),
            attempts: 0,
            latency: Duration::ZERO,
            usage: Usage::default(),
        }
    }
}

fn outcome(plan: &Plan, request_id: String, slice_id: u64, tried: Tried) -> Outcome {
    let identity = plan.prepared.provider.identity();
    Outcome {
        batch_id: plan.batch_id.clone(),
        slice_id,
        request_id,
        result: tried.result,
        provider: identity.descriptor.id.clone(),
        model: tried.model.unwrap_or_else(|| plan.settings.model.clone()),
        component_digest: identity.digest.clone(),
        request_hash: tried.request_hash,
        epoch: 0,
        attempts: tried.attempts,
        latency: tried.latency,
        usage: tried.usage,
        overtaken: false,
    }
}

/// Attempts until there is a verdict or the policy ends it; while the component is in quarantine, none.
async fn pursue(plan: &Plan, record: &Arc<Record>, candidates: &Arc<[Arc<Cluster>]>, begun: Instant) -> Tried {
    let judging = Instant::now();
    let mut tried = Tried::not_at_all(Fault::new(FaultKind::Other, "no attempt was made"));
    let ward = plan.wards.of(&plan.prepared.provider.identity().digest);
    loop {
        let left = plan.total_timeout.saturating_sub(begun.elapsed());
        let entry = match ward.enter(left).await {
            Ok(entry) => entry,
            // What the record was tried for says more than that it is not tried again.
            Err(_) if tried.attempts > 0 => break,
            Err(fault) => {
                tried.result = Err(fault);
                break;
            }
        };
        tried.attempts += 1;
        let left = plan.total_timeout.saturating_sub(begun.elapsed());
        tried.result = match tokio::time::timeout(left, attempt(plan, record, candidates, &mut tried)).await {
            Ok(result) => result,
            Err(_) => Err(out_of_time("verdict", plan.total_timeout)),
        };
        plan.counters.quarantined(entry.leave(&tried.result));
        let Err(fault) = &tried.result else { break };
        tried.usage.add(&fault.usage);
        let left = plan.total_timeout.saturating_sub(begun.elapsed());
        let Some(wait) = plan.retry.wait(fault, tried.attempts, left, fastrand::f64()) else { break };
        tokio::time::sleep(wait).await;
    }
    tried.latency = judging.elapsed();
    tried
}

/// One attempt. Once a response has come, every fault is one of a request that was sent, whatever its cause.
async fn attempt(
    plan: &Plan,
    record: &Arc<Record>,
    candidates: &Arc<[Arc<Cluster>]>,
    tried: &mut Tried,
) -> Result<Judged, Fault> {
    let job = plan.job(record, candidates).await?;
    let mut sends = 0;
    let result = steps(plan, &job, tried, &mut sends).await;
    result.map_err(|fault| echo::left_out(Fault { request_sent: fault.request_sent || sends > 0, ..fault }, &job))
}

/// Build, send, parse, perhaps send again, and the check of the answer. `sends` counts the responses that came.
async fn steps(plan: &Plan, job: &Job, tried: &mut Tried, sends: &mut usize) -> Result<Judged, Fault> {
    let provider = plan.prepared.provider.as_ref();
    let mut step = provider.build_request(job).await?;
    if tried.request_hash.is_empty() {
        tried.request_hash = match &step {
            Step::Send(outgoing) => hash::of_request(&outgoing.request),
            Step::Done(_) => hash::of_job(job),
        };
    }
    loop {
        let outgoing = match step {
            Step::Done(answer) => return finish(job, answer, tried),
            Step::Send(_) if *sends == SENDS_MAX => return Err(too_many_sends("job", SENDS_MAX)),
            Step::Send(outgoing) => outgoing,
        };
        let response = send(plan, &outgoing.request).await?;
        *sends += 1;
        step = provider.parse_response(job, outgoing.state, response).await?;
    }
}

/// One call, counted unless it certainly never reached the server.
async fn send(plan: &Plan, request: &HttpRequest) -> Result<HttpResponse, Fault> {
    let transport = plan.transport.as_deref().ok_or_else(no_endpoint)?;
    // Counted before, since the record's time may end in the middle.
    plan.counters.calls.fetch_add(1, Relaxed);
    let answered = transport.send(request).await;
    if matches!(&answered, Err(fault) if !fault.request_sent) {
        plan.counters.calls.fetch_sub(1, Relaxed);
    }
    answered
}

fn finish(job: &Job, answer: Answer, tried: &mut Tried) -> Result<Judged, Fault> {
    tried.usage.add(&answer.usage);
    let checked = verdict::check(job, &answer);
    tried.model = answer.model.or(tried.model.take());
    checked
}

/// A provider that never comes to an end is ended.
pub(super) fn too_many_sends(what: &str, sends_max: usize) -> Fault {
    Fault::new(FaultKind::Blocked, format!("the {what} wants more than {sends_max} requests")).code("steps")
}

/// A provider that sends needs an endpoint; the composition root gives it none only where it declared none.
pub(super) fn no_endpoint() -> Fault {
    Fault::new(FaultKind::Blocked, "the provider wants to send, but has no endpoint")
        .code("no-endpoint")
        .hint("name the server with `--endpoint URL`")
}

pub(super) fn out_of_time(what: &str, total: Duration) -> Fault {
    let message = format!("no {what} within the total time: {}", humantime::format_duration(total));
    Fault { request_sent: true, ..Fault::new(FaultKind::TimedOut, message).code("total") }
        .hint("give more time with `--total-timeout`")
}
