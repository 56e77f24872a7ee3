//! `trusted_keys`: who signed what is loaded.

use super::{ID, case, component, variant};
use crate::support::server::{Reply, Server};
use crate::support::{Case, Ran, Running, records};
use minisign::KeyPair;
use std::fs;
use std::io::Cursor;
use tokio::io::AsyncWriteExt as _;

fn pair() -> KeyPair {
    KeyPair::generate_unencrypted_keypair().unwrap()
}

fn sign(case: &Case, name: &str, pair: &KeyPair) {
    let bytes = fs::read(case.path(name)).unwrap();
    let comment = Some("built by the tests");
    let signature = minisign::sign(None, &pair.sk, Cursor::new(bytes), comment, None).unwrap();
    case.file(&format!("{name}.minisig"), signature.to_string());
}

fn run(case: &Case, line: &str) -> Ran {
    case.run(&line.split_whitespace().collect::<Vec<_>>())
}

/// A folder of one provider, and a configuration that trusts this key.
fn trusting(pair: &KeyPair) -> Case {
    let case = case();
    case.file("records.jsonl", records(3));
    case.file("judge.toml", format!("trusted_keys = [\"release={}\"]\n", pair.pk.to_base64()));
    case
}

#[test]
fn what_a_trusted_key_signed_is_loaded_and_says_by_whom() {
    let pair = pair();
    let case = trusting(&pair);
    sign(&case, "p/misbehaving.wasm", &pair);
    let ran = run(&case, &format!("--providers p providers show {ID}")).code(0);
    let line = ran.stdout.lines().find(|line| line.starts_with("  signer")).unwrap();
    assert!(line.contains(" release (key ") && line.ends_with("who says: built by the tests"), "{line}");
    let json = run(&case, "--providers p providers --json").code(0).stdout;
    let entries: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    let signer = &entries[0]["signer"];
    assert_eq!((&signer["state"], &signer["name"]), (&"key".into(), &"release".into()));
    assert_eq!(signer["key_id"].as_str().map(str::len), Some(16));
}

#[test]
fn the_unsigned_the_changed_and_the_strangers_are_refused_before_they_are_compiled() {
    let (ours, theirs) = (pair(), pair());
    let refused = |case: &Case, words: &str, hint: &str| {
        let ran = run(case, "--providers p providers check p/misbehaving.wasm").code(2);
        assert!(ran.stderr.contains(words) && ran.stderr.contains(hint), "{}", ran.stderr);
        let ran = run(case, &format!("--providers p judge records.jsonl --provider {ID}")).code(2);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    };
    let case = trusting(&ours);
    refused(&case, "not signed: no p/misbehaving.wasm.minisig", "hint: `minisign -S -m p/misbehaving.wasm` signs it");
    sign(&case, "p/misbehaving.wasm", &theirs);
    refused(&case, "which is not trusted: p/misbehaving.wasm.minisig", "add the signer's key to `trusted_keys`");
    sign(&case, "p/misbehaving.wasm", &ours);
    case.file("p/misbehaving.wasm", variant(1));
    refused(&case, "is not over these bytes (", "one of the two files is not what was signed");
    // What could not be compiled is refused for its signature all the same: nobody tried.
    case.file("p/misbehaving.wasm", "no component");
    refused(&case, "is not over these bytes (", "get both again");
    fs::remove_file(case.path("p/misbehaving.wasm.minisig")).unwrap();
    refused(&case, "not signed", "`minisign -S");
}

#[test]
fn one_of_several_keys_is_enough_and_without_any_nothing_is_asked() {
    let (ours, theirs) = (pair(), pair());
    let case = case();
    sign(&case, "p/misbehaving.wasm", &theirs);
    let keys = format!("{},theirs={}", ours.pk.to_base64(), theirs.pk.to_base64());
    let show = format!("--providers p providers show {ID}");
    let ran = run(&case, &format!("{show} --trusted-keys {keys}")).code(0);
    assert!(ran.stdout.contains(" theirs (key "), "{}", ran.stdout);
    let ran = run(&case, &format!("{show} --trusted-keys {}", ours.pk.to_base64())).code(2);
    assert!(ran.stderr.contains("which is not trusted"), "{}", ran.stderr);
    case.file("p/misbehaving.wasm.minisig", "no signature");
    let ran = run(&case, &show).code(0);
    assert!(ran.stdout.contains("not checked: no `trusted_keys` are given"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_replacement_waits_for_its_signature() {
    let pair = pair();
    let case = trusting(&pair);
    sign(&case, "p/misbehaving.wasm", &pair);
    let server = Server::start(|_| Reply::ok("ok")).await;
    let url = server.url();
    let line = ["--providers", "p", "judge", "-", "--provider", ID, "--endpoint", &url, "--batch-id", "b"];
    let mut running = Running::start(&case, &line);
    running.stdin.as_mut().unwrap().write_all(records(1).as_bytes()).await.unwrap();
    running.read_rows(1).await;
    super::put(&case.path("p/misbehaving.wasm"), &variant(1));
    let told = running.read_line_with("goes on as").await;
    assert!(told.contains("is not over these bytes"), "{told}");
    // An unsigned stranger comes meanwhile.
    super::put(&case.path("p/custom.wasm"), &component("custom_provider.wasm"));
    running.read_line_with("p/custom.wasm is refused: not signed").await;
    sign(&case, "p/misbehaving.wasm", &pair);
    running.read_line_with("for records that begin now").await;
    drop(running.stdin.take());
    running.end().await.code(0);
}
