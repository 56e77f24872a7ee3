//! Signatures in minisign's format, beside the component: `ID.wasm.minisig`. They are checked before anything is compiled.

use super::{Artifact, Refused, read_bounded};
use crate::model::{Signer, TrustedKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minisign_verify::{Error, PublicKey, Signature};
use std::io;
use std::path::{Path, PathBuf};

/// What is added to a component's name.
const ENDING: &str = "minisig";
/// A signature's file: four lines, of which the comments alone may be long.
const FILE_BYTES_MAX: u64 = 16 << 10;
/// Characters of a trusted comment that are shown.
const COMMENT_CHARS_MAX: usize = 200;
/// Where the number of a key stands in a decoded key or signature: after the two bytes of the algorithm.
const KEY_ID: std::ops::Range<usize> = 2..10;

/// The keys that the operator trusts. There is at least one.
#[derive(Clone, Debug)]
pub struct Keys(Vec<Key>);

#[derive(Clone, Debug)]
struct Key {
    name: Option<String>,
    id: String,
    public: PublicKey,
}

/// A key that is none.
#[derive(Debug, thiserror::Error)]
#[error("not a minisign public key: `{base64}`")]
pub struct UnusableKey {
    /// What was given for one.
    pub base64: String,
}

impl Keys {
    /// The keys, decoded; none where none is trusted in particular.
    ///
    /// # Errors
    /// The first that is no key.
    pub fn new(keys: &[TrustedKey]) -> Result<Option<Keys>, UnusableKey> {
        let keys = keys.iter().map(Key::new).collect::<Result<Vec<_>, _>>()?;
        Ok(if keys.is_empty() { None } else { Some(Keys(keys)) })
    }

    /// Who signed the bytes.
    ///
    /// # Errors
    /// Where no trusted key did, with the file that says so and what can be done.
    pub(super) fn signer(&self, artifact: &Artifact) -> Result<Signer, Refused> {
        let path = beside(artifact.path());
        let text = read(&path).map_err(|error| self.unsigned(artifact, &path, &error))?;
        let told =
            |what: &str, hint: String| Refused { reason: format!("{what}: {}", path.display()), hint: Some(hint) };
        let signature = Signature::decode(&text)
            .map_err(|_| told("not a signature of minisign", self.how_to_sign(artifact.path())))?;
        let id = key_id(text.lines().nth(1).unwrap_or_default()).unwrap_or_default();
        let Some(key) = self.0.iter().find(|key| key.id == id) else {
            let hint = format!(
                "trusted are: {}; sign it with one of them, or add the signer's key to `trusted_keys`",
                self.names()
            );
            return Err(told(&format!("signed by key {id}, which is not trusted"), hint));
        };
        match key.public.verify(artifact.bytes(), &signature, false) {
            Ok(()) => {}
            Err(Error::UnexpectedAlgorithm) => {
                let hint = "sign it again: minisign 0.10 and later hash the file first (`-H` before that)".to_owned();
                return Err(told("a signature of minisign's old form, which is not taken", hint));
            }
            Err(_) => {
                let short = super::short(artifact.digest());
                let what = format!("the signature of key {id} is not over these bytes ({short})");
                let hint = format!(
                    "one of the two files is not what was signed: get both again, or {}",
                    self.how_to_sign(artifact.path())
                );
                return Err(told(&what, hint));
            }
        }
        Ok(Signer::Key { key_id: id, name: key.name.clone(), comment: shown(signature.trusted_comment()) })
    }

    fn unsigned(&self, artifact: &Artifact, path: &Path, error: &io::Error) -> Refused {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => format!("not signed: no {}", path.display()),
            _ => format!("its signature cannot be read: {}: {error}", path.display()),
        };
        Refused { reason, hint: Some(self.how_to_sign(artifact.path())) }
    }

    fn how_to_sign(&self, component: &Path) -> String {
        format!("`minisign -S -m {}` signs it; trusted are: {}", component.display(), self.names())
    }

    fn names(&self) -> String {
        let name = |key: &Key| key.name.as_ref().map_or_else(|| key.id.clone(), |name| format!("{name} ({})", key.id));
        self.0.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

impl Key {
    fn new(key: &TrustedKey) -> Result<Key, UnusableKey> {
        let unusable = || UnusableKey { base64: key.base64.clone() };
        let public = PublicKey::from_base64(&key.base64).map_err(|_| unusable())?;
        let id = key_id(&key.base64).ok_or_else(unusable)?;
        Ok(Key { name: key.name.clone(), id, public })
    }
}

/// Where the signature of a component lies.
pub(super) fn beside(component: &Path) -> PathBuf {
    component.with_added_extension(ENDING)
}

/// The number of a key as minisign shows it: the eight bytes are a number, the lowest first.
fn key_id(base64: &str) -> Option<String> {
    let bytes = STANDARD.decode(base64.trim()).ok()?;
    let number = u64::from_le_bytes(bytes.get(KEY_ID)?.try_into().ok()?);
    Some(format!("{number:016X}"))
}

fn read(path: &Path) -> io::Result<String> {
    let too_long = || io::Error::other(format!("over {FILE_BYTES_MAX} bytes"));
    let bytes = read_bounded(path, FILE_BYTES_MAX)?.ok_or_else(too_long)?;
    // What is no text is no signature, and is told so.
    Ok(String::from_utf8(bytes).unwrap_or_default())
}

/// One line, bounded, and nothing that moves a terminal's cursor.
fn shown(comment: &str) -> String {
    let plain = |char: char| if char.is_control() { ' ' } else { char };
    comment.chars().take(COMMENT_CHARS_MAX).map(plain).collect()
}

#[cfg(test)]
mod tests;
