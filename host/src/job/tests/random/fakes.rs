//! A provider and servers that do what the script says, and tell the watch of everything that reaches them.

use super::script::{Weather, wait, weather};
use super::watch::{Call, Watch};
use crate::model::{
    Allowance, Answer, Body, Choice, Confidence, Fault, FaultKind, HttpRequest, HttpResponse, Job, Outgoing,
    Preparation, Previous, RateReport, Settings, Step, Task, Usage, Verdict,
};
use crate::provider::{Identity, Provider};
use crate::transport::Transport;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// The header in which a server tells the wait that it asks for, in milliseconds.
const RETRY_AFTER: &str = "retry-after-ms";
/// The status by which a server tells that its card was full.
const OUT_OF_MEMORY: u16 = 507;
/// The statuses by which it tells what only a person can end.
const PERSON: [(u16, FaultKind); 3] =
    [(401, FaultKind::Credentials), (402, FaultKind::Quota), (404, FaultKind::ModelNotFound)];
/// What runs into the sandbox's walls.
const OFFENCES: [FaultKind; 3] = [FaultKind::Trap, FaultKind::Deadline, FaultKind::Memory];
/// What a provider may find wrong with an answer.
const FAULTS: [FaultKind; 12] = [
    FaultKind::Refused,
    FaultKind::Truncated,
    FaultKind::Malformed,
    FaultKind::TooLong,
    FaultKind::InvalidRequest,
    FaultKind::Unsupported,
    FaultKind::Other,
    FaultKind::TooLarge,
    FaultKind::Blocked,
    FaultKind::TimedOut,
    FaultKind::Unavailable,
    FaultKind::RateLimited,
];

/// A server behind one lane.
pub(super) struct FakeServer {
    pub(super) watch: Arc<Watch>,
    pub(super) lane: usize,
}

#[async_trait]
impl Transport for FakeServer {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Fault> {
        let call = self.watch.called(self.lane, record_of(request));
        let longest = self.watch.script.lanes[self.lane].timeout;
        let answered = timeout(longest, self.answer()).await;
        let answered = answered.unwrap_or_else(|_| Err(sent(FaultKind::TimedOut)));
        match &answered {
            // What the provider makes of it is the end of the call.
            Ok(_) => call.goes_on(),
            Err(fault) => call.ended(Some(fault)),
        }
        answered
    }
}

impl FakeServer {
    async fn answer(&self) -> Result<HttpResponse, Fault> {
        let lane = &self.watch.script.lanes[self.lane];
        let mut weather_now = lane.weather(self.watch.now());
        let latency = self.watch.draw(|chance| {
            if weather_now == Weather::Fair && chance.f64() < lane.mishaps {
                weather_now = weather(chance);
            }
            lane.latency.mul_f64(chance.f64() * 2.0)
        });
        let refusal = Duration::from_millis(5);
        match weather_now {
            Weather::Fair => sleep(latency).await,
            Weather::Hang => std::future::pending().await,
            Weather::Away => {
                sleep(refusal).await;
                return Err(Fault::new(FaultKind::Connect, "refused"));
            }
            Weather::Reset => {
                sleep(latency / 2).await;
                return Err(sent(FaultKind::Connect));
            }
            _ => sleep(refusal).await,
        }
        let (status, retry_after) = match weather_now {
            Weather::Storm(retry_after) => (429, retry_after),
            Weather::Busy => (503, None),
            Weather::OutOfMemory => (OUT_OF_MEMORY, None),
            Weather::Proxy => (502, None),
            Weather::Person(kind) => (PERSON.iter().find(|(_, of)| *of == kind).expect("one of them").0, None),
            _ => (200, None),
        };
        let headers = retry_after.map(|wait| (RETRY_AFTER.to_owned(), wait.as_millis().to_string().into_bytes()));
        Ok(HttpResponse { status, headers: headers.into_iter().collect(), body: Body::Text(String::new()) })
    }
}

/// One of the chain.
pub(super) struct FakeProvider {
    pub(super) watch: Arc<Watch>,
    pub(super) judge: usize,
    pub(super) identity: Identity,
}

#[async_trait]
impl Provider for FakeProvider {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn prepare(&self, _: &Settings, _: Option<Previous>) -> Result<Preparation, Fault> {
        unreachable!("the run is prepared")
    }

    async fn brief(&self, _: &Task) -> Result<Body, Fault> {
        self.run().await?;
        Ok(Body::Text(String::new()))
    }

    async fn build_request(&self, job: &Job) -> Result<Step, Fault> {
        let record = record_of_job(job);
        self.watch.attempted(self.judge, record);
        self.run().await?;
        self.watch.asks(record);
        if self.watch.script.chain[self.judge].is_alone { Ok(self.answer(job)) } else { Ok(self.outgoing(job)) }
    }

