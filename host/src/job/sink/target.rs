//! Where rows go, and whether a run may write there.

use crate::registry::{Registry, RegistryError};
use std::io;
use std::path::{Path, PathBuf};

/// How rows are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON lines.
    Jsonl,
    /// Comma-separated values.
    Csv,
}

/// Where rows go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output, as JSON lines.
    Stdout,
    /// A file.
    File {
        /// Its path.
        path: PathBuf,
        /// How its rows are spelled.
        format: Format,
    },
}

/// Why rows cannot go there.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The name says nothing about the format.
    #[error("cannot tell the format of the output from its name: {0}")]
    Extension(PathBuf),
    /// There is a file that this run has no claim on.
    #[error("the output file exists and is not this run's: {0}")]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("cannot write the output: {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is committed cannot be read.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl TargetError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            TargetError::Extension(_) => Some("end it in `.jsonl` or `.csv`, or give `-` for stdout".to_owned()),
            TargetError::Exists(_) => Some(
                "choose another `--out`, or replace the file with `--force`; the run that wrote it goes on with \
                      the same `--registry` and `--batch-id`"
                    .to_owned(),
            ),
            TargetError::Io { .. } => {
                Some("`--out` wants a file in a folder that exists and can be written".to_owned())
            }
            TargetError::Registry(error) => error.hint(),
        }
    }
}

impl Target {
    /// `-` is stdout; otherwise the name's end tells the format.
    ///
    /// # Errors
    /// Where the name ends in something else than `.jsonl`, `.ndjson` or `.csv`, or its folder is not there.
    pub fn parse(path: &Path) -> Result<Target, TargetError> {
        if path == Path::new("-") {
            return Ok(Target::Stdout);
        }
        let extension = path.extension().and_then(|end| end.to_str()).map(str::to_ascii_lowercase);
        let format = match extension.as_deref() {
            Some("jsonl" | "ndjson") => Format::Jsonl,
            Some("csv") => Format::Csv,
            _ => return Err(TargetError::Extension(path.to_owned())),
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            let source = io::Error::new(io::ErrorKind::NotFound, "there is no such folder");
            return Err(TargetError::Io { path: path.to_owned(), source });
        }
        Ok(Target::File { path: path.to_owned(), format })
    }
}

/// Says whether the target is this batch's to write, and changes nothing. It is where there is no such file, or an
/// empty one, or one that an earlier run of the same batch and registry wrote, or where `force` has it replaced.
///
/// # Errors
/// Where the file is not this run's, or cannot be looked at.
pub fn claim(target: &Target, registry: &Registry, batch_id: &str, force: bool) -> Result<(), TargetError> {
    let Target::File { path, .. } = target else { return Ok(()) };
    let failed = |source| TargetError::Io { path: path.clone(), source };
    let known = registry.sink_of(batch_id)?.as_deref() == Some(absolute(path)?.as_path());
    let in_use = path.try_exists().map_err(failed)? && path.metadata().map_err(failed)?.len() > 0;
    if in_use && !known && !force { Err(TargetError::Exists(path.clone())) } else { Ok(()) }
}

/// The file that a path leads to, whatever the working folder and links.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, TargetError> {
    let found = if path.exists() { path.canonicalize() } else { std::path::absolute(path) };
    found.map_err(|source| TargetError::Io { path: path.to_owned(), source })
}
