//! Where the registry lasts: one SQLite file (WAL) that any tool can open. Nothing outside this folder knows that
//! it is SQLite, and nothing in here knows what a cluster's change means.

mod connection;
mod counts;
mod failure;
mod lock;
mod reader;
mod rows;
mod seen;
#[cfg(test)]
mod tests;
mod writer;

pub(super) use connection::{Access, check_file};
pub use counts::recent_counts_min;
pub(super) use lock::Lock;
pub(super) use reader::{Ordered, Reader};
pub use seen::SeenIds;
pub(super) use writer::{Placed, Transaction, Writer};
