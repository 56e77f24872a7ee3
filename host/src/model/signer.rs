use serde::Serialize;
use std::fmt;

/// A minisign public key that the operator trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// What the operator calls it; none where it was given without a name.
    pub name: Option<String>,
    /// The key as minisign prints it: 56 characters that begin with `RW`.
    pub base64: String,
}

/// Who vouches for a component's bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Signer {
    /// Nobody was asked for: the operator trusts no key in particular.
    #[default]
    NotChecked,
    /// The holder of a key that the operator trusts.
    Key {
        /// The key's number, as minisign shows it: 16 hexadecimal digits.
        key_id: String,
        /// What the operator calls the key.
        name: Option<String>,
        /// What the signer wrote beside the signature. It is signed, and yet only words: shown, and believed in nothing.
        comment: String,
    },
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Signer::NotChecked => f.write_str("not checked"),
            Signer::Key { key_id, name: Some(name), .. } => write!(f, "{name} (key {key_id})"),
            Signer::Key { key_id, name: None, .. } => write!(f, "key {key_id}"),
        }
    }
}
