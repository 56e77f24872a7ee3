use super::*;
use crate::model::{Fault, FaultKind, HttpRequest, Step};
use crate::sandbox::BRIEF_BYTES_MAX;

/// Loads a guest whose `build-request` begins with this code, and calls it.
async fn build(code: &str) -> Result<Step, Fault> {
    let provider = Guest { build: code, ..Guest::default() }.load().await.unwrap();
    provider.build_request(&job("text")).await
}

#[tokio::test]
async fn a_minimal_provider_is_loaded_and_called() {
    let provider = Guest::default().load().await.unwrap();
    let identity = provider.identity();
    assert_eq!(identity.descriptor.id, "minimal");
    assert_eq!(identity.imports, [""; 0]);
    assert_eq!(identity.digest.len(), 64);
    let Step::Send(outgoing) = provider.build_request(&job("text")).await.unwrap() else { panic!("done") };
    let empty = HttpRequest { method: String::new(), path_and_query: String::new(), headers: Vec::new(), body: None };
    assert_eq!(outgoing.request, empty);
}

#[tokio::test]
async fn each_limit_has_its_own_fault() {
    let grow = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    // The method, of a page that is all zeros: its pointer at 2064, its length at 2068.
    let long = |bytes: u32| {
        format!(
            "(drop (memory.grow (i32.const 300)))
            (i32.store (i32.const 2064) (i32.const 65536)) (i32.store (i32.const 2068) (i32.const {bytes}))"
        )
    };
    let state = "(drop (memory.grow (i32.const 40))) (i32.store (i32.const 2108) (i32.const 1048577))";
    for (code, kind, word) in [
        ("unreachable", FaultKind::Trap, Some("abort")),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", FaultKind::Trap, Some("trap")),
        ("(drop (i32.load (i32.const -8)))", FaultKind::Trap, Some("out-of-bounds")),
        ("(drop (call $deep))", FaultKind::Trap, Some("stack")),
        ("(i32.store8 (i32.const 2048) (i32.const 7))", FaultKind::Trap, Some("abi")),
        ("(loop (br 0))", FaultKind::Deadline, Some("cpu")),
        (grow, FaultKind::Memory, None),
        (&long(8 * 1024 * 1024 + 1), FaultKind::TooLarge, Some("output")),
        (state, FaultKind::TooLarge, Some("state")),
    ] {
        let fault = build(code).await.unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (kind, word), "{code}: {fault}");
        assert!(!fault.request_sent, "{code}");
    }
    assert!(build(&long(8 * 1024 * 1024)).await.is_ok(), "what is within the limit passes");
}

#[tokio::test]
async fn a_brief_has_its_bound() {
    // The text's pointer at 3084, its length at 3088.
    let brief = |bytes: usize| {
        format!(
            "(drop (memory.grow (i32.const 100)))
            (i32.store (i32.const 3084) (i32.const 65536)) (i32.store (i32.const 3088) (i32.const {bytes}))"
        )
    };
    for (bytes, refused) in [(0, false), (BRIEF_BYTES_MAX, false), (BRIEF_BYTES_MAX + 1, true)] {
        let provider = Guest { brief: &brief(bytes), ..Guest::default() }.load().await.unwrap();
        let made = provider.brief(&job("text").task).await;
        let found = made.err().map(|fault| (fault.kind, fault.code));
        assert_eq!(found, refused.then(|| (FaultKind::TooLarge, Some("brief".to_owned()))), "{bytes} bytes");
    }
}

#[tokio::test]
async fn a_guest_that_does_without_denied_memory_is_not_at_fault() {
    assert!(build("(drop (memory.grow (i32.const 2000)))").await.is_ok());
}

#[tokio::test]
async fn a_spinning_guest_leaves_its_thread_to_others() {
    // One thread for all: whoever does not yield delays everybody.
    let spinning = Guest { build: "(loop (br 0))", ..Guest::default() }.load().await.unwrap();
    let spin = tokio::spawn(async move { spinning.build_request(&job("text")).await });
    let start = Instant::now();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(start.elapsed() < Duration::from_millis(400), "kept waiting for {:?}", start.elapsed());
    assert!(!spin.is_finished(), "it still spins");
    assert_eq!(spin.await.unwrap().unwrap_err().kind, FaultKind::Deadline);
}

#[tokio::test]
async fn a_guest_remembers_nothing_and_a_trap_spoils_nothing() {
    let once = "(if (global.get $calls) (then unreachable)) (global.set $calls (i32.const 1))";
    let provider = Guest { build: once, prepare: "unreachable", ..Guest::default() }.load().await.unwrap();
    for call in 0..20 {
        assert!(provider.build_request(&job("text")).await.is_ok(), "call {call} saw an earlier one");
    }
    let parsed = provider.prepare(&Settings::default(), None).await;
    assert_eq!(parsed.unwrap_err().kind, FaultKind::Trap);
    assert!(provider.build_request(&job("text")).await.is_ok(), "the trap before was of another store");
}

#[tokio::test]
async fn more_calls_than_instances_wait_for_their_turn() {
    let provider = Guest::default().load().await.unwrap();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let provider = Arc::clone(&provider);
            tokio::spawn(async move { provider.build_request(&job("text")).await })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn limits_are_those_of_the_options() {
    let limits = Limits { cpu: Duration::from_millis(20), memory_bytes: 1 << 20, ..Limits::default() };
    let sandbox = Sandbox::new(SandboxOptions { limits, instances_max: 1, cache_dir: None }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("provider.wasm");
    fs::write(&file, Guest { build: "(loop (br 0))", ..Guest::default() }.wasm()).unwrap();
    let fault = sandbox.load(&file).await.unwrap().build_request(&job("text")).await.unwrap_err();
    assert_eq!(fault.message, "the component computed longer than 20ms in one call");
    fs::write(&file, Guest { pages: 17, ..Guest::default() }.wasm()).unwrap();
    assert!(sandbox.load(&file).await.is_err(), "17 pages are more than 1 MiB from the start");
}

#[tokio::test]
async fn runs_without_a_pool_where_the_address_space_allows_none() {
    // 320 TiB of memories are more than a process can ever reserve; one memory after another is not.
    let limits = Limits { memory_bytes: 4 << 30, ..Limits::default() };
    let sandbox = Sandbox::new(SandboxOptions { limits, instances_max: 20_000, cache_dir: None }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("provider.wasm");
    fs::write(&file, Guest::default().wasm()).unwrap();
    let provider = sandbox.load(&file).await.unwrap();
    assert!(provider.build_request(&job("text")).await.is_ok());
}
