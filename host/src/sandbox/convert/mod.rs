//! Between the contract's types and ours. Total: every value of one side has its like on the other.

pub(super) mod from_guest;
pub(super) mod to_guest;
