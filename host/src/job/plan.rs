use super::{Counters, Ledger, Link, Permits, Stops, Trace, Wards};
use crate::control::retry::RetryPolicy;
use crate::model::{Births, Cluster, Confidence, Fault, Instructions, Job, Record, Task};
use std::sync::Arc;
use std::time::Duration;

/// What all records of a run share that are judged by the same components.
#[derive(Clone)]
pub struct Plan {
    /// The batch that the outcomes are committed under.
    pub batch_id: String,
    /// Who judges: the first, and after it whoever it cannot do without. Never empty.
    pub chain: Vec<Link>,
    /// A verdict less sure than this goes on to the next in the chain; none lets every verdict stand.
    pub escalate_below: Option<Confidence>,
    /// What to know besides.
    pub instructions: Arc<Instructions>,
    /// Whether a new cluster is an allowed decision.
    pub allow_new_cluster: bool,
    /// The most records that one request asks about, from 1 to [`super::TOGETHER_MAX`].
    pub records_max: usize,
    /// The most candidates that a job shows for each of its records.
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
    /// How much may be in flight.
    pub permits: Permits,
    /// What ends the run from within.
    pub stops: Arc<Stops>,
    /// What is spent; none where there is no budget to keep.
    pub ledger: Option<Arc<Ledger>>,
    /// Where its calls are told of; none where nobody asked for it.
    pub trace: Option<Trace>,
}

impl Plan {
    /// The question for records that are shown the same, to one of the chain. Its brief is made anew only where the
    /// candidates are others than last time. A record that goes alone is asked about in the form for one, also in a run
    /// that asks about several: models keep to it better.
    ///
    /// # Errors
    /// Where the provider makes no brief.
    pub(super) async fn job(
        &self,
        link: &Link,
        records: Vec<Arc<Record>>,
        candidates: &Arc<[Arc<Cluster>]>,
    ) -> Result<Job, Fault> {
        let records_max = if records.len() == 1 { 1 } else { self.records_max.max(records.len()) };
        let records_max = u32::try_from(records_max).expect("a group is small");
        let task = || Task {
            candidates: Arc::clone(candidates),
            instructions: Arc::clone(&self.instructions),
            allow_new_cluster: self.allow_new_cluster,
            records_max,
            settings: Arc::clone(&link.route.settings),
            profile: Arc::clone(&link.prepared.profile),
        };
        let provider = link.prepared.provider.as_ref();
        let (task, brief) = link.prepared.briefs.of(provider, candidates, records_max, task).await?;
        Ok(Job { records, task, brief })
    }
}
