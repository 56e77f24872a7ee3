#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use crate::model::Descriptor;
use std::fs;

fn artifact(folder: &Path, name: &str, bytes: &[u8]) -> Artifact {
    Artifact::new(folder.join(name), bytes.to_vec())
}

fn identity(id: &str, version: &str, artifact: &Artifact) -> Identity {
    let descriptor = Descriptor { id: id.to_owned(), version: version.to_owned(), ..Descriptor::default() };
    Identity { descriptor, digest: artifact.digest().to_owned(), ..Identity::default() }
}

/// A folder whose lock names `alpha` 1, of the bytes `a`, and `beta` 2, of the bytes `b`.
fn locked() -> (tempfile::TempDir, Lock) {
    let folder = tempfile::tempdir().unwrap();
    let entry = |id: &str, version: &str, bytes: &[u8]| {
        let sha256 = artifact(folder.path(), "x", bytes).digest().to_owned();
        (id.to_owned(), Locked { id: id.to_owned(), version: version.to_owned(), sha256 })
    };
    let entries = [entry("beta", "2", b"b"), entry("alpha", "1", b"a")].into();
    let lock = Lock { folder: folder.path().to_owned(), entries };
    (folder, lock)
}

#[test]
fn is_written_whole_in_order_and_read_as_it_was_written() {
    let (folder, lock) = locked();
    fs::write(folder.path().join(LOCK_FILE), "an older one").unwrap();
    let path = lock.write().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# Written by `judge-host providers lock`."), "{text}");
    assert!(text.find("alpha") < text.find("beta"), "{text}");
    assert_eq!(Lock::read(folder.path()).unwrap().entries, lock.entries);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no part is left");
    lock.write().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "the same again is the same text");
}

#[test]
fn lets_in_the_bytes_that_it_names_whatever_their_file_is_called() {
    let (folder, lock) = locked();
    let entry = lock.entry(&artifact(folder.path(), "renamed.wasm", b"a")).unwrap();
    assert_eq!(entry.id, "alpha");
}

#[test]
fn other_bytes_are_refused_with_both_digests_and_the_command() {
    let (folder, lock) = locked();
    let other = artifact(folder.path(), "alpha.wasm", b"other");
    let Refused { reason, hint } = lock.entry(&other).unwrap_err();
    let place = folder.path().join(LOCK_FILE);
    let (found, wanted) = (short(other.digest()), short(&lock.entries["alpha"].sha256));
    assert_eq!(reason, format!("not the `alpha` of {}: it is {found}, locked is {wanted}", place.display()));
    assert!(hint.unwrap().contains(&format!("`judge-host --providers {} providers lock`", folder.path().display())));

    let new = artifact(folder.path(), "gamma.wasm", b"other");
    let Refused { reason, .. } = lock.entry(&new).unwrap_err();
    assert_eq!(reason, format!("not in {}: it is {found}, and no locked provider is", place.display()));
}

#[test]
fn another_id_or_version_of_the_same_bytes_is_refused() {
    let (folder, lock) = locked();
    let bytes = artifact(folder.path(), "alpha.wasm", b"a");
    let entry = lock.entry(&bytes).unwrap();
    assert_eq!(lock.check(&entry, &identity("alpha", "1", &bytes)), Ok(()));
    for (id, version) in [("alpha", "2"), ("beta", "1")] {
        let Refused { reason, .. } = lock.check(&entry, &identity(id, version, &bytes)).unwrap_err();
        assert!(reason.ends_with(&format!("as `alpha` 1, it says it is `{id}` {version}")), "{reason}");
    }
}

#[test]
fn says_how_a_provider_stands_to_it() {
    let (folder, lock) = locked();
    let (a, b) = (artifact(folder.path(), "a", b"a"), artifact(folder.path(), "b", b"b"));
    for (id, version, bytes, state) in [
        ("alpha", "1", &a, LockState::Locked),
        ("alpha", "2", &a, LockState::Differs),
        ("alpha", "1", &b, LockState::Differs),
        ("gamma", "1", &a, LockState::NotListed),
    ] {
        assert_eq!(lock.state(&identity(id, version, bytes)), state, "{id} {version}");
    }
}

#[test]
fn what_is_no_lock_file_is_told_with_what_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Lock::read(folder.path()).unwrap_err();
    assert!(matches!(missing, LockError::Missing { .. }), "{missing}");
    assert!(missing.hint().contains("providers lock` writes it anew"), "{}", missing.hint());
    let entry = "[[provider]]\nid = \"a\"\nversion = \"1\"\nsha256 = \"00\"\n";
    for (text, reason) in [
        ("form = 2", "its form is 2, this host reads 1".to_owned()),
        ("", "missing field `form`".to_owned()),
        ("form = 1\nmore = 1", "unknown field `more`, expected `form` or `provider`".to_owned()),
        (&format!("form = 1\n{entry}{entry}"), "it names `a` twice".to_owned()),
        (&"#".repeat(300 << 10), "over 262144 bytes".to_owned()),
    ] {
        fs::write(folder.path().join(LOCK_FILE), text).unwrap();
        let LockError::Damaged { reason: told, .. } = Lock::read(folder.path()).unwrap_err() else {
            panic!("{reason}")
        };
        assert_eq!(told, reason);
    }
    fs::remove_file(folder.path().join(LOCK_FILE)).unwrap();
    fs::create_dir(folder.path().join(LOCK_FILE)).unwrap();
    assert!(matches!(Lock::read(folder.path()).unwrap_err(), LockError::Io { verb: "read", .. }));
    let lock = Lock { folder: folder.path().join("none"), entries: BTreeMap::new() };
    assert!(matches!(lock.write().unwrap_err(), LockError::Io { verb: "write", .. }));
}