    async fn parse_response(&self, job: &Job, _: Vec<u8>, response: HttpResponse) -> Result<Step, Fault> {
        let record = record_of_job(job);
        let call = self.watch.parsing(record);
        let parsed = self.read(job, &response, &call).await;
        call.ended(parsed.as_ref().err());
        self.watch.asks(record);
        parsed
    }
}

impl FakeProvider {
    /// A guest's turn: it takes a moment, and may run into a wall.
    async fn run(&self) -> Result<(), Fault> {
        sleep(Duration::from_millis(1)).await;
        let traps = self.watch.script.chain[self.judge].traps;
        let offence = self.watch.draw(|chance| (chance.f64() < traps).then(|| OFFENCES[chance.usize(0..3)]));
        offence.map_or(Ok(()), |kind| Err(Fault::new(kind, "a wall")))
    }

    async fn read(&self, job: &Job, response: &HttpResponse, call: &Call<'_>) -> Result<Step, Fault> {
        self.run().await?;
        let retry_after = response.headers.first().map(|(_, value)| {
            let digits = std::str::from_utf8(value).expect("digits");
            Duration::from_millis(digits.parse().expect("a number"))
        });
        let judge = &self.watch.script.chain[self.judge];
        let kind = match response.status {
            200 => {
                self.watch.draw(|chance| (chance.f64() < judge.faults).then(|| FAULTS[chance.usize(0..FAULTS.len())]))
            }
            429 => Some(FaultKind::RateLimited),
            503 | OUT_OF_MEMORY => Some(FaultKind::Overloaded),
            502 => Some(FaultKind::Unavailable),
            status => PERSON.iter().find(|(of, _)| *of == status).map(|(_, kind)| *kind),
        };
        let Some(kind) = kind else {
            let goes_on = self.watch.draw(|chance| chance.f64() < judge.goes_on);
            return Ok(if goes_on { self.outgoing(job) } else { self.told(job, call) });
        };
        let asked = self.watch.draw(|chance| (chance.u8(0..8) == 0).then(|| wait(chance)));
        let fault = Fault { retry_after: retry_after.or(asked), rate: self.report(call), ..sent(kind) };
        Err(if response.status == OUT_OF_MEMORY { fault.code(Fault::OUT_OF_MEMORY) } else { fault })
    }

    fn outgoing(&self, job: &Job) -> Step {
        let long = self.watch.draw(|chance| chance.usize(100..400));
        let body = format!("{} {}", record_of_job(job), "x".repeat(long));
        let request = HttpRequest {
            method: "POST".to_owned(),
            path_and_query: "/judge".to_owned(),
            headers: Vec::new(),
            body: Some(Body::Text(body)),
        };
        Step::Send(Outgoing { request, state: Vec::new() })
    }

    fn told(&self, job: &Job, call: &Call<'_>) -> Step {
        let Step::Done(answer) = self.answer(job) else { unreachable!("it answers") };
        Step::Done(Answer { rate: self.report(call), ..answer })
    }

    fn answer(&self, job: &Job) -> Step {
        let usage = |tokens| Usage { input_tokens: Some(tokens), output_tokens: Some(tokens / 2), ..Usage::default() };
        let (is_wrong, confidence, usage) = self.watch.draw(|chance| {
            let confidence = [Confidence::Low, Confidence::Medium, Confidence::High][chance.usize(0..3)];
            (chance.u8(0..50) == 0, confidence, chance.bool().then(|| usage(chance.u64(0..1000))))
        });
        let choice = if is_wrong { Choice::Assign("nobody".to_owned()) } else { Choice::Skip };
        let record_id = job.records[0].request_id.clone();
        let verdict = Verdict { record_id, choice, confidence, rationale: String::new() };
        Step::Done(Answer { verdicts: vec![verdict], usage: usage.unwrap_or_default(), ..Answer::default() })
    }

    fn report(&self, call: &Call<'_>) -> Option<Box<RateReport>> {
        let reports = self.watch.script.lanes[call.lane()].reports;
        let some = |chance: &mut fastrand::Rng, of: std::ops::Range<u64>| chance.bool().then(|| chance.u64(of));
        let report = self.watch.draw(|chance| {
            let mut allowance = |least: u64| Allowance {
                limit: some(chance, least..least * 50),
                remaining: some(chance, 0..40).map(|remaining| remaining / 4),
                reset: some(chance, 0..90_000).map(Duration::from_millis),
            };
            let report = RateReport { requests: allowance(20), tokens: allowance(20_000) };
            (chance.f64() < reports).then(|| Box::new(report))
        })?;
        self.watch.granted(&report);
        Some(report)
    }
}

fn sent(kind: FaultKind) -> Fault {
    Fault { request_sent: true, ..Fault::new(kind, "as the script says") }
}

fn record_of(request: &HttpRequest) -> usize {
    let Some(Body::Text(text)) = &request.body else { unreachable!("a text") };
    text.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

fn record_of_job(job: &Job) -> usize {
    job.records[0].request_id.parse().expect("a number")
}
