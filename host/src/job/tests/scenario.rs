//! One scenario: its file, and the running of it on a virtual clock. All that is made for the test is the server and the
//! component that asks it; a record's way from its permit to its outcome is the product's own.

use super::ran::Ran;
use super::server::{Model, Reply, Server};
use crate::control::limit::{Bounds, Limit};
use crate::control::retry_budget::RetryBudgetRule;
use crate::job::judgement::{Start, along_the_chain};
use crate::job::{Deadline, Drain, Link, Permits, Prepared, Route, schedule};
use crate::model::{
    Answer, Body, Choice, Cluster, Confidence, Fault, FaultKind, HttpRequest, HttpResponse, Job, Outgoing, Preparation,
    Previous, Record, Settings, Step, Task, Verdict,
};
use crate::provider::{Identity, Provider};
use crate::transport::Transport;
use async_trait::async_trait;
use futures_util::StreamExt;
use serde::Deserialize;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

/// The longest that one attempt may take.
const ATTEMPT: Duration = Duration::from_mins(2);
/// The status by which the server tells that its card was full.
const OUT_OF_MEMORY: u16 = 507;

/// A scenario's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    pub(super) seed: u64,
    /// How long the run is watched; it has records without end, unless told.
    pub(super) duration_s: f64,
    pub(super) records: Option<u64>,
    /// Records a second that the input has; without it, always one more.
    pub(super) source_per_s: Option<f64>,
    pub(super) limit: LimitOf,
    pub(super) server: Model,
    pub(super) expect: Expect,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitOf {
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) start: usize,
}

/// What is to be found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    /// Settled for the first time after at most so many answers.
    pub(super) settles_within: Option<u64>,
    /// Throughput as a share of the best fixed limit's, from the first phase on.
    pub(super) share_min: f64,
    /// Failed records as a share of all.
    #[serde(default)]
    pub(super) failed_max: f64,
    /// Spans of time in which the limit is to be in a range, and to stay within a tenth of its median.
    pub(super) phase: Vec<Phase>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phase {
    pub(super) from_s: f64,
    pub(super) to_s: f64,
    /// The limit's median, from and to.
    pub(super) limit: [usize; 2],
    /// Answers a second of the best fixed limit there; the long form finds it anew.
    pub(super) best: f64,
    /// Share of the time that it may be further from its median than a tenth, and one; only where faults cut it.
    #[serde(default)]
    pub(super) away_max: f64,
}

impl Scenario {
    pub(super) fn adaptive(&self) -> Limit {
        let LimitOf { min, max, start } = self.limit;
        Limit::adaptive(Bounds::try_new(min, max, start).expect("the file's bounds"))
    }

    /// Runs it with a limit.
    pub(super) fn run(&self, limit: Limit) -> Ran {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        // What the product leaves to chance is the same in every run.
        fastrand::seed(self.seed);
        runtime.expect("a runtime").block_on(run_on_a_virtual_clock(self, limit))
    }
}

async fn run_on_a_virtual_clock(scenario: &Scenario, limit: Limit) -> Ran {
    let begun = Instant::now();
    let (permits, drain) = (Permits::new(limit), Drain::default());
    let watch = Arc::new(Watch { permits: permits.clone(), begun, ran: Mutex::default() });
    let server = Server::new(&scenario.server, scenario.seed);
    let serving = tokio::spawn(server.clone().run());
    let served = Served { scenario: scenario.clone(), server, watch: Arc::clone(&watch) };
    let servers = [(0, Arc::new(served) as Arc<dyn Transport>)];
    let route = Arc::new(Route::new(Arc::default(), None, servers, RetryBudgetRule::default()));
    let prepared = Arc::new(Prepared::new(Arc::new(Judge::default()), []));
    let plan = Arc::new(super::plan(vec![Link { prepared, route }], &permits, &drain));
    let candidates: Arc<[Arc<Cluster>]> = Arc::new([Arc::default()]);
    let work = |number: u64| {
        let (plan, candidates, watch) = (Arc::clone(&plan), Arc::clone(&candidates), Arc::clone(&watch));
        async move {
            let record = Arc::new(Record::new(number.to_string(), "a text"));
            let mut deadline = Deadline::new(plan.total_timeout);
            let start = Start { link: 0, standing: None };
            let (_, tried) = along_the_chain(&plan, &record, &candidates, start, &mut deadline).await;
            watch.outcome(tried.result.is_ok());
        }
    };
    let (tx, mut rx) = mpsc::channel(64);
    let every = scenario.source_per_s.map(|per_s| Duration::from_secs_f64(per_s.recip()));
    let items = futures_util::stream::iter(0..scenario.records.unwrap_or(u64::MAX)).then(|number| async move {
        if let Some(every) = every {
            sleep(every).await;
        }
        number
    });
    let ending = async {
        sleep(Duration::from_secs_f64(scenario.duration_s)).await;
        drain.stop_now();
        std::future::pending::<()>().await;
    };
    let reading = async { while rx.recv().await.is_some() {} };
    tokio::select! {
        _ = async { tokio::join!(schedule(&permits, items, work, tx, &drain), reading) } => {}
        () = ending => {}
    }
    serving.abort();
    std::mem::take(&mut *watch.ran())
}

