//! A fake LLM server, for the tests and the bench: Ollama's dialect and OpenAI's on one port of this machine,
//! answers by a closure, faults on command, and counts of what it saw. It knows the wire and the form of the
//! verdict, and nothing of the host.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use judge_host_kit::{Answered, FakeLlm, FaultRule, Script, Then, When};
//! use std::sync::Arc;
//!
//! let server = FakeLlm::start(Script {
//!     judge: Arc::new(|asked| match asked.record_id.as_deref() {
//!         Some("r1") => Answered::Assign("top-up".into()),
//!         _ => Answered::Skip,
//!     }),
//!     faults: vec![FaultRule { when: When::FirstOfEachRecord(1), then: Then::status(503) }],
//!     ..Script::default()
//! })
//! .await;
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! assert_eq!(server.stats().calls, 0);
//! server.stop().await;
//! # }
//! ```

#![forbid(unsafe_code)]

mod answer;
mod dialect;
mod fault;
mod oracle;
mod question;
mod response;
mod script;
mod server;
mod stats;
#[cfg(test)]
mod tests;

pub use fault::{FaultRule, Then, When};
pub use oracle::Oracle;
pub use script::{Answered, Asked, Judge, Script, pick_by_hash};
pub use server::FakeLlm;
pub use stats::Stats;
