use super::compile::Compiler;
use super::contract::{VERSIONS, Version};
use super::limits::{
    COMPONENTS_AT_ONCE, CORE_INSTANCES_MAX, HOST_STACK_BYTES, IMAGE_WITH_HOLES_BYTES_MAX, INSTANCES_MAX,
    INSTANCES_PER_CORE, Limits, MEMORIES_MAX, MEMORY_GUARD_BYTES, RESIDENT_BYTES, ROOMY_GUARD_BYTES,
    ROOMY_RESERVATION_BYTES, TABLE_ELEMENTS_MAX, TABLES_MAX,
};
use super::shared::Core;
use super::store;
use super::ticker::Ticker;
use super::{cache, load, refusal::Refusal};
use crate::model::Signer;
use crate::provider::{Artifact, Provider};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime::{Cache, Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How a sandbox is set up.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// What one call may use.
    pub limits: Limits,
    /// Where compiled components are kept between runs: a folder that is or will be the owner's alone. None compiles
    /// anew each time.
    pub cache_dir: Option<PathBuf>,
    /// Calls of one component that run at the same time; more wait for their turn. At least 1. A few components have
    /// room for as many each.
    pub instances_max: usize,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        SandboxOptions { limits: Limits::default(), cache_dir: None, instances_max: instances_default() }
    }
}

/// A guest only computes, so more of them at once than cores to run on would only slow each other down, and run into
/// their wall time by waiting for a core.
fn instances_default() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores * INSTANCES_PER_CORE).min(INSTANCES_MAX)
}

/// Why there is no sandbox at all.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The engine did not start: limits that contradict each other, or a machine that it does not know.
    #[error("cannot start the WebAssembly engine: {reason}")]
    Engine {
        /// What the engine said.
        reason: String,
    },
    /// The system gave no thread for the clock.
    #[error("cannot start the clock of the sandbox")]
    Clock {
        /// What the system said.
        source: io::Error,
    },
}

/// Where components are loaded and run. What it loaded keeps it alive.
pub struct Sandbox {
    pub(super) core: Arc<Core>,
    cache_refused: Option<String>,
}

impl Sandbox {
    /// Starts the engine and its clock.
    ///
    /// # Errors
    /// Where this machine or these limits allow no engine.
    pub fn new(options: SandboxOptions) -> Result<Sandbox, SandboxError> {
        Sandbox::speaking(options, VERSIONS)
    }

    /// The same, for components of these versions of the contract.
    pub(super) fn speaking(options: SandboxOptions, versions: &'static [Version]) -> Result<Sandbox, SandboxError> {
        let SandboxOptions { limits, cache_dir, instances_max } = options;
        let turns_each = instances_max.clamp(1, Semaphore::MAX_PERMITS / COMPONENTS_AT_ONCE);
        let instances_max = turns_each * COMPONENTS_AT_ONCE;
        let (code, scanned, cache_refused) = match cache_dir.as_deref().map(cache::open) {
            None => (None, None, None),
            Some(Ok(cache)) => (Some(cache.code), Some(cache.scanned), None),
            Some(Err(why)) => (None, None, Some(why)),
        };
        let engine_error = |error: wasmtime::Error| SandboxError::Engine { reason: error.root_cause().to_string() };
        let engine = engine(&limits, instances_max, code).map_err(engine_error)?;
        let mut linker = Linker::new(&engine);
        store::link(&mut linker).map_err(engine_error)?;
        let ticker = Ticker::start(engine.weak()).map_err(|source| SandboxError::Clock { source })?;
        let (compiler, turns) = (Compiler::new(&engine, scanned), Semaphore::new(instances_max));
        Ok(Sandbox {
            core: Arc::new(Core { ticker, engine, linker, limits, compiler, versions, turns, turns_each }),
            cache_refused,
        })
    }

    /// Loads a component: reads, compiles (on a thread for blocking work), audits, and asks it who it is.
    ///
    /// Dropping the future loses the component, though a compilation that has begun goes on to its end.
    ///
    /// # Errors
    /// Why it is no provider that can be run here.
    pub async fn load(&self, path: &Path) -> Result<Arc<dyn Provider>, Refusal> {
        let path = path.to_owned();
        let artifact = tokio::task::spawn_blocking(move || load::read(&path)).await;
        let artifact = artifact.map_err(|error| Refusal::Unreadable { source: io::Error::other(error) })??;
        self.load_read(artifact, Signer::NotChecked).await
    }

    /// Reads a file that may be a component, whole, once. It blocks.
    ///
    /// # Errors
    /// Where it cannot be read, or is larger than any component.
    pub fn read(path: &Path) -> Result<Artifact, Refusal> {
        load::read(path)
    }

    /// Loads what was read of a file, as [`Sandbox::load`] does. Whoever checked its signature says who the signer is.
    ///
    /// # Errors
    /// Why it is no provider that can be run here.
    pub async fn load_read(&self, artifact: Artifact, signer: Signer) -> Result<Arc<dyn Provider>, Refusal> {
        load::load(&self.core, artifact, signer).await
    }

    /// Why the cache folder that was asked for is not used; none where it is, or where none was asked for.
    pub fn cache_refused(&self) -> Option<&str> {
        self.cache_refused.as_deref()
    }
}

/// With a pool of memories that need no checks where the address space allows it; else with checks, slower by 2 µs a record;
/// else without a pool, slower by some 50 µs.
fn engine(limits: &Limits, instances_max: usize, cache: Option<Cache>) -> wasmtime::Result<Engine> {
    let on_demand = config(limits, cache);
    let mut pooled = on_demand.clone();
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits, instances_max)));
    let mut roomy = pooled.clone();
    roomy.memory_reservation(ROOMY_RESERVATION_BYTES).memory_guard_size(ROOMY_GUARD_BYTES);
    Engine::new(&roomy).or_else(|_| Engine::new(&pooled)).or_else(|_| Engine::new(&on_demand))
}

fn config(limits: &Limits, cache: Option<Cache>) -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.epoch_interruption(true);
    config.max_wasm_stack(limits.stack_bytes);
    config.async_stack_size(limits.stack_bytes.saturating_add(HOST_STACK_BYTES));
    // Address space for what a guest may use and no more: the default of 4 GiB a memory does not fit everywhere.
    config.memory_reservation(limits.memory_bytes as u64);
    config.memory_guard_size(MEMORY_GUARD_BYTES);
    config.memory_may_move(false);
    config.memory_guaranteed_dense_image_size(IMAGE_WITH_HOLES_BYTES_MAX);
    // Same inputs, same bytes, whatever the processor.
    config.relaxed_simd_deterministic(true);
    config.cranelift_nan_canonicalization(true);
    config.cache(cache);
    config
}

fn pool(limits: &Limits, instances_max: usize) -> PoolingAllocationConfig {
    let instances = u32::try_from(instances_max).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES_MAX))
        .total_memories(instances.saturating_mul(MEMORIES_MAX))
        .total_tables(instances.saturating_mul(TABLES_MAX))
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_memory_size(limits.memory_bytes)
        .table_elements(TABLE_ELEMENTS_MAX)
        .linear_memory_keep_resident(RESIDENT_BYTES)
        .table_keep_resident(RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto);
    pool
}
