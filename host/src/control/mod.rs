//! Pure rules: whether, when and how often to try again. No I/O, no clock, no randomness of its own.

pub mod retry;
