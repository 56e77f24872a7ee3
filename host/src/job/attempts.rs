//! Attempts at one judgement by one provider, until there is a verdict or the policy ends it.

use super::deadline::is_out_of_time;
use super::permits::{CallEnd, is_left_alone};
use super::send::{Sent, send_from};
use super::shelf::Found;
use super::trace::Ended;
use super::{Deadline, Link, Plan, Route, echo, hash, verdict};
use crate::model::{
    Answer, Cluster, Fault, FaultKind, HttpResponse, Job, Judged, Outgoing, RateReport, Record, Step, Usage,
};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::Instant;

/// The most requests of one job; the contract says so.
pub const SENDS_MAX: usize = 3;

/// What is asked about in one request, and how its answer is taken.
pub(super) struct Question<'a, T> {
    /// One record, or several that go together.
    pub(super) records: &'a [Arc<Record>],
    /// What they are shown.
    pub(super) candidates: &'a Arc<[Arc<Cluster>]>,
    /// What of the answer is believed.
    pub(super) check: fn(&Job, &Answer) -> Result<T, Fault>,
}

/// What came of a question, and what it took.
#[derive(Clone)]
pub(super) struct Tried<T = Judged> {
    pub(super) result: Result<T, Fault>,
    pub(super) model: Option<String>,
    pub(super) request_hash: String,
    pub(super) attempts: u32,
    pub(super) latency: Duration,
    pub(super) usage: Usage,
}

impl<'a> Question<'a, Judged> {
    /// About a record by itself.
    pub(super) fn alone(record: &'a Arc<Record>, candidates: &'a Arc<[Arc<Cluster>]>) -> Self {
        Question { records: std::slice::from_ref(record), candidates, check: verdict::check }
    }
}

impl<'a> Question<'a, Vec<Option<Judged>>> {
    /// About several records, each of which has its verdict or none.
    pub(super) fn together(records: &'a [Arc<Record>], candidates: &'a Arc<[Arc<Cluster>]>) -> Self {
        Question { records, candidates, check: verdict::check_each }
    }
}

impl<T> Tried<T> {
    pub(super) fn not_at_all(fault: Fault) -> Self {
        Tried {
            result: Err(fault),
            model: None,
            request_hash: String::new(),
            attempts: 0,
            latency: Duration::ZERO,
            usage: Usage::default(),
        }
    }

    /// The same, with what another of the chain took beside it.
    pub(super) fn paid_for<U>(mut self, other: &Tried<U>) -> Self {
        self.usage.add(&other.usage);
        self.latency += other.latency;
        self
    }
}

/// Attempts until there is a verdict or the policy ends it; while the component is in quarantine, none.
pub(super) async fn pursue<T>(
    plan: &Plan,
    link: &Link,
    question: &Question<'_, T>,
    deadline: &mut Deadline,
) -> Tried<T> {
    let judging = Instant::now();
    let mut tried = Tried::not_at_all(Fault::new(FaultKind::Other, "no attempt was made"));
    let ward = plan.wards.of(&link.prepared.provider.identity().digest);
    loop {
        let entry = match ward.enter(deadline.left()).await {
            Ok(entry) => entry,
            // What the record was tried for says more than that it is not tried again.
            Err(_) if tried.attempts > 0 => break,
            Err(fault) => {
                tried.result = Err(fault);
                break;
            }
        };
        tried.attempts += 1;
        tried.result = attempt(plan, link, question, deadline, &mut tried).await;
        plan.counters.quarantined(entry.leave(&tried.result));
        let Err(fault) = &tried.result else { break };
        tried.usage.add(&fault.usage);
        if is_left_alone(fault) {
            break;
        }
        let Some(wait) = plan.retry.wait(fault, tried.attempts, deadline.left(), fastrand::f64()) else { break };
        let waits = plan.counters.waiting_to_retry.enter();
        tokio::time::sleep(wait).await;
        if link.route.has_servers() && !may_retry(plan, &link.route, deadline).await {
            break;
        }
        drop(waits);
        plan.counters.retries.fetch_add(1, Relaxed);
    }
    tried.latency = judging.elapsed();
    tried
}

