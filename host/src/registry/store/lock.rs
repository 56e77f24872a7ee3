use super::failure::file_failure;
use crate::registry::RegistryError;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// What the number of a process takes.
const PROCESS_ID_BYTES_MAX: u64 = 16;

/// The right to write to a registry: one host at a time. An advisory lock on the file `<registry>.lock`, which the
/// system drops with the process, however it ends. The file itself stays: to remove it could let two hosts in.
///
/// Not on the registry's own file: closing that a second time would drop SQLite's locks.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held, never read: the lock lasts as long as the file")] File);

impl Lock {
    /// Takes the right, without waiting.
    pub(crate) fn take(registry: &Path) -> Result<Lock, RegistryError> {
        let failed = |error| file_failure(registry, error);
        // Not truncated: what stands in it says who has the right.
        let opened = File::options().read(true).write(true).create(true).truncate(false).open(lock_path(registry));
        let mut file = opened.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                sign(&mut file).map_err(failed)?;
                Ok(Lock(file))
            }
            Err(TryLockError::WouldBlock) => {
                Err(RegistryError::Busy { path: registry.to_owned(), process_id: signed(&mut file) })
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// Says in the file which process has the right.
fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

/// Which process says that it has the right; none where that cannot be read, as between the lock and the signature.
fn signed(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(PROCESS_ID_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// The lock file's path. Links are followed, so that a registry has one lock whatever it is called by.
fn lock_path(registry: &Path) -> PathBuf {
    let mut path = OsString::from(registry.canonicalize().unwrap_or_else(|_| registry.to_owned()));
    path.push(".lock");
    path.into()
}
