//! Which files the scan has passed, so that a start from the cache need not scan them again: an empty file for each, named by
//! its digest. The folder is the owner's alone; whoever may write into it may as well write what the host executes.

use super::limits::{SCAN_VERSION, SCANNED_MAX};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The marks of what was scanned.
#[derive(Clone)]
pub(super) struct Scanned {
    dir: PathBuf,
}

impl Scanned {
    /// The marks in a folder that is there, and the owner's alone.
    pub(super) fn new(dir: PathBuf) -> Scanned {
        Scanned { dir }
    }

    /// Whether the scan as it is now has passed the file with this SHA-256.
    pub(super) fn has(&self, digest: &str) -> bool {
        fs::symlink_metadata(self.mark(digest)).is_ok_and(|mark| mark.is_file())
    }

    /// Notes that it did. What cannot be noted is scanned again.
    pub(super) fn note(&self, digest: &str) {
        let _ = File::create(self.mark(digest)).and_then(|_| keep_newest(&self.dir, SCANNED_MAX));
    }

    fn mark(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{SCAN_VERSION}-{digest}"))
    }
}

/// Removes the oldest files of a folder beyond so many.
fn keep_newest(dir: &Path, files_max: usize) -> io::Result<()> {
    let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort_unstable();
    let beyond = files.len().saturating_sub(files_max);
    files.iter().take(beyond).try_for_each(|(_, path)| fs::remove_file(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).expect("it is there").map(|entry| entry.expect("it can be read"));
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_mark_holds_for_its_digest_and_its_version_of_the_scan() {
        let dir = tempfile::tempdir().expect("a folder");
        let scanned = Scanned::new(dir.path().to_owned());
        scanned.note("ab");
        assert!(scanned.has("ab"));
        assert!(!scanned.has("cd"));
        let (now, before) = (format!("{SCAN_VERSION}-ab"), format!("{}-ab", SCAN_VERSION - 1));
        fs::rename(dir.path().join(now), dir.path().join(before)).expect("it is there");
        assert!(!scanned.has("ab"));
    }

    #[test]
    fn only_the_newest_are_kept() {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, age) in [("c", 3), ("a", 2), ("b", 1)] {
            let file = File::create(dir.path().join(name)).expect("a file");
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_hours(24 - age)).expect("its age");
        }
        keep_newest(dir.path(), 3).expect("it is ours");
        assert_eq!(names(dir.path()), ["a", "b", "c"]);
        keep_newest(dir.path(), 2).expect("it is ours");
        assert_eq!(names(dir.path()), ["a", "b"]);
    }

    #[test]
    fn noting_one_keeps_to_the_bound() {
        let dir = tempfile::tempdir().expect("a folder");
        for number in 0..SCANNED_MAX {
            let file = File::create(dir.path().join(format!("{number}"))).expect("a file");
            file.set_modified(SystemTime::UNIX_EPOCH).expect("its age");
        }
        let scanned = Scanned::new(dir.path().to_owned());
        scanned.note("ab");
        assert_eq!(names(dir.path()).len(), SCANNED_MAX);
        assert!(scanned.has("ab"), "the newest stays");
    }
}
