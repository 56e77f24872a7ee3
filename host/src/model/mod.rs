//! The nouns, as plain types: what is judged, what is sent, what comes out. std and serde only; every other
//! room may know this one, and it knows none of them.

mod births;
mod cluster;
mod dedup;
mod descriptor;
mod durability;
mod exchange;
mod fault;
mod job;
mod money;
mod outcome;
mod parallel;
mod prices;
mod rate;
mod record;
mod signer;
mod verdict;

pub use births::Births;
pub use cluster::{Cluster, ClusterId, ClusterStatus};
pub use dedup::Dedup;
pub use descriptor::{AuthSlot, Descriptor, SettingSpec};
pub use durability::Durability;
pub use exchange::{Body, HttpRequest, HttpResponse, Outgoing, Preparation, Previous, Step};
pub use fault::{Fault, FaultKind};
pub use job::{Instructions, Job, Settings, Task};
pub use money::MicroUsd;
pub use outcome::{Decision, Judged, Outcome};
pub use parallel::Parallel;
pub use prices::Prices;
pub use rate::{Allowance, RateReport};
pub use record::Record;
pub use signer::{Signer, TrustedKey};
pub use verdict::{Answer, Choice, Confidence, Proposal, Usage, Verdict};