/// One attempt. Once a response has come, every fault is one of a request that was sent, whatever its cause.
async fn attempt<T>(
    plan: &Plan,
    link: &Link,
    question: &Question<'_, T>,
    deadline: &mut Deadline,
    tried: &mut Tried<T>,
) -> Result<T, Fault> {
    let job = deadline.within(plan.job(link, question.records.to_vec(), question.candidates)).await?;
    let mut sends = 0;
    let answered = steps(plan, link, &job, deadline, tried, &mut sends).await;
    let result = answered.and_then(|answer| finish(question, &job, answer, tried));
    result.map_err(|fault| echo::left_out(Fault { request_sent: fault.request_sent || sends > 0, ..fault }, &job))
}

/// Build, send, parse, and perhaps send again. `sends` counts the responses that came.
async fn steps<T>(
    plan: &Plan,
    link: &Link,
    job: &Job,
    deadline: &mut Deadline,
    tried: &mut Tried<T>,
    sends: &mut usize,
) -> Result<Answer, Fault> {
    let mut step = deadline.within(link.prepared.provider.build_request(job)).await?;
    if tried.request_hash.is_empty() {
        tried.request_hash = match &step {
            Step::Send(outgoing) => hash::of_request(&outgoing.request),
            Step::Done(_) => hash::of_job(job),
        };
    }
    loop {
        let outgoing = match step {
            Step::Done(answer) => return Ok(answer),
            Step::Send(_) if *sends == SENDS_MAX => return Err(too_many_sends("job", SENDS_MAX)),
            Step::Send(outgoing) => outgoing,
        };
        step = exchange(plan, link, job, outgoing, deadline, tried, sends).await?;
    }
}

/// One request and what the provider makes of its response, which may be the response to another record of the same text.
async fn exchange<T>(
    plan: &Plan,
    link: &Link,
    job: &Job,
    outgoing: Outgoing,
    deadline: &mut Deadline,
    tried: &mut Tried<T>,
    sends: &mut usize,
) -> Result<Step, Fault> {
    let attempt = tried.attempts;
    let Some(shelf) = link.route.shelf(job) else {
        return call(plan, link, job, outgoing, deadline, attempt, sends).await.map(|(step, _)| step);
    };
    let question = hash::of_question(&link.prepared.provider.identity().digest, job);
    match deadline.excused(shelf.find(question, *sends)).await {
        Found::Lead(lead) => {
            let (step, response) = call(plan, link, job, outgoing, deadline, attempt, sends).await?;
            if let Some(response) = response.filter(|_| is_sound(job, &step)) {
                lead.keep(response);
            }
            Ok(step)
        }
        Found::Alone => call(plan, link, job, outgoing, deadline, attempt, sends).await.map(|(step, _)| step),
        Found::Shared(response) => {
            let response = HttpResponse::clone(&response);
            let parsing = link.prepared.provider.parse_response(job, outgoing.state.clone(), response);
            match deadline.within(parsing).await {
                Ok(step) if is_sound(job, &step) => {
                    *sends += 1;
                    plan.counters.shared.fetch_add(1, Relaxed);
                    Ok(link.route.free(step))
                }
                // It says nothing about this record.
                _ => call(plan, link, job, outgoing, deadline, attempt, sends).await.map(|(step, _)| step),
            }
        }
    }
}

/// Whether a response came to something that stands.
fn is_sound(job: &Job, step: &Step) -> bool {
    match step {
        Step::Send(_) => true,
        Step::Done(answer) => verdict::check(job, answer).is_ok(),
    }
}

