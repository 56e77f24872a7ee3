use crate::model::Parallel;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How many in flight were asked for, as reports spell it: a number, or `auto:MIN-MAX`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Level {
    /// Always this many.
    Fixed(usize),
    /// As many as were found to serve best, between these bounds.
    Auto(String),
}

impl From<Parallel> for Level {
    fn from(parallel: Parallel) -> Self {
        match parallel {
            Parallel::Fixed(number) => Level::Fixed(number.get()),
            Parallel::Auto { .. } => Level::Auto(parallel.to_string()),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Level::Fixed(number) => number.fmt(f),
            Level::Auto(words) => f.write_str(words),
        }
    }
}
