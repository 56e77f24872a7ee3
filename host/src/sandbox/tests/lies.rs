//! What no compiler of a guest language would make: pointers and lengths that lie, texts that are none, a component that
//! asks for the time or for chance.

use super::*;
use crate::model::{Fault, FaultKind, HttpResponse, Step};

/// Grows the memory by so many pages of 64 KiB, all zeros.
fn grow(pages: u32) -> String {
    format!("(drop (memory.grow (i32.const {pages})))")
}

/// Writes a word where the result of `build-request` is.
fn word(at: u32, word: i64) -> String {
    // As unsigned, in hexadecimal: WebAssembly's words have no sign.
    format!("(i32.store (i32.const {at}) (i32.const {:#x}))", word & 0xffff_ffff)
}

/// Where the fields of that result are: a request's, and an answer's in the same place.
const METHOD: u32 = 2064;
const HEADERS: u32 = 2080;
const VERDICTS: u32 = 2064;

/// A pointer and a length.
fn list(at: u32, pointer: i64, length: i64) -> String {
    word(at, pointer) + &word(at + 4, length)
}

/// The result is `done`.
const DONE: &str = "(i32.store8 (i32.const 2056) (i32.const 1))";

async fn build(code: &str) -> Result<Step, Fault> {
    let provider = Guest { build: code, ..Guest::default() }.load().await.unwrap();
    let built = provider.build_request(&job("text")).await;
    assert!(provider.brief(&job("text").task).await.is_ok(), "the next call is another's: {code}");
    built
}

#[tokio::test]
async fn a_list_or_text_that_is_not_there_is_a_trap_and_one_too_long_is_too_large() {
    const MIB: i64 = 1 << 20;
    for (code, kind, word) in [
        (list(METHOD, 65536, 1), FaultKind::Trap, "abi"),
        (list(METHOD, -1, 16), FaultKind::Trap, "abi"),
        (list(METHOD, 0, 1024 * MIB), FaultKind::Trap, "abi"),
        (list(METHOD, 0, -1), FaultKind::Trap, "abi"),
        (list(HEADERS, 0, 1024 * MIB), FaultKind::Trap, "abi"),
        (list(HEADERS, 2, 1), FaultKind::Trap, "abi"),
        // What there is, though: 60 MiB of zeros.
        (grow(959) + &list(METHOD, 0, 60 * MIB), FaultKind::TooLarge, "output"),
        (grow(959) + &list(HEADERS, 0, 3 * MIB), FaultKind::TooLarge, "output"),
        (grow(959) + DONE + &list(VERDICTS, 0, MIB), FaultKind::TooLarge, "output"),
        (DONE.to_owned() + &list(VERDICTS, 0, 1024 * MIB), FaultKind::Trap, "abi"),
    ] {
        let fault = build(&code).await.expect_err(&code);
        assert_eq!((fault.kind, fault.code.as_deref()), (kind, Some(word)), "{code}: {fault}");
        assert!(fault.message.len() < 300, "{fault}");
    }
}

#[tokio::test]
async fn a_text_that_is_no_utf_8_is_a_trap() {
    for (bytes, length) in [("ff", 1usize), ("c328", 2), ("eda080", 3), ("f0909f", 3), ("c0af", 2)] {
        let at = |n: usize, byte: &str| format!("(i32.store8 (i32.const {}) (i32.const 0x{byte}))", 3600 + n);
        let bytes_at: String = (0..length).map(|n| at(n, &bytes[2 * n..2 * n + 2])).collect();
        let fault = build(&(bytes_at + &list(METHOD, 3600, i64::try_from(length).expect("a few bytes"))))
            .await
            .expect_err(bytes);
        assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::Trap, Some("abi")), "{bytes}: {fault}");
        assert!(fault.message.contains("utf-8"), "{fault}");
    }
}

#[tokio::test]
async fn a_loop_without_an_end_is_stopped_in_every_export() {
    const LOOP: &str = "(loop (br 0))";
    let limits = Limits { cpu: Duration::from_millis(20), ..Limits::default() };
    let sandbox = Sandbox::new(SandboxOptions { limits, instances_max: 1, cache_dir: None }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("provider.wasm");
    fs::write(&file, Guest { describe: LOOP, ..Guest::default() }.wasm()).unwrap();
    let refusal = sandbox.load(&file).await.err().unwrap();
    assert!(matches!(&refusal, Refusal::DescribeFailed { fault } if fault.kind == FaultKind::Deadline), "{refusal:?}");
    let guest = Guest { prepare: LOOP, brief: LOOP, build: LOOP, parse: LOOP, ..Guest::default() };
    fs::write(&file, guest.wasm()).unwrap();
    let provider = sandbox.load(&file).await.unwrap();
    let job = job("text");
    let response = HttpResponse { status: 200, headers: Vec::new(), body: Body::Text(String::new()) };
    for (export, fault) in [
        ("prepare", provider.prepare(&Settings::default(), None).await.map(drop)),
        ("brief", provider.brief(&job.task).await.map(drop)),
        ("build-request", provider.build_request(&job).await.map(drop)),
        ("parse-response", provider.parse_response(&job, Vec::new(), response).await.map(drop)),
    ] {
        let fault = fault.expect_err(export);
        assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::Deadline, Some("cpu")), "{export}");
        assert_eq!(fault.request_sent, export == "parse-response", "{export}");
    }
}