/// One call, on a place of its own; its response, too, where others may share it.
async fn call(
    plan: &Plan,
    link: &Link,
    job: &Job,
    outgoing: Outgoing,
    deadline: &mut Deadline,
    attempt: u32,
    sends: &mut usize,
) -> Result<(Step, Option<HttpResponse>), Fault> {
    let route = &link.route;
    let asked = Instant::now();
    let place = deadline.excused(route.place(&plan.permits, &outgoing.request, plan.waits_for(link))).await?;
    if attempt == 1 && *sends == 0 {
        route.first_call();
    }
    let (begun, waited, sent_at) = (Instant::now(), asked.elapsed(), plan.permits.now());
    let sending = send_from(&plan.counters, &plan.permits, route, &place, &outgoing.request, *sends == 0);
    let (answered, latency, second, hedged) = match deadline.within(sending).await {
        Ok(Sent { response, latency, second, hedged }) => (Ok(response), latency, second, hedged),
        Err(fault) => (Err(fault), begun.elapsed(), None, false),
    };
    // The one that was given up counts as none.
    let place = second.unwrap_or(place);
    let mut kept = None;
    let call = *sends + 1;
    let status = answered.as_ref().ok().map(|response| response.status);
    let result = match answered {
        Ok(response) => {
            *sends += 1;
            kept = route.shelf(job).map(|_| response.clone());
            deadline.within(link.prepared.provider.parse_response(job, outgoing.state, response)).await
        }
        Err(fault) => Err(fault),
    };
    let result = route.priced(result);
    if let Some(ledger) = &plan.ledger {
        ledger.charge(&job.records, &result, (&route.settings.model, hedged));
    }
    let (usage, report) = told(&result);
    route.learn(&outgoing.request, &usage);
    let transport = route.transport(&place);
    let (server, fault) = (transport.origin(), result.as_ref().err());
    let ended = Ended {
        link,
        job,
        server,
        attempt,
        call,
        sent_at,
        waited,
        latency,
        status,
        result: &result,
        usage: &usage,
        hedged,
    };
    let traced = plan.traced(&ended);
    if fault.is_some_and(|fault| is_out_of_time(fault) && latency * 2 < plan.total_timeout) {
        // Most of the record's time had gone elsewhere: that the rest was too short says nothing of the server.
        drop(place);
    } else if let Some(turning) = place.ended(&CallEnd { latency, fault, tokens: usage.tokens(), report }) {
        plan.turned(link, turning, server);
    }
    if let Some((trace, call)) = traced {
        trace.tell(call).await;
    }
    result.map(|step| (step, kept))
}

/// What a call cost, and what its server told of its rate.
fn told(result: &Result<Step, Fault>) -> (Usage, Option<&RateReport>) {
    match result {
        Ok(Step::Done(answer)) => (answer.usage, answer.rate.as_deref()),
        Ok(Step::Send(_)) => (Usage::default(), None),
        Err(fault) => (fault.usage, fault.rate.as_deref()),
    }
}

/// Takes a retry out of the budget; false where none comes while the record has time.
async fn may_retry(plan: &Plan, route: &Route, deadline: &Deadline) -> bool {
    loop {
        match route.retry_in(plan.permits.now()) {
            Some(Duration::ZERO) => return true,
            Some(wait) if wait < deadline.left() => tokio::time::sleep(wait).await,
            _ => return false,
        }
    }
}

fn finish<T>(question: &Question<'_, T>, job: &Job, answer: Answer, tried: &mut Tried<T>) -> Result<T, Fault> {
    tried.usage.add(&answer.usage);
    let checked = (question.check)(job, &answer);
    tried.model = answer.model.or(tried.model.take());
    checked
}

/// A provider that never comes to an end is ended.
pub(super) fn too_many_sends(what: &str, sends_max: usize) -> Fault {
    Fault::new(FaultKind::Blocked, format!("the {what} wants more than {sends_max} requests")).code("steps")
}
