//! Everything that a provider of `judge-host` needs: the contract as Rust types, and the parts that most providers
//! share. A provider is values in, values out: it builds requests and says what responses mean; the host sends,
//! waits, retries and commits. It knows no key, picks no host, and keeps nothing between calls. The crate sets the
//! component's allocator, to one for instances that live for a call.
//!
//! ```
//! use judge_provider::{Answer, Body, Confidence, Decision, Descriptor, Fault, HttpResponse, Job, Preparation, Previous};
//! use judge_provider::{Provider, Settings, Step, Task, Verdict, fault};
//!
//! struct First;
//!
//! impl Provider for First {
//!     fn describe() -> Descriptor {
//!         Descriptor { summary: "takes the first candidate".into(), ..Descriptor::new("first", "0.1.0") }
//!     }
//!
//!     fn prepare(_: Settings, _: Option<Previous>) -> Result<Preparation, Fault> {
//!         Ok(Preparation::Ready(Vec::new()))
//!     }
//!
//!     fn brief(_: Task) -> Result<Body, Fault> {
//!         Ok(Body::Text(String::new()))
//!     }
//!
//!     fn build_request(job: Job) -> Result<Step, Fault> {
//!         let first = job.candidate_ids.first().cloned();
//!         let decision = first.map_or(Decision::Skip, Decision::Assign);
//!         let verdict = |record_id| Verdict {
//!             record_id,
//!             decision: decision.clone(),
//!             confidence: Confidence::Low,
//!             rationale: String::new(),
//!         };
//!         let verdicts = job.records.into_iter().map(|record| verdict(record.id)).collect();
//!         Ok(Step::Done(Answer { verdicts, ..Answer::default() }))
//!     }
//!
//!     fn parse_response(_: Job, _: Vec<u8>, _: HttpResponse) -> Result<Step, Fault> {
//!         Err(fault::other("no request was sent"))
//!     }
//! }
//!
//! judge_provider::export!(First);
//! # assert_eq!(First::describe().id, "first");
//! ```

// The generated code names this crate by its outer name, so that it compiles here and in the author's crate alike.
extern crate self as judge_provider;

pub mod answer;
#[cfg(any(test, all(target_family = "wasm", not(target_feature = "atomics"))))]
mod arena;
pub mod brief;
pub mod chat;
pub mod error;
pub mod fault;
pub mod http;
pub mod prompt;
pub mod rate;
pub mod repair;
pub mod schema;
pub mod usage;
mod values;

#[cfg(test)]
mod samples;

/// What wit-bindgen makes of the contract. Named by the `export!` macro; authors use the names re-exported below.
#[doc(hidden)]
#[expect(clippy::same_length_and_capacity, reason = "wit-bindgen's code, not ours")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/judge-provider-0.1.0",
        world: "judge-provider",
        pub_export_macro: true,
        export_macro_name: "export_component",
        default_bindings_module: "judge_provider::bindings",
        runtime_path: "::judge_provider::rt",
        additional_derives: [PartialEq],
    });
}

/// The allocator of every component that is made with this crate: an instance lives for one call, and has one thread.
///
/// Its bytes are what a call of an average job needs in all, its brief and its answer included. More than is needed is no
/// gain: the host looks through all of an instance's memory afterwards.
#[cfg(all(target_family = "wasm", not(target_feature = "atomics")))]
#[global_allocator]
static ARENA: arena::Arena<{ 96 << 10 }> = arena::Arena::new();

#[doc(hidden)]
pub use wit_bindgen::rt;

/// JSON as this crate uses it, so that a provider needs no dependency beside.
pub use serde_json;

pub use bindings::exports::judge::provider::provider::{
    Answer, AuthSlot, Body, Cluster, Confidence, Decision, Descriptor, Extra, Fault, FaultKind, Guest as Provider,
    HttpRequest, HttpResponse, Instructions, Job, Outgoing, Preparation, Previous, Proposal, Record, SettingSpec,
    Settings, Step, Task, Usage, Verdict,
};

/// Makes a [`Provider`] the one that the component exports. Once in a crate. In a native build, for unit tests, it
/// only checks that the trait is implemented: the export symbols mean nothing to a native linker.
#[macro_export]
macro_rules! export {
    ($provider:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::export_component!($provider with_types_in $crate::bindings);

        #[cfg(not(target_family = "wasm"))]
        const _: fn() -> $crate::Descriptor = <$provider as $crate::Provider>::describe;
    };
}

/// The README's provider, compiled so that it stays true.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
