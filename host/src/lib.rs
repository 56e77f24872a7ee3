//! Judges large sets of texts with LLMs: for each record, which cluster it belongs to, that it is a new one,
//! or that it cannot be told. Every LLM provider is a sandboxed WASI component; this crate is its host.
//!
//! [`Judge`] is where to begin; its documentation has an example.

#![forbid(unsafe_code)]

// The rooms, in the order of a record's way.
pub mod config;
pub mod conformance;
pub mod control;
pub mod gauge;
pub mod job;
pub mod judge;
pub mod model;
pub mod provider;
pub mod registry;
pub mod report;
pub mod sandbox;
pub mod transport;

pub use judge::{Judge, JudgeOptions};
