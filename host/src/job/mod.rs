//! A record's way: read, judge, commit, write. This room knows providers, transports and the registry by their
//! traits and faces only, never what is behind them.

mod brief;
mod counters;
mod drain;
mod echo;
mod hash;
mod intake;
mod judgement;
mod plan;
mod prepare;
mod scheduler;
pub mod sink;
pub mod source;
mod verdict;
mod ward;
mod worker;

pub use brief::Briefs;
pub use counters::Counters;
pub use drain::Drain;
pub use intake::{Intake, IntakeError, IntakeReport, Item, intake};
pub use judgement::first_step;
pub use plan::Plan;
pub use prepare::prepare;
pub use scheduler::schedule;
pub use ward::Wards;
pub use worker::{Finished, work};
