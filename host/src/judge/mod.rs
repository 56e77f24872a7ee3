//! The composition root: wires a provider, its endpoint and a registry into one judge. The binary and programs
//! that use the library come in here, and see the same.

mod change;
mod connect;
mod follow;
mod loader;
mod open;
mod options;
mod plans;
mod run;
mod slice;

pub use change::Change;
pub use connect::{Connection, connect, proxies};
pub use loader::Loader;
pub use open::OpenError;
pub use options::JudgeOptions;
pub use run::{Run, RunError, RunReport};
pub use slice::Outcomes;

use crate::control::quarantine::QuarantineRule;
use crate::control::retry::RetryPolicy;
use crate::job::{self, Counters, Plan, Prepared, Wards};
use crate::model::{Births, Fault, Instructions, Record, Settings, Step};
use crate::provider::{Catalog, Provider};
use crate::registry::Registry;
use crate::transport::Transport;
use arc_swap::ArcSwap;
use follow::Following;
use plans::Plans;
use std::sync::Arc;
use std::time::Duration;

/// How records are judged, whoever the provider is.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How to judge.
    pub settings: Arc<Settings>,
    /// What to know besides.
    pub instructions: Arc<Instructions>,
    /// Whether a new cluster is an allowed decision.
    pub allow_new_cluster: bool,
    /// The most candidates that one job shows.
    pub candidates_max: usize,
    /// When a new cluster may be born beside others.
    pub births: Births,
    /// How far a record is pursued.
    pub retry: RetryPolicy,
    /// When a component that fails in its sandbox is left alone.
    pub quarantine: QuarantineRule,
    /// The longest that a record may take, attempts and waits together.
    pub total_timeout: Duration,
    /// Records judged at one time.
    pub parallel: usize,
    /// Records a slice.
    pub slice_size: u64,
}

/// Judges records through one provider, into one registry.
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
    /// Who judges, until a newer component of it comes.
    serving: Arc<ArcSwap<Prepared>>,
    transport: Option<Arc<dyn Transport>>,
    registry: Arc<Registry>,
    policy: Policy,
    batch_id: String,
    following: Option<Following>,
}

impl Judge {
    /// A judge of its parts, not yet prepared. Programs that have no reason to build the parts themselves use
    /// [`Judge::open`].
    pub fn new(
        provider: Arc<dyn Provider>,
        transport: Option<Arc<dyn Transport>>,
        registry: Arc<Registry>,
        policy: Policy,
        batch_id: String,
    ) -> Judge {
        let serving = Arc::new(ArcSwap::from_pointee(Prepared::new(provider, [])));
        Judge { serving, transport, registry, policy, batch_id, following: None }
    }

    /// Lets the provider look at its server: is it there, is the key right, does it know the model.
    ///
    /// # Errors
    /// The fault that every record would end in.
    pub async fn prepare(&mut self) -> Result<(), Fault> {
        let Policy { settings, retry, total_timeout, .. } = &self.policy;
        let transport = self.transport.as_deref();
        let provider = self.provider();
        let profile = job::prepare(provider.as_ref(), transport, settings, retry, *total_timeout).await?;
        self.serving.store(Arc::new(Prepared::new(provider, profile)));
        Ok(())
    }

    /// The same judge over another registry, with another number of records at one time.
    #[must_use]
    pub fn elsewhere(&self, registry: Arc<Registry>, parallel: usize) -> Judge {
        Judge {
            serving: Arc::clone(&self.serving),
            transport: self.transport.clone(),
            registry,
            policy: Policy { parallel, ..self.policy.clone() },
            batch_id: self.batch_id.clone(),
            following: None,
        }
    }

    /// Who judges the records that begin now.
    pub fn provider(&self) -> Arc<dyn Provider> {
        Arc::clone(&self.serving.load().provider)
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

    /// What the provider does first for a record; nothing is sent.
    ///
    /// # Errors
    /// The fault that the record would end in before anything is sent.
    pub async fn first_step(&self, record: Record) -> Result<Step, Fault> {
        job::first_step(&self.plan(&self.batch_id, Arc::default()), &self.registry, record).await
    }

    fn plan(&self, batch_id: &str, counters: Arc<Counters>) -> Plan {
        Plan {
            batch_id: batch_id.to_owned(),
            prepared: self.serving.load_full(),
            transport: self.transport.clone(),
            settings: Arc::clone(&self.policy.settings),
            instructions: Arc::clone(&self.policy.instructions),
            allow_new_cluster: self.policy.allow_new_cluster,
            candidates_max: self.policy.candidates_max,
            first_epoch: self.registry.snapshot().epoch,
            births: self.policy.births,
            retry: self.policy.retry,
            total_timeout: self.policy.total_timeout,
            counters,
            wards: Arc::new(Wards::new(self.policy.quarantine)),
        }
    }

    fn plans(&self, batch_id: &str, counters: Arc<Counters>) -> Plans {
        Plans::new(Arc::clone(&self.serving), self.plan(batch_id, counters))
    }
}
