//! What a failed call means: one fault kind for each limit, and no word of the guest's own in it.

use super::limits::Limits;
use super::stderr::Stderr;
use crate::model::{Fault, FaultKind};
use wasmtime::Trap;
use wasmtime_wasi::I32Exit;

/// The guest used up its ticks.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the CPU time of the call is used up")]
pub(super) struct CpuSpent;

/// The words by which wasmtime says that a guest hands over too much. Its type for this is private to it; a test
/// fails should the words change.
const TOO_MUCH_OUTPUT: &str = "fuel allocated for hostcalls has been exhausted";

/// The longest text of wasmtime's own that a fault carries, in characters.
const REASON_CHARS_MAX: usize = 200;

/// The fault of a call that took too long in all.
pub(super) fn wall_fault(limits: &Limits) -> Fault {
    Fault::new(FaultKind::Deadline, format!("the component took longer than {:?} for one call", limits.wall))
        .code("wall")
}

/// The fault of a call that ended in an error.
pub(super) fn fault(error: &wasmtime::Error, memory_denied: bool, stderr: &Stderr, limits: &Limits) -> Fault {
    if error.is::<CpuSpent>() {
        let message = format!("the component computed longer than {:?} in one call", limits.cpu);
        return Fault::new(FaultKind::Deadline, message).code("cpu");
    }
    // Before the trap: a guest that gets no memory aborts, and that alone would look like a bug of it.
    if memory_denied {
        let message = format!("the component wanted more than {} bytes of memory", limits.memory_bytes);
        return Fault::new(FaultKind::Memory, message);
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        let (code, words) = words(*trap);
        let place = stderr.panic_place().map(|place| format!(" at {place}")).unwrap_or_default();
        return Fault::new(FaultKind::Trap, format!("the component {words}{place}")).code(code);
    }
    if let Some(I32Exit(status)) = error.downcast_ref::<I32Exit>() {
        let message = format!("the component exited with status {status} in the middle of a call");
        return Fault::new(FaultKind::Trap, message).code("exit");
    }
    let reason = error.root_cause().to_string();
    if reason.contains(TOO_MUCH_OUTPUT) {
        let message = format!("the component handed over more than {} bytes", limits.output_bytes);
        return Fault::new(FaultKind::TooLarge, message).code("output");
    }
    let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
    Fault::new(FaultKind::Trap, format!("the component broke the rules of a call: {reason}")).code("abi")
}

fn words(trap: Trap) -> (&'static str, String) {
    match trap {
        // What a panic, a failed assertion and an abort come down to.
        Trap::UnreachableCodeReached => ("abort", "aborted".to_owned()),
        Trap::StackOverflow => ("stack", "overflowed its stack".to_owned()),
        Trap::MemoryOutOfBounds => {
            ("out-of-bounds", "left its memory (a bad pointer or an overflowed stack)".to_owned())
        }
        other => {
            let words = other.to_string();
            ("trap", format!("trapped: {}", words.strip_prefix("wasm trap: ").unwrap_or(&words)))
        }
    }
}
