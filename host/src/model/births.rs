use serde::{Deserialize, Serialize};

/// When a cluster that a judge proposed is born beside others: which of the clusters born since that judge looked make
/// the record be judged again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Births {
    /// Any. Ends with the clusters that records one after the other would make; costs the most calls.
    #[default]
    Strict,
    /// Those that are alike, by their id or their words.
    Similar,
    /// None. Costs no call, and makes twins.
    Free,
}
