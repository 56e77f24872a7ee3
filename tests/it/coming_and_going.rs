//! Providers that come, change and go while a run is under way, and which are let in at all.

mod lock;
mod permissions;
mod replaced;
mod service;
mod signatures;

use crate::support::{Case, guests};
use std::fs;
use std::path::Path;

/// The id of the components here. They behave as long as nobody commands otherwise: each record is one request, and a
/// skip where the answer is `ok`.
const ID: &str = "misbehaving";

/// A component of the same code as every other of these, with other bytes: a custom section is at its end.
fn variant(n: usize) -> Vec<u8> {
    let mut bytes = component("guest_misbehaving.wasm");
    bytes.extend(custom_section(&format!("variant {n}")));
    bytes
}

fn component(name: &str) -> Vec<u8> {
    fs::read(guests().join(name)).unwrap()
}

/// A section that means nothing: its number is 0, then come its size, its name and its content.
fn custom_section(content: &str) -> Vec<u8> {
    let name = "note";
    let size = u8::try_from(1 + name.len() + content.len()).unwrap();
    assert!(size < 0x80, "the size is one byte of LEB128");
    let name_size = u8::try_from(name.len()).unwrap();
    [&[0, size, name_size], name.as_bytes(), content.as_bytes()].concat()
}

/// SHA-256 in hex.
fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    format!("{:x}", Sha256::digest(bytes))
}

/// As people are shown it.
fn short(digest: &str) -> &str {
    &digest[..12]
}

/// Puts a file into its place in one step, as who replaces a component should.
fn put(path: &Path, bytes: &[u8]) {
    let part = path.with_extension("part");
    fs::write(&part, bytes).unwrap();
    fs::rename(part, path).unwrap();
}

/// A folder `p` of this one provider.
fn case() -> Case {
    let case = Case::new();
    case.file("p/misbehaving.wasm", variant(0));
    case
}
