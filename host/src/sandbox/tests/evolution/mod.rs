//! A rehearsal of the day when the contract has a second version: the host speaks both, each component is served by the
//! adapter of its own, and one for neither is told so.

mod v0_2;

use super::super::contract::{Version, v0_1};
use super::*;
use crate::model::{Choice, Confidence, Step};
use crate::provider::{Catalog, Refused};

const BOTH: &[Version] = &[v0_2::VERSION, v0_1::VERSION];

fn next(version: &str) -> Vec<u8> {
    wat::parse_str(include_str!("provider.wat").replace("VERSION", version)).unwrap()
}

/// A folder with these components, loaded by a host that speaks both versions.
async fn loaded(files: &[(&str, Vec<u8>)]) -> Catalog {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let options = SandboxOptions { instances_max: 2, ..SandboxOptions::default() };
    let sandbox = Sandbox::speaking(options, BOTH).unwrap();
    Catalog::scan(folder.path(), async |path| sandbox.load(&path).await).await.unwrap()
}

#[tokio::test]
async fn components_of_two_versions_serve_side_by_side() {
    let catalog = loaded(&[("old.wasm", Guest::default().wasm()), ("next.wasm", next("0.2.0"))]).await;
    assert!(catalog.entries().refused().is_empty(), "{:?}", catalog.entries().refused());
    let (old, new) = (catalog.get("minimal").unwrap(), catalog.get("next").unwrap());
    assert_eq!((old.identity().contract.as_str(), new.identity().contract.as_str()), ("0.1.0", "0.2.0"));

    let job = job("text");
    assert!(matches!(old.build_request(&job).await.unwrap(), Step::Send(_)), "as it was built to");
    let Step::Done(answer) = new.build_request(&job).await.unwrap() else { panic!("it needs no server") };
    let [verdict] = answer.verdicts.as_slice() else { panic!("one record, one verdict") };
    assert_eq!((verdict.record_id.as_str(), &verdict.choice), ("r1", &Choice::Assign("c1".to_owned())));
    assert_eq!(verdict.confidence, Confidence::High, "what the old version has no number for has a word");

    let nothing = crate::model::Preparation::Ready(Vec::new());
    assert_eq!(new.prepare(&Settings::default(), None).await.unwrap(), nothing, "a function that is gone is supplied");
}

#[tokio::test]
async fn a_component_for_neither_version_is_told_both() {
    let catalog = loaded(&[("later.wasm", next("0.3.0")), ("old.wasm", Guest::default().wasm())]).await;
    let table = catalog.entries();
    let [refused] = table.refused() else { panic!("{:?}", table.refused()) };
    assert_eq!(refused.reason, "built for version 0.3.0 of the contract; this host speaks 0.2.0 and 0.1.0");
    assert!(refused.hint.as_deref().is_some_and(|hint| hint.contains("wit/")), "{refused:?}");
    assert!(catalog.get("minimal").is_ok(), "the others are not concerned");
}

#[tokio::test]
async fn a_host_without_the_new_version_refuses_its_components() {
    let refused = Refused::from(load(&next("0.2.0")).await.err().unwrap());
    assert_eq!(refused.reason, "built for version 0.2.0 of the contract; this host speaks 0.1.0");
}

#[tokio::test]
async fn a_component_of_the_new_version_with_the_old_types_does_not_fit() {
    let catalog = loaded(&[("mixed.wasm", Guest { version: "0.2.0", ..Guest::default() }.wasm())]).await;
    let table = catalog.entries();
    let [refused] = table.refused() else { panic!("it is loaded") };
    assert!(refused.reason.starts_with("does not fit the contract: "), "{refused:?}");
}
