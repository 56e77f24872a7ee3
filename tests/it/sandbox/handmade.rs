//! Components written by hand, for what no compiler of a guest language makes. The faults of all of them are those of
//! `sandbox::tests` in the host; here they are seen from a record.

use super::{Guest, decision};
use judge_host::model::{Decision, FaultKind};
use judge_host::sandbox::Limits;
use std::fs;

/// The smallest provider, with this code in its `build-request`.
fn minimal(build: &str) -> Vec<u8> {
    let text = include_str!("../../guests/minimal.wat").replace("VERSION", "0.1.0").replace("PAGES", "1");
    let text =
        ["IMPORTS", "DESCRIBE", "PREPARE", "BRIEF", "PARSE"].iter().fold(text, |text, word| text.replace(word, ""));
    wat::parse_str(text.replace("BUILD", build)).unwrap()
}

#[tokio::test]
async fn lies_about_memory_end_in_a_fault_of_the_record_and_others_go_on() {
    for (code, kind, word) in [
        // The method is a byte that is no text.
        (
            "(i32.store8 (i32.const 3600) (i32.const 255)) (i32.store (i32.const 2064) (i32.const 3600)) (i32.store (i32.const 2068) (i32.const 1))",
            FaultKind::Trap,
            "abi",
        ),
        // The method is four gigabytes.
        ("(i32.store (i32.const 2068) (i32.const -1))", FaultKind::Trap, "abi"),
        // A thousand million verdicts that are not there, and a million that are.
        (
            "(i32.store8 (i32.const 2056) (i32.const 1)) (i32.store (i32.const 2068) (i32.const 1000000000))",
            FaultKind::Trap,
            "abi",
        ),
        (
            "(drop (memory.grow (i32.const 900))) (i32.store8 (i32.const 2056) (i32.const 1)) (i32.store (i32.const 2068) (i32.const 1000000))",
            FaultKind::TooLarge,
            "output",
        ),
        // The result is neither `ok` nor an error.
        ("(i32.store8 (i32.const 2048) (i32.const 7))", FaultKind::Trap, "abi"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("minimal.wasm");
        fs::write(&file, minimal(code)).unwrap();
        let guest = Guest::of(&file, Limits::default()).await;
        let fault = decision(&guest.judge_one("none", "build").await).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (kind, Some(word)), "{code}: {fault}");
        assert!(!fault.request_sent && guest.server.seen().is_empty(), "{code}");
        guest.other_goes_on(code).await;
    }
}

#[tokio::test]
async fn a_component_made_by_hand_judges_where_it_is_honest() {
    // `done` with one skip on `r0`: its id at 3600, the verdict at 3700.
    let honest = "(i32.store16 (i32.const 3600) (i32.const 0x3072))
        (i32.store (i32.const 3700) (i32.const 3600)) (i32.store (i32.const 3704) (i32.const 2))
        (i32.store8 (i32.const 3708) (i32.const 2))
        (i32.store8 (i32.const 2056) (i32.const 1))
        (i32.store (i32.const 2064) (i32.const 3700)) (i32.store (i32.const 2068) (i32.const 1))";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("minimal.wasm");
    fs::write(&file, minimal(honest)).unwrap();
    let guest = Guest::of(&file, Limits::default()).await;
    assert_eq!(decision(&guest.judge_one("none", "build").await), Ok(Decision::Skip));
}
