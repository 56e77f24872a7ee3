use super::compile::Compiler;
use super::contract::Version;
use super::limits::Limits;
use super::store::CallState;
use super::ticker::Ticker;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::Linker;

/// What all components share.
pub(super) struct Core {
    // Dropped first: the clock stops before its engine goes.
    #[expect(dead_code, reason = "held for its drop")]
    pub(super) ticker: Ticker,
    pub(super) engine: Engine,
    pub(super) linker: Linker<CallState>,
    pub(super) limits: Limits,
    pub(super) compiler: Compiler,
    /// The versions of the contract that components may be built for, the newest first.
    pub(super) versions: &'static [Version],
    /// As many permits as the pool has room for calls, so that a full pool is a wait and never an error.
    pub(super) turns: Semaphore,
    /// How many of them one component may have.
    pub(super) turns_each: usize,
}
