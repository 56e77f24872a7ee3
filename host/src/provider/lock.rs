//! `plugins.lock`: which component every provider of the folder is, by its bytes.

use super::{Artifact, Identity, Refused, Table, read_bounded, short};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Its name, in the folder of the providers.
pub const LOCK_FILE: &str = "plugins.lock";
/// The form that is written and read.
const FORM: u32 = 1;
/// The file: some hundred bytes a provider, and no folder holds more than 256.
const FILE_BYTES_MAX: u64 = 256 << 10;
/// What stands above the entries.
const HEADER: &str = "\
# Written by `judge-host providers lock`. With `--locked` (or `locked = true` in judge.toml) these components are loaded
# and no others: whoever may write this file decides what runs.
";

/// One provider as it is locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Its id.
    pub id: String,
    /// Its version, as it says itself.
    pub version: String,
    /// SHA-256 of the component's bytes, in hex.
    pub sha256: String,
}

/// What a folder's lock file says.
#[derive(Clone, Debug)]
pub struct Lock {
    folder: PathBuf,
    /// By id.
    entries: BTreeMap<String, Locked>,
}

/// The file's form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    form: u32,
    #[serde(default)]
    provider: Vec<Locked>,
}

/// How a loaded provider stands to the lock file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockState {
    /// There is no lock file.
    NoFile,
    /// It is the one that is locked.
    Locked,
    /// The lock file does not name it.
    NotListed,
    /// The lock file names another component, or another version, for its id.
    Differs,
}

/// Why there is no lock to go by.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// There is no such file.
    #[error("no lock file: `{}`", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error("cannot {verb} the lock file: `{}`", path.display())]
    Io {
        /// `read` or `write`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what `providers lock` writes.
    #[error("not a lock file: `{}`: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl LockError {
    /// What can be done about it.
    pub fn hint(&self) -> String {
        match self {
            LockError::Missing { path } | LockError::Damaged { path, .. } => {
                format!("{} writes it anew, from what is in the folder", command(path.parent().unwrap_or(path)))
            }
            LockError::Io { verb, .. } => {
                format!("check that the file may be {}", if *verb == "read" { "read" } else { "written" })
            }
        }
    }
}

