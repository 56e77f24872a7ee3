//! The scheduler under load: servers of every kind on a virtual clock, the limit that it finds on each, and random
//! scripts of what may go wrong.

mod found;
mod ran;
mod random;
mod scenario;
mod server;

use super::{Drain, Link, Permits, Plan, Stops, Wards};
use crate::control::quarantine::QuarantineRule;
use crate::control::retry::RetryPolicy;
use crate::model::Births;
use std::sync::Arc;
use std::time::Duration;

/// A run by a chain of those who judge, with the product's own defaults.
fn plan(chain: Vec<Link>, permits: &Permits, drain: &Drain) -> Plan {
    Plan {
        batch_id: "batch".to_owned(),
        chain,
        escalate_below: None,
        instructions: Arc::default(),
        allow_new_cluster: false,
        candidates_max: 1,
        first_epoch: 0,
        births: Births::default(),
        retry: RetryPolicy::default(),
        total_timeout: Duration::from_mins(10),
        counters: Arc::default(),
        wards: Arc::new(Wards::new(QuarantineRule::default())),
        permits: permits.clone(),
        stops: Arc::new(Stops::by(drain.clone())),
        records_max: 1,
        ledger: None,
        trace: None,
    }
}
