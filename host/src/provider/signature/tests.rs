#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use minisign::KeyPair;
use std::fs;
use std::io::Cursor;
use tempfile::TempDir;

const BYTES: &[u8] = b"the bytes of a component";

fn trusted(pair: &KeyPair, name: Option<&str>) -> TrustedKey {
    TrustedKey { name: name.map(str::to_owned), base64: pair.pk.to_base64() }
}

fn keys(trusted: &[TrustedKey]) -> Keys {
    Keys::new(trusted).unwrap().unwrap()
}

fn signature(pair: &KeyPair, bytes: &[u8], comment: &str) -> String {
    minisign::sign(None, &pair.sk, Cursor::new(bytes), Some(comment), None).unwrap().to_string()
}

/// A component with this beside it.
fn component(signature: Option<&str>) -> (TempDir, Artifact) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wasm");
    if let Some(text) = signature {
        fs::write(folder.path().join("a.wasm.minisig"), text).unwrap();
    }
    (folder, Artifact::new(path, BYTES.to_vec()))
}

/// Why it is refused, without the folder, and what can be done.
fn refused(keys: &Keys, signature: Option<&str>) -> (String, String) {
    let (folder, artifact) = component(signature);
    let Refused { reason, hint } = keys.signer(&artifact).unwrap_err();
    let place = format!("{}/", folder.path().display());
    (reason.replace(&place, ""), hint.unwrap().replace(&place, ""))
}

#[test]
fn what_a_trusted_key_signed_is_taken_and_says_by_whom() {
    let (other, ours) =
        (KeyPair::generate_unencrypted_keypair().unwrap(), KeyPair::generate_unencrypted_keypair().unwrap());
    let keys = keys(&[trusted(&other, None), trusted(&ours, Some("release"))]);
    let (_folder, artifact) = component(Some(&signature(&ours, BYTES, "timestamp:1\tfile:a.wasm\u{1b}[2J")));
    let Signer::Key { key_id, name, comment } = keys.signer(&artifact).unwrap() else { panic!("a key") };
    assert_eq!(name.as_deref(), Some("release"));
    assert_eq!(comment, "timestamp:1 file:a.wasm [2J", "what steers a terminal is taken out");
    // As minisign writes it into the comment of the file that holds the public key.
    let box_ = ours.pk.to_box().unwrap().to_string();
    assert!(box_.contains(&key_id), "{key_id}: {box_}");
}

#[test]
fn an_unsigned_one_is_refused_with_the_command_that_signs_it() {
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let (reason, hint) = refused(&keys(&[trusted(&pair, Some("release"))]), None);
    assert_eq!(reason, "not signed: no a.wasm.minisig");
    assert!(hint.starts_with("`minisign -S -m a.wasm` signs it; trusted are: release ("), "{hint}");
}

#[test]
fn another_keys_signature_is_refused_with_the_numbers_of_both() {
    let (ours, other) =
        (KeyPair::generate_unencrypted_keypair().unwrap(), KeyPair::generate_unencrypted_keypair().unwrap());
    let keys = keys(&[trusted(&ours, None)]);
    let (reason, hint) = refused(&keys, Some(&signature(&other, BYTES, "")));
    let number = key_id(&other.pk.to_base64()).unwrap();
    assert_eq!(reason, format!("signed by key {number}, which is not trusted: a.wasm.minisig"));
    assert!(hint.contains(&key_id(&ours.pk.to_base64()).unwrap()) && hint.contains("`trusted_keys`"), "{hint}");
}

#[test]
fn a_signature_over_other_bytes_or_with_a_changed_comment_is_refused() {
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let keys = keys(&[trusted(&pair, None)]);
    let good = signature(&pair, BYTES, "file:a.wasm");
    for wrong in [signature(&pair, b"other bytes", "file:a.wasm"), good.replace("file:a.wasm", "file:b.wasm")] {
        let (reason, hint) = refused(&keys, Some(&wrong));
        assert!(reason.contains("is not over these bytes (") && reason.ends_with("): a.wasm.minisig"), "{reason}");
        assert!(hint.contains("get both again"), "{hint}");
    }
}

#[test]
fn the_number_of_a_trusted_key_makes_no_signature_of_another_a_good_one() {
    let (ours, other) =
        (KeyPair::generate_unencrypted_keypair().unwrap(), KeyPair::generate_unencrypted_keypair().unwrap());
    let forged = signature(&other, BYTES, "");
    let mut lines: Vec<String> = forged.lines().map(str::to_owned).collect();
    let mut bytes = STANDARD.decode(&lines[1]).unwrap();
    bytes[KEY_ID].copy_from_slice(&STANDARD.decode(ours.pk.to_base64()).unwrap()[KEY_ID]);
    lines[1] = STANDARD.encode(bytes);
    let (reason, _) = refused(&keys(&[trusted(&ours, None)]), Some(&lines.join("\n")));
    assert!(reason.contains("is not over these bytes"), "{reason}");
}

#[test]
fn what_is_no_signature_is_refused_whatever_its_size() {
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let keys = keys(&[trusted(&pair, None)]);
    for text in ["", "hello", "untrusted comment: x\nRW\ntrusted comment: y\nRW\n"] {
        let (reason, _) = refused(&keys, Some(text));
        assert_eq!(reason, "not a signature of minisign: a.wasm.minisig", "{text}");
    }
    let huge = format!("untrusted comment: {}", "x".repeat(1 << 20));
    let (reason, _) = refused(&keys, Some(&huge));
    assert_eq!(reason, "its signature cannot be read: a.wasm.minisig: over 16384 bytes");
}

#[test]
fn the_old_form_is_refused_with_what_to_do() {
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    // The letters of the algorithm say how the bytes were hashed: `ED` first hashed, `Ed` not.
    let text = signature(&pair, BYTES, "");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut bytes = STANDARD.decode(&lines[1]).unwrap();
    bytes[1] = b'd';
    lines[1] = STANDARD.encode(bytes);
    let (reason, hint) = refused(&keys(&[trusted(&pair, None)]), Some(&lines.join("\n")));
    assert!(reason.contains("old form"), "{reason}");
    assert!(hint.contains("minisign 0.10"), "{hint}");
}

#[test]
fn no_keys_ask_for_nothing_and_what_is_no_key_is_told() {
    assert!(Keys::new(&[]).unwrap().is_none());
    let none = TrustedKey { name: None, base64: "RWQ".to_owned() };
    assert_eq!(Keys::new(&[none]).unwrap_err().to_string(), "not a minisign public key: `RWQ`");
}
