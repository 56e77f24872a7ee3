//! A record's way: read, judge, commit, write. This room knows providers, transports and the registry by their
//! traits and faces only, never what is behind them.

mod asked;
mod attempts;
mod brief;
mod counters;
mod deadline;
mod drain;
mod echo;
mod grouping;
mod hash;
mod intake;
mod judgement;
mod ledger;
mod link;
mod permits;
mod plan;
mod prepare;
mod prepared;
mod queue;
mod scheduler;
mod send;
mod shelf;
pub mod sink;
pub mod source;
mod stops;
#[cfg(test)]
mod tests;
mod together;
mod trace;
mod verdict;
mod ward;
mod worker;

pub use attempts::SENDS_MAX;
pub use counters::Counters;
use deadline::Deadline;
pub use drain::Drain;
pub use grouping::{Member, TOGETHER_MAX, Work, grouped};
pub use intake::{Intake, IntakeError, IntakeReport, Item, intake};
pub use judgement::first_step;
pub use ledger::Ledger;
pub use link::{Link, Route};
pub use permits::{LaneRule, LaneState, Permit, Permits, Place, Waited, Waiting};
pub use plan::Plan;
pub use prepare::{SENDS_MAX as PREPARE_SENDS_MAX, prepare};
pub use prepared::Prepared;
pub use queue::Queue;
pub use scheduler::schedule;
pub use stops::{ServerChange, StopReason, Stops};
pub use together::work_on;
pub use trace::{Trace, TraceWriter, TracedCall, TracedResult, TracedStep};
pub use ward::Wards;
pub use worker::{Finished, work};
