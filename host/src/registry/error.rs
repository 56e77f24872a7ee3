use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// What lies below a failure. Shared, because one failed transaction is told to every waiter.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why the registry could not do what it was asked.
#[derive(Clone, Debug, Error)]
pub enum RegistryError {
    /// Another host writes to this file, or another program holds it locked.
    #[error("registry is in use{}: {}", by(*process_id), path.display())]
    Busy {
        /// The registry's file.
        path: PathBuf,
        /// The process that writes to it, where it said so.
        process_id: Option<u32>,
    },
    /// There is no file to read.
    #[error("no registry there: {}", path.display())]
    Missing {
        /// The file that was named.
        path: PathBuf,
    },
    /// A later version of this program wrote the file.
    #[error("registry is of version {found}, later than {known}, the latest that is understood: {}", path.display())]
    Newer {
        /// The registry's file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The latest version that this program reads.
        known: i64,
    },
    /// The file is something else.
    #[error("not a registry: {}", path.display())]
    NotARegistry {
        /// The file that was named.
        path: PathBuf,
    },
    /// The file, its folder or its file system may not be written.
    #[error("registry cannot be written, it is read-only: {}", path.display())]
    ReadOnly {
        /// The registry's file.
        path: PathBuf,
    },
    /// The disk, or the quota on it, is used up.
    #[error("no space left for the registry: {}", path.display())]
    Full {
        /// The registry's file.
        path: PathBuf,
    },
    /// The file cannot be opened or made.
    #[error("registry cannot be opened: {}", path.display())]
    Open {
        /// The registry's file.
        path: PathBuf,
        /// What the system or the store said.
        source: Cause,
    },
    /// The store failed at something.
    #[error("registry cannot {action}: {}", path.display())]
    Store {
        /// What was tried, as a verb and its object.
        action: &'static str,
        /// The registry's file.
        path: PathBuf,
        /// What the store said.
        source: Cause,
    },
    /// A verdict names a cluster that the registry does not have.
    #[error("no such cluster: `{cluster_id}`")]
    UnknownCluster {
        /// The id that was named.
        cluster_id: String,
    },
    /// The two clusters cannot be made one.
    #[error("cannot merge `{from}` into `{into}`: {problem}")]
    Merge {
        /// The id of the one that would be part of the other.
        from: String,
        /// The id of the other.
        into: String,
        /// What stands in the way.
        problem: &'static str,
    },
    /// What was handed in contradicts itself; a mistake of the caller, not of the operator.
    #[error("cannot be committed: {problem}")]
    Invalid {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The committer ended before it answered.
    #[error("registry has stopped")]
    Stopped,
}

impl RegistryError {
    /// What the operator can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Busy { .. } => {
                "wait until the other run has ended, or give this one its own `--registry FILE`".into()
            }
            Self::Missing { .. } => "`judge-host judge` makes one; see `--registry FILE`".into(),
            Self::Newer { .. } => "use the judge-host that wrote it, or another `--registry FILE`".into(),
            Self::NotARegistry { .. } => {
                "`--registry FILE` names the database of a run, not its input or output; clusters are read from \
                 other formats by `--clusters FILE`"
                    .into()
            }
            Self::ReadOnly { path } => {
                format!("make the file and its folder {} writable, or name another `--registry FILE`", folder(path))
            }
            Self::Full { path } => format!(
                "free some space on the disk of {}, then run the same command again: what is committed is kept",
                folder(path)
            ),
            Self::Open { path, .. } if path.is_dir() => {
                format!("name a file, not a folder, such as `--registry {}`", path.join("judge.db").display())
            }
            Self::Open { path, .. } => {
                format!("the folder {} must exist and be writable: journals stand beside the file", folder(path))
            }
            Self::Store { path, .. } => format!(
                "what is committed is kept: check the disk of {} (space, quota, limits on file size), then run the \
                 same command again",
                folder(path)
            ),
            Self::UnknownCluster { .. } | Self::Merge { .. } => "`judge-host registry list` shows the clusters".into(),
            Self::Invalid { .. } | Self::Stopped => return None,
        };
        Some(hint)
    }
}

/// Who has a registry.
fn by(process_id: Option<u32>) -> String {
    process_id.map(|id| format!(" by process {id}")).unwrap_or_default()
}

/// The folder that a file stands in, as people write it.
fn folder(path: &Path) -> String {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => format!("`{}`", parent.display()),
        _ => "`.`".to_owned(),
    }
}
