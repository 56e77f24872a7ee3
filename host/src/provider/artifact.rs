use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// A component's file as it was read, once: what is hashed and checked is what is compiled, whatever becomes of the file.
pub struct Artifact {
    path: PathBuf,
    bytes: Vec<u8>,
    digest: String,
}

impl Artifact {
    /// The bytes of a file, hashed.
    pub fn new(path: PathBuf, bytes: Vec<u8>) -> Artifact {
        let digest = format!("{:x}", Sha256::digest(&bytes));
        Artifact { path, bytes, digest }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was in it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the bytes, in hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}