impl Lock {
    /// Reads the lock file of a folder.
    ///
    /// # Errors
    /// Where it is missing, cannot be read, or is none.
    pub fn read(folder: &Path) -> Result<Lock, LockError> {
        let path = folder.join(LOCK_FILE);
        let damaged = |reason: String| LockError::Damaged { path: path.clone(), reason };
        let bytes = match read_bounded(&path, FILE_BYTES_MAX) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(damaged(format!("over {FILE_BYTES_MAX} bytes"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(LockError::Missing { path }),
            Err(source) => return Err(LockError::Io { verb: "read", path, source }),
        };
        let text = String::from_utf8(bytes).map_err(|error| damaged(error.to_string()))?;
        let file: Document = toml::from_str(&text).map_err(|error| damaged(error.message().replace('\n', "; ")))?;
        if file.form != FORM {
            return Err(damaged(format!("its form is {}, this host reads {FORM}", file.form)));
        }
        let mut entries = BTreeMap::new();
        for locked in file.provider {
            if let Some(twin) = entries.insert(locked.id.clone(), locked) {
                return Err(damaged(format!("it names `{}` twice", twin.id)));
            }
        }
        Ok(Lock { folder: folder.to_owned(), entries })
    }

    /// What is loaded from a folder.
    pub fn of(folder: &Path, table: &Table) -> Lock {
        let locked = |identity: &Identity| Locked {
            id: identity.descriptor.id.clone(),
            version: identity.descriptor.version.clone(),
            sha256: identity.digest.clone(),
        };
        let entries = table.loaded().map(|provider| locked(provider.identity()));
        Lock { folder: folder.to_owned(), entries: entries.map(|locked| (locked.id.clone(), locked)).collect() }
    }

    /// Its entries, by id.
    pub fn entries(&self) -> impl Iterator<Item = &Locked> {
        self.entries.values()
    }

    /// Writes it into its folder: the old file or the new one is there, never a part. Gives its path.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self) -> Result<PathBuf, LockError> {
        let path = self.folder.join(LOCK_FILE);
        let failed = |source| LockError::Io { verb: "write", path: path.clone(), source };
        let file = Document { form: FORM, provider: self.entries.values().cloned().collect() };
        let mut text = HEADER.to_owned();
        let body = toml::to_string(&file).map_err(|error| failed(io::Error::other(error)))?;
        write!(text, "{body}").map_err(|error| failed(io::Error::other(error)))?;
        let mut part = tempfile::Builder::new().prefix(LOCK_FILE).tempfile_in(&self.folder).map_err(failed)?;
        part.write_all(text.as_bytes()).and_then(|()| part.as_file().sync_all()).map_err(failed)?;
        readable(part.as_file()).map_err(failed)?;
        part.persist(&path).map_err(|error| failed(error.error))?;
        Ok(path)
    }

    /// How a loaded provider stands to it.
    pub fn state(&self, identity: &Identity) -> LockState {
        match self.entries.get(&identity.descriptor.id) {
            None => LockState::NotListed,
            Some(locked) if locked.sha256 == identity.digest && locked.version == identity.descriptor.version => {
                LockState::Locked
            }
            Some(_) => LockState::Differs,
        }
    }

    /// The entry for these bytes.
    ///
    /// # Errors
    /// Where none has their digest.
    pub(super) fn entry(&self, artifact: &Artifact) -> Result<Locked, Refused> {
        let digest = artifact.digest();
        if let Some(locked) = self.entries.values().find(|locked| locked.sha256 == digest) {
            return Ok(locked.clone());
        }
        // Who it is nobody knows before it is compiled; as a rule the file is called like its provider.
        let stem = artifact.path().file_stem().unwrap_or_default().to_string_lossy();
        let place = self.folder.join(LOCK_FILE);
        let (place, found) = (place.display(), short(digest));
        let reason = match self.entries.get(stem.as_ref()) {
            Some(locked) => format!("not the `{stem}` of {place}: it is {found}, locked is {}", short(&locked.sha256)),
            None => format!("not in {place}: it is {found}, and no locked provider is"),
        };
        Err(self.refused(reason))
    }

    /// Whether the provider is the one that its bytes are locked for.
    ///
    /// # Errors
    /// Where its id or version is another.
    pub(super) fn check(&self, locked: &Locked, identity: &Identity) -> Result<(), Refused> {
        let (id, version) = (&identity.descriptor.id, &identity.descriptor.version);
        if (&locked.id, &locked.version) == (id, version) {
            return Ok(());
        }
        let place = self.folder.join(LOCK_FILE);
        let (place, digest) = (place.display(), short(&identity.digest));
        let reason =
            format!("{place} has {digest} as `{}` {}, it says it is `{id}` {version}", locked.id, locked.version);
        Err(self.refused(reason))
    }

    fn refused(&self, reason: String) -> Refused {
        Refused {
            reason,
            hint: Some(format!("if it is meant to be there: {} locks what is there", command(&self.folder))),
        }
    }
}

impl From<LockError> for Refused {
    fn from(error: LockError) -> Refused {
        let hint = Some(error.hint());
        let mut reason = error.to_string();
        if let LockError::Io { source, .. } = &error {
            reason = format!("{reason}: {source}");
        }
        Refused { reason, hint }
    }
}

/// What writes the lock file of a folder.
fn command(folder: &Path) -> String {
    format!("`judge-host --providers {} providers lock`", folder.display())
}

/// A temporary file is its owner's alone; a lock file is checked in and read like the components beside it.
#[cfg(unix)]
fn readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