/// Notes what happens.
struct Watch {
    permits: Permits,
    begun: Instant,
    ran: Mutex<Ran>,
}

impl Watch {
    fn ran(&self) -> MutexGuard<'_, Ran> {
        self.ran.lock().expect("no test panics here")
    }

    /// Looks at the limit: whenever a call begins, and a record has its outcome.
    fn look(&self) -> MutexGuard<'_, Ran> {
        let state = self.permits.lanes()[0].limit.expect("it has a limit of its own");
        let (now_s, in_flight) = (self.begun.elapsed().as_secs_f64(), self.permits.in_flight());
        let mut ran = self.ran();
        ran.peak = ran.peak.max(in_flight);
        if ran.states.last().is_none_or(|(_, last)| *last != state) {
            ran.states.push((now_s, state));
        }
        ran
    }

    fn outcome(&self, is_answered: bool) {
        let mut ran = self.look();
        ran.ended_s = self.begun.elapsed().as_secs_f64();
        let ended_s = ran.ended_s;
        if is_answered { ran.answers_s.push(ended_s) } else { ran.failed += 1 }
    }
}

/// The way to the scenario's server.
struct Served {
    scenario: Scenario,
    server: Server,
    watch: Arc<Watch>,
}

#[async_trait]
impl Transport for Served {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Fault> {
        drop(self.watch.look());
        let number = request.path_and_query.trim_start_matches('/').parse().expect("the record's number");
        let work = self.scenario.server.work(self.scenario.seed, number);
        let sent = |kind| Fault { request_sent: true, ..Fault::new(kind, "as the scenario says") };
        let (status, headers) = match timeout(ATTEMPT, self.server.call(work)).await {
            Err(_) => return Err(sent(FaultKind::TimedOut)),
            Ok(Reply::NoConnection) => return Err(sent(FaultKind::Connect)),
            Ok(Reply::Answer) => (200, Vec::new()),
            Ok(Reply::OutOfMemory) => (OUT_OF_MEMORY, Vec::new()),
            Ok(Reply::Refused { retry_after }) => {
                let header = |wait: Duration| ("retry-after".to_owned(), wait.as_secs().to_string().into_bytes());
                (429, retry_after.map(header).into_iter().collect())
            }
        };
        Ok(HttpResponse { status, headers, body: Body::Text(String::new()) })
    }
}

/// A provider that asks once, and takes whatever is answered for a verdict.
#[derive(Default)]
struct Judge {
    identity: Identity,
}

#[async_trait]
impl Provider for Judge {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn prepare(&self, _: &Settings, _: Option<Previous>) -> Result<Preparation, Fault> {
        unreachable!("the run is prepared")
    }

    async fn brief(&self, _: &Task) -> Result<Body, Fault> {
        Ok(Body::Text(String::new()))
    }

    async fn build_request(&self, job: &Job) -> Result<Step, Fault> {
        let request = HttpRequest {
            method: "POST".to_owned(),
            path_and_query: format!("/{}", job.records[0].request_id),
            headers: Vec::new(),
            body: None,
        };
        Ok(Step::Send(Outgoing { request, state: Vec::new() }))
    }

    async fn parse_response(&self, job: &Job, _: Vec<u8>, response: HttpResponse) -> Result<Step, Fault> {
        let refused = |kind| Fault { request_sent: true, ..Fault::new(kind, "slow down") };
        match response.status {
            200 => {}
            OUT_OF_MEMORY => return Err(refused(FaultKind::Overloaded).code(Fault::OUT_OF_MEMORY)),
            _ => {
                let wait = response.headers.first().map(|(_, value)| String::from_utf8_lossy(value).parse());
                let retry_after = wait.map(|seconds| Duration::from_secs(seconds.expect("a number")));
                return Err(Fault { retry_after, ..refused(FaultKind::RateLimited) });
            }
        }
        let record_id = job.records[0].request_id.clone();
        let (choice, confidence, rationale) = (Choice::Skip, Confidence::High, String::new());
        let verdicts = vec![Verdict { record_id, choice, confidence, rationale }];
        Ok(Step::Done(Answer { verdicts, ..Answer::default() }))
    }
}
