//! The contract: what is released stays as it is, and the bundled providers want nothing of the host.

use crate::support::Case;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}

/// The released folders and their digests.
fn released() -> BTreeMap<String, String> {
    toml::from_str(&fs::read_to_string(wit().join("released.toml")).unwrap()).unwrap()
}

/// Version by version, as numbers, so that 0.10 comes after 0.9.
fn number(folder: &str) -> Vec<u32> {
    let version = folder.strip_prefix("judge-provider-").expect("a folder of wit/ is `judge-provider-VERSION`");
    version.split('.').map(|part| part.parse().expect("a version is numbers")).collect()
}

#[test]
fn a_released_version_never_changes() {
    assert!(!released().is_empty());
    for (folder, digest) in released() {
        let files: Vec<_> = fs::read_dir(wit().join(&folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files, [wit().join(&folder).join("provider.wit")], "one file is all that there is");
        let found = format!("{:x}", Sha256::digest(fs::read(&files[0]).unwrap()));
        assert_eq!(found, digest, "{folder} was changed: make a new version instead, see wit/released.toml");
    }
}

#[test]
fn what_is_not_released_is_newer_than_all_that_is() {
    let last = released().keys().map(|folder| number(folder)).max().unwrap();
    for entry in fs::read_dir(wit()).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        let folder = entry.file_name().into_string().unwrap();
        assert!(
            released().contains_key(&folder) || number(&folder) > last,
            "{folder} is in no line of wit/released.toml"
        );
    }
}

#[test]
fn the_bundled_providers_import_nothing() {
    let listed = Case::new().run(&["providers", "--json"]).code(0);
    let providers: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(providers.len(), 6);
    for provider in providers {
        assert_eq!(provider["imports"], serde_json::json!([]), "{}", provider["id"]);
    }
}
