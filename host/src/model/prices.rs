use super::MicroUsd;

/// What a model costs: millionths of a US dollar for a million tokens, which is as many picodollars for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// Of prompt tokens.
    pub input: MicroUsd,
    /// Of those of them that come from the server's cache.
    pub cached_input: MicroUsd,
    /// Of generated tokens.
    pub output: MicroUsd,
}
