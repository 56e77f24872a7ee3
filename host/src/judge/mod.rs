//! The composition root: wires a provider, its endpoint and a registry into one judge. The binary and programs
//! that use the library come in here, and see the same.

mod change;
mod connect;
mod follow;
mod loader;
mod observed;
mod open;
mod options;
mod plans;
mod run;
mod seat;
mod slice;

pub use change::Change;
pub use connect::{Connection, connect, proxies};
pub use loader::Loader;
pub use observed::{Observed, ServerState};
pub use open::OpenError;
pub use options::JudgeOptions;
pub use run::{Run, RunError, RunReport, Started};
pub use seat::Seat;
pub use slice::Outcomes;

use crate::control::breaker::BreakerRule;
use crate::control::budget::Budget;
use crate::control::limit::Limit;
use crate::control::quarantine::QuarantineRule;
use crate::control::retry::RetryPolicy;
use crate::control::retry_budget::{RETRIES_A_MINUTE, RETRIES_SAVED_MAX, RETRY_PERCENT, RetryBudgetRule};
use crate::job::{self, Counters, LaneRule, Ledger, Permits, Plan, Stops, Trace, Wards};
use crate::model::{Births, Confidence, Dedup, Fault, Instructions, Record, Step};
use crate::provider::{Catalog, Provider};
use crate::registry::Registry;
use follow::Following;
use plans::Plans;
use std::sync::Arc;
use std::time::Duration;

/// How records are judged, whoever judges them.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What to know besides.
    pub instructions: Arc<Instructions>,
    /// Whether a new cluster is an allowed decision.
    pub allow_new_cluster: bool,
    /// The most records that one request asks about, 1 to 64.
    pub records_per_request: usize,
    /// The most candidates that one job shows for each of its records.
    pub candidates_max: usize,
    /// When a new cluster may be born beside others.
    pub births: Births,
    /// A verdict less sure than this goes on to the next in the chain; none lets every verdict stand.
    pub escalate_below: Option<Confidence>,
    /// How far a record is pursued.
    pub retry: RetryPolicy,
    /// Retries in parts of a hundred of the first calls.
    pub retry_percent: u32,
    /// When a server is left alone, and for how long.
    pub breaker: BreakerRule,
    /// When a component that fails in its sandbox is left alone.
    pub quarantine: QuarantineRule,
    /// The longest that a record may take, attempts and waits together.
    pub total_timeout: Duration,
    /// Records judged at one time: a number that all servers share, or what each is found to bear.
    pub limit: Limit,
    /// Records a slice.
    pub slice_size: u64,
    /// Whether records of the same text are judged once.
    pub dedup: Dedup,
    /// Whether a call that takes unusually long gets a second beside it.
    pub hedge: bool,
    /// What a run over an input may spend.
    pub budget: Budget,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            instructions: Arc::default(),
            allow_new_cluster: true,
            records_per_request: 1,
            candidates_max: 20,
            births: Births::default(),
            escalate_below: None,
            retry: RetryPolicy::default(),
            retry_percent: RETRY_PERCENT,
            breaker: BreakerRule::default(),
            quarantine: QuarantineRule::default(),
            total_timeout: Duration::from_mins(10),
            limit: Limit::fixed(5),
            slice_size: 60,
            dedup: Dedup::default(),
            hedge: false,
            budget: Budget::default(),
        }
    }
}

/// Judges records through a chain of providers, into one registry.
///
/// ```no_run
/// use judge_host::model::Record;
/// use judge_host::{Judge, JudgeOptions};
///
/// # async fn example() -> anyhow::Result<()> {
/// let judge = Judge::open(JudgeOptions {
///     providers: "plugins".into(),
///     provider: "ollama".into(),
///     model: Some("qwen3:8b".into()),
///     registry: Some("judge.db".into()),
///     ..JudgeOptions::default()
/// })
/// .await?;
/// let records = vec![Record::new("r1", "my card has not arrived"), Record::new("r2", "top up failed")];
/// for outcome in judge.judge_slice(records, Some(5)).await? {
///     match outcome.result {
///         Ok(judged) => println!("{}: {:?}", outcome.request_id, judged.cluster_id),
///         Err(fault) => println!("{}: {fault}", outcome.request_id),
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Judge {
    /// Those who judge, in the order in which they are asked; until newer components of them come.
    seats: Arc<[Seat]>,
    registry: Arc<Registry>,
    policy: Policy,
    batch_id: String,
    following: Option<Following>,
}

impl Judge {
    /// A judge of its parts, not yet prepared. Programs that have no reason to build the parts themselves use
    /// [`Judge::open`].
    ///
    /// # Panics
    /// Where nobody has a seat.
    pub fn new(
        seats: impl IntoIterator<Item = Seat>,
        registry: Arc<Registry>,
        policy: Policy,
        batch_id: String,
    ) -> Judge {
        let seats: Arc<[Seat]> = seats.into_iter().collect();
        assert!(!seats.is_empty(), "somebody judges");
        Judge { seats, registry, policy, batch_id, following: None }
    }

