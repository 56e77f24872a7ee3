//! What a start from the cache does not do again, and what it does.

use super::*;
use crate::sandbox::limits::{
    ARITY_MAX, CODE_BYTES_MAX, COMPONENTS_MAX, DEPTH_MAX, FUNCTION_BYTES_MAX, FUNCTION_SPREAD_MAX, FUNCTION_WORK_MAX,
    FUNCTIONS_MAX, ITEMS_MAX, LIFTED_MAX, LOCALS_MAX, LOOPS_DEEP_MAX, MEMORIES_DEFINED_MAX, MODULES_MAX, SCAN_VERSION,
    SEGMENTS_MAX, SPREAD_MAX, TYPES_MAX, VALUES_MAX, WORK_MAX,
};
use std::path::Path;

/// Loads a component in a sandbox of its own that keeps what it knows here.
async fn load_with(cache: &Path, wasm: &[u8]) -> Result<Arc<dyn Provider>, Refusal> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("provider.wasm");
    fs::write(&file, wasm).unwrap();
    let options = SandboxOptions { instances_max: 2, cache_dir: Some(cache.to_owned()), ..SandboxOptions::default() };
    let sandbox = Sandbox::new(options).unwrap();
    assert_eq!(sandbox.cache_refused(), None);
    sandbox.load(&file).await
}

/// What the cache says was scanned.
fn marks(cache: &Path) -> Vec<String> {
    let marks = fs::read_dir(cache.join("scanned")).unwrap();
    marks.map(|mark| mark.unwrap().file_name().into_string().unwrap()).collect()
}

fn digest(wasm: &[u8]) -> String {
    crate::provider::Artifact::new("provider.wasm".into(), wasm.to_owned()).digest().to_owned()
}

/// A provider that can be compiled, but that the scan refuses.
fn complex() -> Vec<u8> {
    let locals = usize::try_from(LOCALS_MAX + 1).unwrap();
    let function = format!("(core module (func (local{})))", " i64".repeat(locals));
    Guest { imports: &function, ..Guest::default() }.wasm()
}

#[tokio::test]
async fn what_the_scan_has_passed_is_noted_and_not_scanned_again() {
    let cache = tempfile::tempdir().unwrap();
    let minimal = Guest::default().wasm();
    load_with(cache.path(), &minimal).await.unwrap();
    let mark = [format!("{SCAN_VERSION}-{}", digest(&minimal))];
    assert_eq!(marks(cache.path()), mark);
    load_with(cache.path(), &minimal).await.unwrap();
    assert_eq!(marks(cache.path()), mark);
    // A mark is what counts: with one, even this is not scanned.
    let complex = complex();
    fs::write(cache.path().join(format!("scanned/{SCAN_VERSION}-{}", digest(&complex))), "").unwrap();
    load_with(cache.path(), &complex).await.unwrap();
}

#[tokio::test]
async fn what_the_scan_refuses_is_scanned_each_time() {
    let cache = tempfile::tempdir().unwrap();
    let complex = complex();
    for _ in 0..2 {
        let refusal = load_with(cache.path(), &complex).await.err();
        assert!(matches!(refusal, Some(Refusal::TooComplex { .. })), "{refusal:?}");
        assert!(marks(cache.path()).is_empty());
    }
}

#[tokio::test]
async fn marks_of_other_files_and_other_scans_say_nothing() {
    let cache = tempfile::tempdir().unwrap();
    let (minimal, complex) = (Guest::default().wasm(), complex());
    load_with(cache.path(), &minimal).await.unwrap();
    let before = SCAN_VERSION - 1;
    fs::write(cache.path().join(format!("scanned/{before}-{}", digest(&complex))), "").unwrap();
    // No file, and so nothing that the host has put there.
    fs::create_dir(cache.path().join(format!("scanned/{SCAN_VERSION}-{}", digest(&complex)))).unwrap();
    let refusal = load_with(cache.path(), &complex).await.err();
    assert!(matches!(refusal, Some(Refusal::TooComplex { .. })), "{refusal:?}");
}

#[test]
fn other_bounds_are_another_version_of_the_scan() {
    let bounds = [
        [ARITY_MAX, CODE_BYTES_MAX, COMPONENTS_MAX, DEPTH_MAX, FUNCTION_BYTES_MAX, FUNCTION_SPREAD_MAX],
        [FUNCTION_WORK_MAX, FUNCTIONS_MAX, ITEMS_MAX, LIFTED_MAX, LOCALS_MAX, LOOPS_DEEP_MAX],
        [MEMORIES_DEFINED_MAX, MODULES_MAX, SEGMENTS_MAX, SPREAD_MAX, TYPES_MAX, VALUES_MAX],
    ];
    let known = [
        [32, 32 << 20, 128, 8, 1 << 20, 2_000_000],
        [3_000_000_000, 100_000, 100_000, 1_000, 2_000, 64],
        [16, 128, 50_000, 30_000_000, 10_000, 20_000_000],
    ];
    let told = "raise SCAN_VERSION: what passed the old bounds is not scanned again";
    assert_eq!((SCAN_VERSION, bounds, WORK_MAX), (1, known, 20_000_000_000), "{told}");
}
