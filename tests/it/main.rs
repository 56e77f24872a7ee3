//! End to end: the built binary and the library, against fake servers, bad input and components that misbehave.
//! `cargo xtask test` builds what they run.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
#![expect(unreachable_pub, reason = "one binary: what nobody uses is told as dead code")]

mod support;

// What a user does.
mod bench;
mod cli;
mod conformance;
mod library;
mod operator;
#[cfg(unix)]
mod real_servers;
mod reports;
mod request_schemas;
mod spending;
mod wire;

// What goes wrong.
mod bad_input;
mod sandbox;

// What must hold.
#[cfg(unix)]
mod coming_and_going;
mod contract;
mod docs;
mod promises;
mod resume;
mod security;
mod tidy;
