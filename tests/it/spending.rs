//! What a run spends: its cost is told, its budget kept, its input estimated, and nothing asked twice.

mod budget;
mod chain;
mod dedup;
mod estimate;

use crate::support::{CLUSTERS, Case, records};

/// What the fake model costs: $1 for a million tokens.
const PRICES: &str = "[prices.fake]\ninput = 1\noutput = 1\n";

/// So many records, clusters, and prices.
fn case(count: usize) -> Case {
    let case = Case::new();
    case.file("records.jsonl", records(count));
    case.file("clusters.jsonl", CLUSTERS);
    case.file("judge.toml", PRICES);
    case
}
