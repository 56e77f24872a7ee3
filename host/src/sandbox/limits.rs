//! What one call of a guest may use. Every bound is named here, with its reason.

use std::time::Duration;

/// All linear memories of one call together. An interpreter with its heap fits (CPython needs about 20 MiB).
pub const MEMORY_BYTES_MAX: usize = 64 << 20;
/// Time that a guest computes in one call. Building or parsing takes microseconds, in an interpreter milliseconds.
pub const CPU_MAX: Duration = Duration::from_millis(500);
/// Time that one call takes in all, what it waits for included.
pub const WALL_MAX: Duration = Duration::from_secs(5);
/// The native stack of compiled guest code; wasmtime's own default.
pub const STACK_BYTES_MAX: usize = 512 << 10;
/// What a guest may hand over in one go, as a result or to a host function: lists and strings, in bytes.
pub const OUTPUT_BYTES_MAX: usize = 8 << 20;
/// What is kept of a guest's stderr, which is only searched for the place of a panic.
pub const LOG_BYTES_MAX: usize = 4 << 10;
/// `outgoing.state`, as the contract says.
pub const STATE_BYTES_MAX: usize = 1 << 20;
/// The profile of a preparation, as the contract says.
pub const PROFILE_BYTES_MAX: usize = 1 << 20;
/// What a provider makes of a task, as the contract says. Every job of the task copies it.
pub const BRIEF_BYTES_MAX: usize = 4 << 20;
/// A component's file. CPython with its library is 18 MiB.
pub const COMPONENT_BYTES_MAX: u64 = 64 << 20;
/// Calls of one component that run at the same time. A call takes microseconds of one core, so this is far beyond any number of
/// cores; more records than this may be in flight, since a call is over before its request is sent.
pub const INSTANCES_MAX: usize = 64;
/// Components whose calls have room at the same time, each with as many as it may have: one that spins in all of its
/// calls takes no turn from another.
pub(super) const COMPONENTS_AT_ONCE: usize = 4;
/// Calls of one component that run at the same time on one core: two, so that a core has work while another call is set up.
pub(super) const INSTANCES_PER_CORE: usize = 2;

/// Core modules in one component: CPython has 38.
pub(super) const CORE_INSTANCES_MAX: u32 = 64;
/// Linear memories in one component: QuickJS has 3.
pub(super) const MEMORIES_MAX: u32 = 4;
/// Tables in one component.
pub(super) const TABLES_MAX: u32 = 32;
/// Elements in one table: what an interpreter of some megabytes has as function pointers, several times over.
pub(super) const TABLE_ELEMENTS_MAX: usize = 100_000;
/// WASI resources (streams, pollables) open in one call. The host's memory pays for them.
pub(super) const RESOURCES_MAX: usize = 1_000;
/// Random bytes handed out in one go: each costs the host a byte.
pub(super) const RANDOM_BYTES_MAX: u64 = 64 << 10;
/// A linear memory is followed by as much forbidden address space, so that small offsets need no check of their own.
pub(super) const MEMORY_GUARD_BYTES: u64 = 64 << 10;
/// Address space for each memory of the pool where there is enough of it: as much as 32 bits can name, so that no access
/// needs a check. What a guest may use of it is bounded all the same.
pub(super) const ROOMY_RESERVATION_BYTES: u64 = 4 << 30;
/// What follows such a memory: more than the offsets that stand in code.
pub(super) const ROOMY_GUARD_BYTES: u64 = 32 << 20;
/// Stack for host functions beyond the guest's share.
pub(super) const HOST_STACK_BYTES: usize = 1 << 20;
/// What a pool slot may keep resident between calls, so that the next call causes no page faults.
pub(super) const RESIDENT_BYTES: usize = 2 << 20;
/// How often a running guest is looked at: the most by which a guest that spins delays others on its thread.
pub(super) const TICK: Duration = Duration::from_millis(10);
/// CPU time for `describe`, which returns a constant; an interpreter has to start up for it.
pub(super) const PROBE_CPU_MAX: Duration = Duration::from_millis(200);
/// What `describe` may return, in bytes.
pub(super) const PROBE_OUTPUT_BYTES_MAX: usize = 64 << 10;

// ---- what is compiled ----
//
// Three interpreters are the largest components that are known: CPython (18.4 MB), SpiderMonkey (12.3 MB) and QuickJS
// (1.6 MB), each with a provider for this contract. The figures beside the bounds are theirs; the bundled providers need
// far less. What the worst component within the bounds costs is told in BENCHMARKS.md.

