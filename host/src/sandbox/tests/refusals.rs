use super::*;
use crate::model::FaultKind;
use crate::provider::Refused;
use std::path::Path;

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// A name, a file's bytes, and which refusal they meet with.
type Case<'a> = (&'a str, &'a [u8], fn(&Refusal) -> bool);

async fn refusal(bytes: &[u8]) -> Refusal {
    load(bytes).await.err().expect("it is refused")
}

#[tokio::test]
async fn what_is_no_component_is_told_apart() {
    let component = Guest::default().wasm();
    let precompiled = wasmtime::Engine::default().precompile_component(&component).unwrap();
    let cases: [Case<'_>; 9] = [
        ("empty", b"", |r| matches!(r, Refusal::Damaged { .. })),
        ("cut in the magic", b"\0as", |r| matches!(r, Refusal::Damaged { .. })),
        ("cut after the magic", b"\0asm", |r| matches!(r, Refusal::Damaged { .. })),
        ("cut in the middle", &component[..component.len() / 2], |r| matches!(r, Refusal::Damaged { .. })),
        ("garbage", b"GIF89a, really", |r| matches!(r, Refusal::NotWasm)),
        ("text", b"\n(component)", |r| matches!(r, Refusal::Wat)),
        ("core module", &wasm("(module)"), |r| matches!(r, Refusal::CoreModule)),
        ("precompiled", &precompiled, |r| matches!(r, Refusal::Precompiled)),
        ("machine code", b"\x7fELF\x02\x01\x01", |r| matches!(r, Refusal::Precompiled)),
    ];
    for (name, bytes, expected) in cases {
        let refusal = refusal(bytes).await;
        assert!(expected(&refusal), "{name}: {refusal:?}");
        assert!(refusal.hint().is_some(), "{name}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for path in [Path::new("/no/such/file.wasm"), folder.path()] {
        let refusal = sandbox().load(path).await.err().unwrap();
        assert!(matches!(refusal, Refusal::Unreadable { .. }), "{refusal:?}");
    }
}

#[tokio::test]
async fn a_file_of_any_size_is_not_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("provider.wasm");
    fs::File::create(&path).unwrap().set_len(super::super::COMPONENT_BYTES_MAX + 1).unwrap();
    let refusal = sandbox().load(&path).await.err().unwrap();
    assert!(matches!(refusal, Refusal::TooLarge { .. }), "{refusal:?}");
}

#[tokio::test]
async fn a_component_for_something_else_is_told_what_it_exports() {
    let nothing = refusal(&wasm("(component)")).await;
    assert_eq!(nothing.to_string(), "not a provider: exports nothing");
    let other = refusal(&wasm(r#"(component (instance $i) (export "acme:tool/run@1.0.0" (instance $i)))"#)).await;
    assert_eq!(other.to_string(), "not a provider: exports acme:tool/run@1.0.0");
}

#[tokio::test]
async fn another_version_of_the_contract_is_named() {
    let refusal = refusal(&Guest { version: "0.2.0", ..Guest::default() }.wasm()).await;
    assert_eq!(refusal.to_string(), "built for version 0.2.0 of the contract; this host speaks 0.1.0");
    assert!(Guest { version: "0.1.7", ..Guest::default() }.load().await.is_ok(), "a patch release is compatible");
}

#[tokio::test]
async fn an_export_with_other_types_does_not_fit() {
    let text = MINIMAL.replace(r#"(field "seed" (option u64))"#, r#"(field "seed" (option u32))"#);
    let text = Guest::default().filled_in(&text);
    let mismatch = refusal(&wasm(&text)).await;
    assert!(matches!(mismatch, Refusal::ContractMismatch { .. }), "{mismatch:?}");
    let empty = r#"(component (instance $i) (export "judge:provider/provider@0.1.0" (instance $i)))"#;
    assert!(matches!(refusal(&wasm(empty)).await, Refusal::ContractMismatch { .. }));
}

#[tokio::test]
async fn an_import_that_gives_a_way_out_is_refused_by_name() {
    let importing = |import: &str| {
        let imports = format!("(import \"{import}\" (instance))");
        Guest { imports: &imports, ..Guest::default() }.wasm()
    };
    let refused = Refused::from(refusal(&importing("wasi:sockets/tcp@0.2.0")).await);
    assert!(refused.reason.contains("wasi:sockets/tcp@0.2.0 (a provider has no network"), "{}", refused.reason);
    assert!(load(&importing("wasi:cli/environment@0.2.3")).await.is_ok(), "an inert import is given");
}

#[tokio::test]
async fn a_provider_has_to_know_who_it_is() {
    let describe = |describe| async move { Guest { describe, ..Guest::default() }.load().await.err().unwrap() };
    let trapped = describe("unreachable").await;
    assert!(matches!(&trapped, Refusal::DescribeFailed { fault } if fault.kind == FaultKind::Trap), "{trapped:?}");
    assert_eq!(Refused::from(trapped).reason, "`describe` failed: trap: the component aborted");
    let endless = describe("(loop (br 0))").await;
    assert!(matches!(&endless, Refusal::DescribeFailed { fault } if fault.kind == FaultKind::Deadline), "{endless:?}");
    let bad = describe("(i32.store8 (i32.const 512) (i32.const 65))").await;
    assert_eq!(bad.to_string(), "bad descriptor: `id` has to match [a-z0-9][a-z0-9-]{0,62}: `Ainimal`");
    let large = describe("(drop (memory.grow (i32.const 2))) (i32.store (i32.const 1028) (i32.const 65537))").await;
    assert!(matches!(&large, Refusal::DescribeFailed { fault } if fault.kind == FaultKind::TooLarge), "{large:?}");
}
