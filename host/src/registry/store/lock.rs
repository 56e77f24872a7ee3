use super::failure::file_failure;
use crate::registry::RegistryError;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The right to write to a registry: one host at a time. An advisory lock on the file `<registry>.lock`, which the
/// system drops with the process, however it ends. The file itself stays: to remove it could let two hosts in.
///
/// Not on the registry's own file: closing that a second time would drop SQLite's locks.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held, never read: the lock lasts as long as the file")] File);

impl Lock {
    /// Takes the right, without waiting.
    pub(crate) fn take(registry: &Path) -> Result<Lock, RegistryError> {
        let file = File::create(lock_path(registry)).map_err(|error| file_failure(registry, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(RegistryError::Busy { path: registry.to_owned() }),
            Err(TryLockError::Error(error)) => Err(file_failure(registry, error)),
        }
    }
}

/// The lock file's path. Links are followed, so that a registry has one lock whatever it is called by.
fn lock_path(registry: &Path) -> PathBuf {
    let mut path = OsString::from(registry.canonicalize().unwrap_or_else(|_| registry.to_owned()));
    path.push(".lock");
    path.into()
}
