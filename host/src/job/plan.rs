use super::{Counters, Prepared, Wards};
use crate::control::retry::RetryPolicy;
use crate::model::{Births, Cluster, Fault, Instructions, Job, Record, Settings, Task};
use crate::transport::Transport;
use std::sync::Arc;
use std::time::Duration;

/// What all records of a run share that are judged by one component.
#[derive(Clone)]
pub struct Plan {
    /// The batch that the outcomes are committed under.
    pub batch_id: String,
    /// Who judges.
    pub prepared: Arc<Prepared>,
    /// Who sends; none for a provider that sends nothing.
    pub transport: Option<Arc<dyn Transport>>,
    /// How to judge.
    pub settings: Arc<Settings>,
    /// What to know besides.
    pub instructions: Arc<Instructions>,
    /// Whether a new cluster is an allowed decision.
    pub allow_new_cluster: bool,
    /// The most candidates that a job shows.
    pub candidates_max: usize,
    /// The registry's epoch when the run began: clusters born later are shown in any case.
    pub first_epoch: u64,
    /// When a new cluster may be born.
    pub births: Births,
    /// How far a record is pursued.
    pub retry: RetryPolicy,
    /// The longest that a record may take, attempts and waits together.
    pub total_timeout: Duration,
    /// What the run counts.
    pub counters: Arc<Counters>,
    /// How the components of the run behave, and who is in quarantine.
    pub wards: Arc<Wards>,
}

impl Plan {
    /// The question for one record. Its brief is made anew only where the candidates are others than last time.
    ///
    /// # Errors
    /// Where the provider makes no brief.
    pub(super) async fn job(&self, record: &Arc<Record>, candidates: &Arc<[Arc<Cluster>]>) -> Result<Job, Fault> {
        let Prepared { provider, profile, briefs } = self.prepared.as_ref();
        let task = || Task {
            candidates: Arc::clone(candidates),
            instructions: Arc::clone(&self.instructions),
            allow_new_cluster: self.allow_new_cluster,
            settings: Arc::clone(&self.settings),
            profile: Arc::clone(profile),
        };
        let (task, brief) = briefs.of(provider.as_ref(), candidates, task).await?;
        Ok(Job { records: vec![Arc::clone(record)], task, brief })
    }
}