/// The version of the scan, raised with its rules and with each bound below: what an older one passed is scanned again.
pub(super) const SCAN_VERSION: u32 = 1;
/// Files that are known to have passed the scan. Each is a name in a folder; one forgotten costs a scan, some milliseconds.
pub(super) const SCANNED_MAX: usize = 1_000;
/// Time for one component. The worst within these bounds takes three minutes of a processor, CPython 13 s.
pub(super) const COMPILE_WALL_MAX: Duration = Duration::from_mins(5);
/// Functions that are compiled at the same time, each with the memory that it takes.
pub(super) const COMPILE_THREADS: usize = 2;
/// Bytes of code in all modules together. SpiderMonkey has 9.2 MB.
pub(super) const CODE_BYTES_MAX: u64 = 32 << 20;
/// Functions in all modules together. CPython has 13,486.
pub(super) const FUNCTIONS_MAX: u64 = 100_000;
/// Bytes of one function. The loop of CPython has 427 KB, that of SpiderMonkey 172 KB.
pub(super) const FUNCTION_BYTES_MAX: u64 = 1 << 20;
/// Locals of one function, its parameters included. CPython has 271.
pub(super) const LOCALS_MAX: u64 = 2_000;
/// Parameters and results of one function or block. CPython has 19. Each is moved at every call and every branch.
pub(super) const ARITY_MAX: u64 = 32;
/// Loops within each other. QuickJS has 21. The compiler's time grows with the square of it: 2,000 take it a minute.
pub(super) const LOOPS_DEEP_MAX: u64 = 64;
/// In one function, at all branches together: the locals and stacked values that are carried along, each of which may
/// become a parameter of a block. SpiderMonkey has 658,968.
pub(super) const FUNCTION_SPREAD_MAX: u64 = 2_000_000;
/// In one function: values times branches, and a hundredth of their square. SpiderMonkey and CPython have 1.8 and 1.9
/// thousand million. At the bound the compiler takes a gigabyte for the function, and four seconds.
pub(super) const FUNCTION_WORK_MAX: u64 = 3_000_000_000;
/// Values that all operators take and give: 3 µs each, whatever the code. SpiderMonkey has 6.4 million.
pub(super) const VALUES_MAX: u64 = 20_000_000;
/// The spread of all functions: up to 3.4 µs each. SpiderMonkey has 11.5 million.
pub(super) const SPREAD_MAX: u64 = 30_000_000;
/// The work of all functions: up to 1.5 ns each. SpiderMonkey has 7.6 thousand million.
pub(super) const WORK_MAX: u64 = 20_000_000_000;
/// Core modules. CPython has 38.
pub(super) const MODULES_MAX: u64 = 128;
/// Components within the component. QuickJS has 24.
pub(super) const COMPONENTS_MAX: u64 = 128;
/// How deep modules and components lie within each other. QuickJS has 3.
pub(super) const DEPTH_MAX: u64 = 8;
/// Types of modules and components together. CPython has 1,558.
pub(super) const TYPES_MAX: u64 = 10_000;
/// Memories that modules define, used or not. QuickJS has 3. Each may come with an image of its first contents.
pub(super) const MEMORIES_DEFINED_MAX: u64 = 16;
/// Segments of data and elements. SpiderMonkey has 10,000 of data, which is what its pre-initialiser makes at most.
pub(super) const SEGMENTS_MAX: u64 = 50_000;
/// Functions that are lifted or lowered between components. QuickJS has 93. Each may become code of its own.
pub(super) const LIFTED_MAX: u64 = 1_000;
/// Imports, exports, tables, globals, instances and aliases together. CPython has 9,300.
pub(super) const ITEMS_MAX: u64 = 100_000;
/// The image of a memory's first contents may have holes as long as it is no larger than this. Data that a linker lays out
/// has none to speak of; data at both ends of a memory would else be an image of all that is between.
pub(super) const IMAGE_WITH_HOLES_BYTES_MAX: u64 = 1 << 20;

/// What one call of a guest may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All linear memories together, in bytes; rounded up to whole pages of 64 KiB.
    pub memory_bytes: usize,
    /// Time that the guest computes, in ticks of 10 ms; at least one.
    pub cpu: Duration,
    /// Time in all.
    pub wall: Duration,
    /// The native stack, in bytes.
    pub stack_bytes: usize,
    /// What the guest may hand over in one go, in bytes.
    pub output_bytes: usize,
    /// What is kept of its stderr, in bytes.
    pub log_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            memory_bytes: MEMORY_BYTES_MAX,
            cpu: CPU_MAX,
            wall: WALL_MAX,
            stack_bytes: STACK_BYTES_MAX,
            output_bytes: OUTPUT_BYTES_MAX,
            log_bytes: LOG_BYTES_MAX,
        }
    }
}

impl Limits {
    /// How many ticks a guest may run; a budget below one tick is one.
    pub(super) fn ticks(&self) -> u64 {
        u64::try_from(self.cpu.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX).max(1)
    }

    /// Tighter, for `describe`.
    pub(super) fn probe(&self) -> Limits {
        Limits {
            cpu: self.cpu.min(PROBE_CPU_MAX),
            output_bytes: self.output_bytes.min(PROBE_OUTPUT_BYTES_MAX),
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_counted_in_whole_ticks_and_never_none() {
        let ticks = |cpu| Limits { cpu, ..Limits::default() }.ticks();
        assert_eq!(ticks(Duration::ZERO), 1);
        assert_eq!(ticks(Duration::from_millis(10)), 1);
        assert_eq!(ticks(Duration::from_millis(11)), 2);
        assert_eq!(ticks(CPU_MAX), 50);
    }
}
