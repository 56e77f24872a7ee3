//! Runs providers that nobody vouches for: a component is audited, compiled once, and called under limits in a
//! store of its own each time. The only room that knows wasmtime; what it shows is `Provider`, our values, and
//! the reasons why a file was refused. It knows no endpoint, no key, no registry.

mod audit;
mod cache;
mod compile;
mod component;
mod contract;
mod descriptor;
mod engine;
mod limits;
mod load;
mod refusal;
mod scan;
mod scanned;
mod shared;
mod stderr;
mod store;
mod ticker;
mod trap;

#[cfg(test)]
mod tests;

pub use audit::given;
pub use engine::{Sandbox, SandboxError, SandboxOptions};
pub use limits::{
    BRIEF_BYTES_MAX, COMPONENT_BYTES_MAX, CPU_MAX, INSTANCES_MAX, LOG_BYTES_MAX, Limits, MEMORY_BYTES_MAX,
    OUTPUT_BYTES_MAX, PROFILE_BYTES_MAX, STACK_BYTES_MAX, STATE_BYTES_MAX, WALL_MAX,
};
pub use refusal::Refusal;
