//! What can be told of a file without reading it, and whether it changed since.

use super::lock::LOCK_FILE;
use super::{CatalogError, FILES_MAX, signature};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A component's file with what decides on it: a signature or a lock that comes later is reason to look at it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    component: Option<FileStamp>,
    signature: Option<FileStamp>,
    lock: Option<FileStamp>,
}

/// The components of a folder, in order of name.
pub type Stamps = BTreeMap<PathBuf, Stamp>;

/// One file. What replaced it in one step has another inode, though size and time may be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileStamp {
    size_bytes: u64,
    modified: Option<SystemTime>,
    inode: u64,
    changed: (i64, i64),
}

impl Stamp {
    /// How a component's file is now.
    pub fn of(component: &Path) -> Stamp {
        let lock = component.parent().map(|folder| folder.join(LOCK_FILE));
        Stamp {
            component: look(component),
            signature: look(&signature::beside(component)),
            lock: lock.as_deref().and_then(look),
        }
    }

    #[cfg(test)]
    pub(super) fn of_size(size_bytes: u64) -> Stamp {
        let file = FileStamp { size_bytes, modified: None, inode: 0, changed: (0, 0) };
        Stamp { component: Some(file), ..Stamp::default() }
    }
}

/// The components of a folder as they are now.
///
/// # Errors
/// Where the folder cannot be listed, or holds more of them than anybody needs.
pub(super) fn stamps(folder: &Path) -> Result<Stamps, CatalogError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => CatalogError::Missing { folder: folder.to_owned() },
        _ => CatalogError::Unreadable { folder: folder.to_owned(), source },
    };
    let mut stamps = Stamps::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension() != Some(OsStr::new("wasm")) {
            continue;
        }
        if stamps.len() == FILES_MAX {
            return Err(CatalogError::TooMany { folder: folder.to_owned() });
        }
        let stamp = Stamp::of(&path);
        stamps.insert(path, stamp);
    }
    Ok(stamps)
}

fn look(path: &Path) -> Option<FileStamp> {
    std::fs::metadata(path).ok().map(|metadata| stamp(&metadata))
}

#[cfg(unix)]
fn stamp(metadata: &Metadata) -> FileStamp {
    use std::os::unix::fs::MetadataExt as _;
    FileStamp {
        size_bytes: metadata.len(),
        modified: metadata.modified().ok(),
        inode: metadata.ino(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    }
}

#[cfg(not(unix))]
fn stamp(metadata: &Metadata) -> FileStamp {
    FileStamp { size_bytes: metadata.len(), modified: metadata.modified().ok(), inode: 0, changed: (0, 0) }
}
