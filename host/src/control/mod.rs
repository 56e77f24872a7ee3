//! Pure rules: whether, when and how often to try again, how fast and how much to ask, what may be spent, and whom to leave
//! alone. No I/O, no clock, no randomness of its own.

pub mod breaker;
pub mod budget;
pub mod fallback;
pub mod grouping;
pub mod hedge;
pub mod limit;
pub mod quarantine;
pub mod rate;
pub mod retry;
pub mod retry_budget;
pub mod spread;
