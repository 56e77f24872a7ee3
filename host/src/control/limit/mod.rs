//! How many records may be in flight: a fixed number, or the number that the server itself is best used with.
//!
//! The adaptive limit goes by *marginal throughput*: what a further slot adds to the answers a second. Not by latency
//! alone, since a server that batches gets slower per call while it still answers more in all; and not by refusals
//! alone, since a server of one's own queues in silence and never refuses. It knows no clock and no server: it is told
//! what ended and when, and asked for the number.

mod adaptive;
mod bounds;
mod curve;
mod ended;
mod pressure;
mod probe;
mod search;
mod state;
#[cfg(test)]
mod tests;
mod window;

pub use adaptive::Adaptive;
pub use bounds::{Bounds, BoundsError};
pub use ended::{Ended, Ending};
pub use state::{Pressure, Reason, State};

/// How many may be in flight at once. One for each endpoint and model: what one server bears says nothing of another.
#[derive(Clone, Debug)]
pub enum Limit {
    /// Always this many, from 1.
    Fixed(usize),
    /// As many as serve the throughput.
    Adaptive(Box<Adaptive>),
}

impl Limit {
    /// Always this many; 0 counts as 1.
    pub fn fixed(limit: usize) -> Self {
        Limit::Fixed(limit.max(1))
    }

    /// As many as serve the throughput, within bounds.
    pub fn adaptive(bounds: Bounds) -> Self {
        Limit::Adaptive(Box::new(Adaptive::new(bounds)))
    }

    /// How many may be in flight now.
    pub fn current(&self) -> usize {
        match self {
            Limit::Fixed(limit) => *limit,
            Limit::Adaptive(adaptive) => adaptive.current(),
        }
    }

    /// Takes in how one call ended. Calls are to be told in the order of their ends.
    pub fn ended(&mut self, ended: &Ended) {
        if let Limit::Adaptive(adaptive) = self {
            adaptive.ended(ended);
        }
    }

    /// Where the limit stands, and why.
    pub fn state(&self) -> State {
        match self {
            Limit::Fixed(limit) => State { limit: *limit, settled: Some(*limit), reason: Reason::Fixed },
            Limit::Adaptive(adaptive) => adaptive.state(),
        }
    }
}
