use super::Counters;
use crate::control::retry::RetryPolicy;
use crate::model::{Instructions, Job, Record, Settings};
use crate::provider::Provider;
use crate::registry::Snapshot;
use crate::transport::Transport;
use std::sync::Arc;
use std::time::Duration;

/// What all records of a run share.
pub struct Plan {
    /// The batch that the outcomes are committed under.
    pub batch_id: String,
    /// Who judges.
    pub provider: Arc<dyn Provider>,
    /// Who sends; none for a provider that sends nothing.
    pub transport: Option<Arc<dyn Transport>>,
    /// How to judge.
    pub settings: Arc<Settings>,
    /// What to know besides.
    pub instructions: Arc<Instructions>,
    /// What the provider's preparation returned.
    pub profile: Arc<[u8]>,
    /// Whether a new cluster is an allowed decision.
    pub allow_new_cluster: bool,
    /// The most candidates that a job shows.
    pub candidates_max: usize,
    /// How far a record is pursued.
    pub retry: RetryPolicy,
    /// The longest that a record may take, attempts and waits together.
    pub total_timeout: Duration,
    /// What the run counts.
    pub counters: Arc<Counters>,
}

impl Plan {
    /// The question for one record, as the registry stands.
    ///
    /// # Errors
    /// Where the record names a candidate that the registry does not hold.
    pub(super) fn job(&self, record: &Arc<Record>, snapshot: &Snapshot) -> Result<Job, crate::model::Fault> {
        Ok(Job {
            records: vec![Arc::clone(record)],
            candidates: snapshot.candidates(record, self.candidates_max)?,
            instructions: Arc::clone(&self.instructions),
            allow_new_cluster: self.allow_new_cluster,
            settings: Arc::clone(&self.settings),
            profile: Arc::clone(&self.profile),
        })
    }
}
