use crate::model::Descriptor;
use crate::provider::{Identity, Refused, RefusedFile, short};
use std::fmt;
use std::path::PathBuf;

/// What became of the folder of providers while a judge followed it.
#[derive(Clone, Debug)]
pub enum Change {
    /// A component came in.
    Loaded {
        /// The component.
        identity: Box<Identity>,
        /// The digest of the one that its file gave before; none for a new file.
        before: Option<String>,
        /// Whether the judge uses it: records that begin from now on are judged by it.
        in_use: bool,
    },
    /// A file was not loaded.
    Refused {
        /// Which, and why.
        file: RefusedFile,
        /// Id and digest of what was loaded from it before, and goes on.
        serving: Option<(String, String)>,
        /// Whether it was refused before, with the same words.
        again: bool,
    },
    /// A file is gone, and its provider with it.
    Removed {
        /// The file.
        path: PathBuf,
        /// The provider's id.
        id: String,
        /// Whether the judge uses it: it goes on with what is loaded.
        in_use: bool,
    },
    /// The folder cannot be looked at; what is loaded goes on.
    Lost(Refused),
}

impl Change {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Change::Refused { file, .. } => file.hint.clone(),
            Change::Lost(why) => why.hint.clone(),
            Change::Loaded { .. } | Change::Removed { .. } => None,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Loaded { identity, before, in_use } => {
                let Descriptor { id, version, .. } = &identity.descriptor;
                let digest = short(&identity.digest);
                match (before, in_use) {
                    (Some(before), true) => write!(
                        f,
                        "provider `{id}` is {version} ({digest}) for records that begin now; those in flight end on {}",
                        short(before)
                    ),
                    (None, true) => write!(f, "provider `{id}` is {version} ({digest}) for records that begin now"),
                    (Some(before), false) => {
                        write!(f, "provider `{id}` was replaced: {version} ({digest}) after {}", short(before))
                    }
                    (None, false) => write!(f, "provider `{id}` came: {version} ({digest})"),
                }
            }
            Change::Refused { file, serving, .. } => {
                let (path, reason) = (file.path.display(), &file.reason);
                match serving {
                    Some((id, digest)) => {
                        write!(f, "`{id}` goes on as {}: {path} is refused: {reason}", short(digest))
                    }
                    None => write!(f, "{path} is refused: {reason}"),
                }
            }
            Change::Removed { path, id, in_use: true } => {
                write!(f, "{} is gone: this run goes on with `{id}` as it is loaded, the next will not", path.display())
            }
            Change::Removed { path, id, in_use: false } => write!(f, "{} is gone, and `{id}` with it", path.display()),
            Change::Lost(why) => write!(f, "providers go on as they are loaded: {why}"),
        }
    }
}
