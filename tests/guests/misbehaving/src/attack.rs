//! What a component can do to the machine it runs on.

use crate::done;
use judge_provider::{Decision, Step};
use std::hint::black_box;
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};

/// One allocation of the memory bomb, in bytes.
const BOMB_BYTES: usize = 1 << 20;
/// One allocation that nobody grants, in bytes.
const BOMB_AT_ONCE_BYTES: usize = 1 << 30;
/// An answer that fits the usual memory limit and is far over any bound on output.
const FLOOD_BYTES: usize = 16 << 20;
/// What one flooded line of the log holds.
const LINE: &[u8] = b"this line is one of very many, and nobody should keep them all in memory\n";
/// Lines of the flood: about 14 MiB.
const LINES: usize = 200_000;

/// Never returns.
pub(crate) fn spin() -> Step {
    let mut turns = 0u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Allocates, touches and keeps memory until there is none.
pub(crate) fn bomb() -> Step {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1u8; BOMB_BYTES]));
    }
}

/// Asks for far more than there is, at once.
pub(crate) fn bomb_at_once() -> Step {
    let kept: Vec<u8> = black_box(Vec::with_capacity(BOMB_AT_ONCE_BYTES));
    panic!("got {} bytes", kept.capacity())
}

/// Panics with a message that a host could show.
pub(crate) fn panic() -> Step {
    panic!("told to panic")
}

/// Panics with what looks like a key, as if it had found one.
pub(crate) fn panic_with_a_key() -> Step {
    panic!("sk-live-0123456789abcdefghijklmnopqrstuv")
}

/// Panics over one record in three: those whose number is a multiple of three.
pub(crate) fn panic_now_and_then(record_id: &str) {
    let number = record_id.trim_start_matches(|c: char| !c.is_ascii_digit()).parse::<u32>();
    assert!(!number.is_ok_and(|number| number % 3 == 0), "told to panic now and then");
}

/// Uses up the stack.
pub(crate) fn recurse(record_id: &str) -> Step {
    done(record_id, Decision::Skip, &deeper(0).to_string())
}

/// Ends the process, as far as a component has one.
#[expect(clippy::exit, reason = "that a component can only end itself is what is tested")]
pub(crate) fn exit() -> Step {
    std::process::exit(7)
}

/// Writes to stderr without an end in sight, and does not mind when nobody takes it.
pub(crate) fn flood_stderr() {
    let mut stderr = std::io::stderr().lock();
    for _ in 0..LINES {
        if stderr.write_all(LINE).is_err() {
            return;
        }
    }
}

/// A verdict far larger than any verdict.
pub(crate) fn flood_output(record_id: &str) -> Step {
    done(record_id, Decision::Skip, &"x".repeat(FLOOD_BYTES))
}

/// Says in the rationale how often this instance was called; more than 1 means that an instance was used again.
pub(crate) fn leak_state(record_id: &str) -> Step {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    // Relaxed: a component has one thread, so there is nothing to order.
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    done(record_id, Decision::Skip, &calls.to_string())
}

/// The frame is used after the call, so that no compiler makes a loop of it.
#[expect(unconditional_recursion, reason = "the end of the stack is what is tested")]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    let below = deeper(depth + 1);
    black_box(below + frame[0])
}
