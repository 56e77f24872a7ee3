//! No output may fall on what the run reads or keeps.

use super::advice;
use judge_host::config::RunConfig;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// Refuses an output that is one of these files, by whatever name.
pub(super) fn keep_apart(output: &Path, flag: &str, others: &[(PathBuf, &str)]) -> anyhow::Result<()> {
    let Ok(output) = output.canonicalize() else { return Ok(()) };
    let hit = others.iter().find(|(path, _)| path.canonicalize().is_ok_and(|path| path == output));
    match hit {
        None => Ok(()),
        Some((path, what)) => {
            let message = format!("{flag} would overwrite {what}: {}", path.display());
            Err(advice::error(message, "name another file"))
        }
    }
}

/// Finds out before anything is paid for whether an output can be written.
pub(super) fn can_be_written(path: &Path, flag: &str, what: &str) -> anyhow::Result<()> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map(drop).map_err(|error| {
        let message = format!("cannot write {what}: {}: {error}", path.display());
        advice::error(message, format!("`{flag}` wants a file in a folder that exists and can be written"))
    })
}

/// The files that a run reads or keeps.
pub(super) fn precious(config: &RunConfig, records: Option<&Path>) -> Vec<(PathBuf, &'static str)> {
    let mut files = registry_files(&config.registry);
    files.extend(records.map(|path| (path.to_owned(), "the records")));
    files.extend(config.clusters.clone().map(|path| (path, "the clusters")));
    files.extend(config.instructions.clone().map(|path| (path, "the instructions")));
    files
}

/// A registry, and what SQLite and the host keep beside it.
fn registry_files(registry: &Path) -> Vec<(PathBuf, &'static str)> {
    let beside = |end: &str| {
        let mut name = registry.as_os_str().to_owned();
        name.push(end);
        (PathBuf::from(name), "the registry")
    };
    ["", "-wal", "-shm", ".lock"].map(beside).into()
}
