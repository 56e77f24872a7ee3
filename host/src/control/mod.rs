//! Pure rules: whether, when and how often to try again, how much at once, and whom to leave alone. No I/O, no clock, no
//! randomness of its own.

pub mod fallback;
pub mod limit;
pub mod quarantine;
pub mod retry;
