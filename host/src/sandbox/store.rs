//! The world that a guest sees in one call: empty, the same each time, and gone afterwards.

use super::limits::{
    CORE_INSTANCES_MAX, Limits, MEMORIES_MAX, RANDOM_BYTES_MAX, RESOURCES_MAX, TABLE_ELEMENTS_MAX, TABLES_MAX,
};
use super::stderr::Stderr;
use super::trap::CpuSpent;
use std::time::Duration;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime::{Engine, ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, io, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView as _};
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

/// The time that a guest's clock shows: 2000-01-01, UTC, which is so many days after 1970-01-01.
const WALL_CLOCK: Duration = Duration::from_hours(24 * 10_957);
/// What a guest's hash seeds are made of.
const RANDOM_SEED: u64 = 0x6a75_6467_652d_686f;

/// What belongs to one call.
pub(super) struct CallState {
    /// Made when it is first asked for: most components import nothing of it.
    wasi: Option<WasiCtx>,
    resources: ResourceTable,
    /// What it was denied.
    pub(super) meter: Meter,
    /// What it said while it failed.
    pub(super) stderr: Stderr,
}

/// A new world for one call.
pub(super) fn open(engine: &Engine, limits: &Limits) -> Store<CallState> {
    let stderr = Stderr::new(limits.log_bytes);
    let mut resources = ResourceTable::new();
    resources.set_max_capacity(RESOURCES_MAX);
    let meter = Meter { bytes: 0, bytes_max: limits.memory_bytes, denied: false };
    let mut store = Store::new(engine, CallState { wasi: None, resources, meter, stderr });
    store.limiter(|state| &mut state.meter);
    store.set_hostcall_fuel(limits.output_bytes);
    // One tick at a time: after each the guest's thread serves others, and the guest has one tick less.
    let mut ticks_left = limits.ticks();
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        ticks_left = ticks_left.saturating_sub(1);
        if ticks_left == 0 {
            return Err(CpuSpent.into());
        }
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    store
}

/// The WASI of one call.
fn wasi(stderr: &Stderr) -> WasiCtx {
    WasiCtx::builder()
        .stderr(stderr.clone())
        .wall_clock(StoppedClock)
        .monotonic_clock(StoppedClock)
        .secure_random(Deterministic::new(RANDOM.to_vec()))
        .insecure_random(Deterministic::new(RANDOM.to_vec()))
        .insecure_random_seed(u128::from(RANDOM_SEED))
        .max_random_size(RANDOM_BYTES_MAX)
        .allow_tcp(false)
        .allow_udp(false)
        .build()
}

/// Gives a linker what the rules of `audit` call inert, and nothing else.
pub(super) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    type State = CallState;
    io::error::add_to_linker::<State, Io>(linker, |state| &mut state.resources)?;
    io::poll::add_to_linker::<State, Io>(linker, |state| &mut state.resources)?;
    io::streams::add_to_linker::<State, Io>(linker, |state| &mut state.resources)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(linker, State::clocks)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(linker, State::clocks)?;
    random::random::add_to_linker::<State, WasiRandom>(linker, State::random)?;
    random::insecure::add_to_linker::<State, WasiRandom>(linker, State::random)?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(linker, State::random)?;
    filesystem::types::add_to_linker::<State, WasiFilesystem>(linker, State::filesystem)?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(linker, State::filesystem)?;
    cli::environment::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::exit::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    Ok(())
}

/// Where the functions of wasi:io find their resources.
struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let ctx = self.wasi.get_or_insert_with(|| wasi(&self.stderr));
        WasiCtxView { ctx, table: &mut self.resources }
    }
}

/// Counts what a call holds. A denied growth is not yet a fault: a guest may do without.
pub(super) struct Meter {
    /// All linear memories together.
    bytes: usize,
    bytes_max: usize,
    /// Whether memory was denied; then a trap that follows is for want of memory.
    pub(super) denied: bool,
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.bytes.saturating_add(desired.saturating_sub(current));
        if total > self.bytes_max {
            self.denied = true;
            return Ok(false);
        }
        self.bytes = total;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.denied = true;
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX as usize
    }
}

/// A clock that stands still, so that no request depends on when it was built.
struct StoppedClock;

impl HostWallClock for StoppedClock {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        WALL_CLOCK
    }
}

impl HostMonotonicClock for StoppedClock {
    fn resolution(&self) -> u64 {
        1_000_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}

/// What a guest gets for random bytes, over and over: spread well enough for hash seeds and rejection sampling.
static RANDOM: [u8; 256] = random_bytes();

/// SplitMix64, at compile time.
const fn random_bytes() -> [u8; 256] {
    let mut bytes = [0; 256];
    let mut state = RANDOM_SEED;
    let mut i = 0;
    while i < bytes.len() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes[i] = (z ^ (z >> 31)).to_le_bytes()[0];
        i += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_counts_over_all_memories_of_a_call() {
        let mut meter = Meter { bytes: 0, bytes_max: 300, denied: false };
        assert!(meter.memory_growing(0, 100, None).expect("never an error"));
        assert!(meter.memory_growing(0, 100, None).expect("never an error"));
        assert!(!meter.memory_growing(100, 201, None).expect("never an error"));
        assert!(meter.denied);
        assert!(meter.memory_growing(100, 200, None).expect("never an error"), "what fits is given still");
    }
}
