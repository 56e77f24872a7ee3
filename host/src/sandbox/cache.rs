//! What is kept between runs: compiled components, and which files were scanned. The former are machine code that is loaded
//! without a check, the latter are believed, so the folder is the owner's alone, or there is no cache.

use super::scanned::Scanned;
use std::path::{Path, PathBuf};
use wasmtime::CacheConfig;

/// A cache that may be trusted.
pub(super) struct Cache {
    /// wasmtime's own, which removes from its folder what it does not know.
    pub(super) code: wasmtime::Cache,
    pub(super) scanned: Scanned,
}

/// Opens the cache, making its folders (0700) where there are none.
///
/// # Errors
/// Why there is no cache; the sandbox works without one.
pub(super) fn open(dir: &Path) -> Result<Cache, String> {
    let dir = std::path::absolute(dir).map_err(|error| format!("no folder for it: {error}"))?;
    let dir = private(dir)?;
    let (code, scanned) = (private(dir.join("code"))?, private(dir.join("scanned"))?);
    let mut config = CacheConfig::new();
    config.with_directory(&code);
    let unusable = |error: wasmtime::Error| format!("cannot use `{}`: {}", code.display(), error.root_cause());
    Ok(Cache { code: wasmtime::Cache::new(config).map_err(unusable)?, scanned: Scanned::new(scanned) })
}

/// A folder that is the owner's alone.
fn private(dir: PathBuf) -> Result<PathBuf, String> {
    create_private(&dir).map_err(|error| format!("cannot make `{}`: {error}", dir.display()))?;
    check_private(&dir).map_err(|why| format!("`{}` {why}", dir.display()))?;
    Ok(dir)
}

#[cfg(unix)]
fn create_private(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(unix)]
fn check_private(dir: &Path) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt as _;
    // Not through a link: what it points to may change after the check.
    let folder = std::fs::symlink_metadata(dir).map_err(|error| format!("cannot be looked at: {error}"))?;
    if !folder.is_dir() {
        return Err("is no folder".to_owned());
    }
    if folder.mode() & 0o022 != 0 {
        return Err(format!("may be written by others (mode {:o}); `chmod 700` it", folder.mode() & 0o7777));
    }
    // A file of ours has our user id, which the standard library does not tell otherwise.
    let probe = tempfile::tempfile_in(dir).and_then(|file| file.metadata());
    let probe = probe.map_err(|error| format!("cannot be written: {error}"))?;
    if probe.uid() != folder.uid() {
        return Err("belongs to another user".to_owned());
    }
    Ok(())
}

#[cfg(not(unix))]
fn create_private(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> Result<(), String> {
    Err("cannot be proven to be private on this system".to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn a_new_folder_is_the_owners_alone() {
        let temp = tempfile::tempdir().expect("a folder");
        let dir = temp.path().join("a/components");
        assert!(open(&dir).is_ok());
        assert_eq!(fs::metadata(&dir).expect("it was made").permissions().mode() & 0o777, 0o700);
        assert!(open(&dir).is_ok(), "and is used again");
    }

    #[test]
    fn a_folder_that_others_may_write_is_not_used() {
        let temp = tempfile::tempdir().expect("a folder");
        for mode in [0o770, 0o707, 0o777] {
            let dir = temp.path().join(format!("{mode:o}"));
            fs::create_dir(&dir).expect("a folder");
            fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).expect("its mode");
            let why = open(&dir).err().expect("it is open to others");
            assert!(why.contains("written by others"), "{why}");
        }
    }

    #[test]
    fn a_folder_within_that_others_may_write_is_not_used() {
        for within in ["code", "scanned"] {
            let temp = tempfile::tempdir().expect("a folder");
            let dir = temp.path().join(within);
            fs::create_dir(&dir).expect("a folder");
            fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).expect("its mode");
            assert!(open(temp.path()).is_err_and(|why| why.contains("written by others")), "{within}");
        }
    }

    #[test]
    fn a_link_or_a_file_is_not_used() {
        let temp = tempfile::tempdir().expect("a folder");
        let (file, link) = (temp.path().join("file"), temp.path().join("link"));
        fs::write(&file, "").expect("a file");
        symlink(temp.path(), &link).expect("a link");
        assert!(open(&file).is_err());
        assert!(open(&link).is_err_and(|why| why.contains("is no folder")));
    }
}