#[tokio::test]
async fn a_start_function_without_an_end_is_stopped_before_any_export() {
    let text = MINIMAL.replace(
        ";; Calls itself until there is no stack left.",
        "(start $begin) (func $begin (loop (br 0)))\n;; Calls itself until there is no stack left.",
    );
    let refusal = load(&wat::parse_str(Guest::default().filled_in(&text)).unwrap()).await.err().unwrap();
    assert!(matches!(&refusal, Refusal::DescribeFailed { fault } if fault.kind == FaultKind::Deadline), "{refusal:?}");
}

/// Asks three interfaces for chance and time, and spells what it got in its version, as letters.
const CURIOUS: &str = r#"
  (import "wasi:random/random@0.2.0" (instance $random (export "get-random-u64" (func (result u64)))))
  (import "wasi:random/insecure@0.2.0" (instance $insecure (export "get-insecure-random-u64" (func (result u64)))))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock (export "now" (func (result u64)))))
"#;

/// The minimal provider, whose `describe` makes its version of chance, of time, and of how often it was asked.
fn curious() -> Vec<u8> {
    let text = MINIMAL
        .replace(
            "(core module $code",
            r#"(import "random" (func $random (result u64)))
            (import "insecure" (func $insecure (result u64)))
            (import "clock" (func $clock (result u64)))
            (core module $code
              (import "chance" "random" (func $random (result i64)))
              (import "chance" "insecure" (func $insecure (result i64)))
              (import "chance" "clock" (func $now (result i64)))"#,
        )
        .replace(
            "(core instance $code (instantiate $code))",
            r#"(core func $random (canon lower (func $random)))
            (core func $insecure (canon lower (func $insecure)))
            (core func $now (canon lower (func $clock)))
            (core instance $chance (export "random" (func $random)) (export "insecure" (func $insecure))
              (export "clock" (func $now)))
            (core instance $code (instantiate $code (with "chance" (instance $chance))))"#,
        )
        .replace(
            "(instance $provider (instantiate $provider))",
            r#"(instance $provider (instantiate $provider
              (with "random" (func $random "get-random-u64"))
              (with "insecure" (func $insecure "get-insecure-random-u64"))
              (with "clock" (func $clock "now"))))"#,
        );
    // Sixteen letters of each number; the version's pointer is at 1032, its length at 1036.
    let spell = |at: u32, number: &str| {
        let letter = |n: u32| {
            let (at, shift) = (at + n, 4 * n);
            format!(
                "(i32.store8 (i32.const {at}) (i32.add (i32.const 97) (i32.and (i32.const 15) \
                 (i32.wrap_i64 (i64.shr_u ({number}) (i64.const {shift}))))))"
            )
        };
        (0..16).map(letter).collect::<Vec<_>>().concat()
    };
    let describe = format!(
        "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (local.set $random (call $random)) (local.set $insecure (call $insecure)) (local.set $now (call $now))
        {}{}{}{}
        (i32.store (i32.const 1032) (i32.const 3600)) (i32.store (i32.const 1036) (i32.const 64))",
        spell(3600, "local.get $random"),
        spell(3616, "local.get $insecure"),
        spell(3632, "local.get $now"),
        spell(3648, "i64.extend_i32_u (global.get $calls)"),
    );
    let text = text.replace(
        "(func (export \"describe\") (result i32)",
        "(func (export \"describe\") (result i32) (local $random i64) (local $insecure i64) (local $now i64)",
    );
    let guest = Guest { imports: CURIOUS, describe: &describe, ..Guest::default() };
    wat::parse_str(guest.filled_in(&text)).unwrap()
}

#[tokio::test]
async fn a_component_that_asks_for_chance_and_time_says_the_same_each_time() {
    let curious = curious();
    let mut versions = Vec::new();
    for _ in 0..3 {
        // A sandbox of its own each time, as in another run of the host.
        let provider = load(&curious).await.unwrap();
        versions.push(provider.identity().descriptor.version.clone());
    }
    assert_eq!(versions[0], versions[1]);
    assert_eq!(versions[0], versions[2]);
    let (random, rest) = versions[0].split_at(16);
    let (insecure, rest) = rest.split_at(16);
    let (now, calls) = rest.split_at(16);
    assert_ne!(random, "a".repeat(16), "it is given some numbers");
    assert_eq!((random, now), (insecure, "a".repeat(16).as_str()), "the same whichever it asks; time stands still");
    assert_eq!(calls, format!("b{}", "a".repeat(15)), "it was the first call each time: to count them is in vain");
}