    /// Lets the providers look at their servers: are they there, is the key right, do they know the model.
    ///
    /// # Errors
    /// The fault that every record would end in at a provider, and the provider.
    pub async fn prepare(&mut self) -> Result<(), Unprepared> {
        for (index, seat) in self.seats.iter().enumerate() {
            let prepared = seat.prepared(&seat.provider(), &self.policy, self.policy.total_timeout).await;
            seat.seat(prepared.map_err(|fault| Unprepared { seat: index, fault })?);
        }
        Ok(())
    }

    /// The same judge over another registry, with another number of records at one time.
    #[must_use]
    pub fn elsewhere(&self, registry: Arc<Registry>, limit: Limit) -> Judge {
        Judge {
            seats: Arc::clone(&self.seats),
            registry,
            policy: Policy { limit, ..self.policy.clone() },
            batch_id: self.batch_id.clone(),
            following: None,
        }
    }

    /// Those who judge, in the order in which they are asked. Never empty.
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Who judges first the records that begin now.
    pub fn provider(&self) -> Arc<dyn Provider> {
        self.seats[0].provider()
    }

    /// The providers of the folder that the judge follows; none where it follows none.
    pub fn catalog(&self) -> Option<&Catalog> {
        self.following.as_ref().map(|following| following.catalog.as_ref())
    }

    /// Where clusters and outcomes are kept.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// How records are judged.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What the first provider does first for a record, or for several that go into one request; nothing is sent.
    ///
    /// # Errors
    /// The fault that they would end in before anything is sent.
    pub async fn first_step(&self, records: Vec<Record>) -> Result<Step, Fault> {
        let first_epoch = self.registry.snapshot().epoch;
        let plan = self.plan(&self.batch_id, first_epoch, RunParts::default(), &self.policy.limit);
        job::first_step(&plan, &self.registry, records).await
    }

    fn plan(&self, batch_id: &str, first_epoch: u64, run: RunParts, limit: &Limit) -> Plan {
        let policy = &self.policy;
        let (most, each) = match limit {
            Limit::Fixed(most) => (Some(*most), None),
            Limit::Adaptive(_) => (None, Some(limit.clone())),
        };
        let mut rules = Vec::new();
        let mut chain = Vec::new();
        for seat in self.seats.iter() {
            let first = rules.len();
            let rule = LaneRule { limit: each.clone(), breaker: policy.breaker, rate: seat.rate };
            rules.extend(std::iter::repeat_n(rule, seat.transports.len()));
            chain.push(seat.link(first..rules.len(), policy, policy.retries(limit)));
        }
        // Providers that send nothing use this machine's processors, and no lane.
        let own = || std::thread::available_parallelism().map_or(1, usize::from);
        let most = most.or_else(|| rules.is_empty().then(own));
        Plan {
            batch_id: batch_id.to_owned(),
            chain,
            escalate_below: policy.escalate_below,
            instructions: Arc::clone(&policy.instructions),
            allow_new_cluster: policy.allow_new_cluster,
            records_max: policy.records_per_request.clamp(1, job::TOGETHER_MAX),
            candidates_max: policy.candidates_max,
            first_epoch,
            births: policy.births,
            retry: policy.retry,
            total_timeout: policy.total_timeout,
            counters: run.counters,
            wards: Arc::new(Wards::new(policy.quarantine)),
            permits: Permits::over(most, rules),
            stops: run.stops,
            ledger: run.ledger,
            trace: run.trace,
        }
    }

    fn plans(&self, batch_id: &str, run: RunParts, limit: &Limit) -> Plans {
        // What a run bore that was cut short is shown to the records of the run that goes on, as it would have been.
        let first_epoch = self.registry.snapshot().before_births_of(batch_id);
        Plans::new(Arc::clone(&self.seats), self.plan(batch_id, first_epoch, run, limit))
    }
}

/// What a plan shares with those who watch its run.
#[derive(Default)]
struct RunParts {
    counters: Arc<Counters>,
    stops: Arc<Stops>,
    ledger: Option<Arc<Ledger>>,
    trace: Option<Trace>,
}

impl Policy {
    /// A run's ledger, where there is a budget to keep.
    fn ledger(&self) -> Option<Arc<Ledger>> {
        (self.budget != Budget::default()).then(|| Arc::new(Ledger::new(self.budget)))
    }

    /// How many of the calls may be retries. All that are in flight may fail at once, through no fault of the server's, so
    /// there is one for each at the beginning.
    fn retries(&self, limit: &Limit) -> RetryBudgetRule {
        let in_flight = u32::try_from(limit.current()).unwrap_or(u32::MAX);
        RetryBudgetRule {
            percent: self.retry_percent,
            per_minute: RETRIES_A_MINUTE,
            first: RETRIES_A_MINUTE.max(in_flight),
            saved_max: RETRIES_SAVED_MAX.max(in_flight),
        }
    }
}

/// A provider that cannot start with its server.
#[derive(Debug)]
pub struct Unprepared {
    /// Which of the chain, from 0.
    pub seat: usize,
    /// Why.
    pub fault: Fault,
}
