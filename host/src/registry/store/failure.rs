use crate::registry::RegistryError;
use rusqlite::ErrorCode;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

/// What SQLite said while it did `action`, in the registry's words.
pub(super) fn failure(path: &Path, action: &'static str, error: rusqlite::Error) -> RegistryError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => RegistryError::Busy { path, process_id: None },
        Some(ErrorCode::NotADatabase) => RegistryError::NotARegistry { path },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => RegistryError::ReadOnly { path },
        Some(ErrorCode::DiskFull) => RegistryError::Full { path },
        Some(ErrorCode::CannotOpen) => RegistryError::Open { path, source: Arc::new(error) },
        _ => RegistryError::Store { action, path, source: Arc::new(error) },
    }
}

/// What the system said while the file was made ready.
pub(super) fn file_failure(path: &Path, error: std::io::Error) -> RegistryError {
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => RegistryError::ReadOnly { path },
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => RegistryError::Full { path },
        _ => RegistryError::Open { path, source: Arc::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn what_an_operator_can_mend_has_its_own_error() {
        let said =
            |code| failure(Path::new("a.db"), "commit", rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        assert!(matches!(said(ffi::SQLITE_READONLY), RegistryError::ReadOnly { .. }));
        assert!(matches!(said(ffi::SQLITE_FULL), RegistryError::Full { .. }));
        assert!(matches!(said(ffi::SQLITE_BUSY), RegistryError::Busy { .. }));
        assert!(matches!(said(ffi::SQLITE_NOTADB), RegistryError::NotARegistry { .. }));
        assert!(matches!(said(ffi::SQLITE_CANTOPEN), RegistryError::Open { .. }));
        assert!(matches!(said(ffi::SQLITE_IOERR), RegistryError::Store { .. }));
        for code in [ffi::SQLITE_READONLY, ffi::SQLITE_FULL, ffi::SQLITE_BUSY, ffi::SQLITE_NOTADB, ffi::SQLITE_CANTOPEN]
        {
            assert!(said(code).hint().is_some(), "{}", said(code));
        }
        let refused = |kind| file_failure(Path::new("a.db"), kind);
        assert!(matches!(refused(ErrorKind::ReadOnlyFilesystem.into()), RegistryError::ReadOnly { .. }));
        assert!(matches!(refused(ErrorKind::NotFound.into()), RegistryError::Open { .. }));
    }
}
