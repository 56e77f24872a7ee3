use std::time::Duration;

/// What a server tells of the rate at which it may be asked. What it does not tell is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateReport {
    /// What it tells of requests.
    pub requests: Allowance,
    /// What it tells of tokens.
    pub tokens: Allowance,
}

/// How much of one thing a server grants a minute, and what is left of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// How much it grants a minute.
    pub limit: Option<u64>,
    /// How much of that is left.
    pub remaining: Option<u64>,
    /// The time until all of it is there again, from the response on.
    pub reset: Option<Duration>,
}
