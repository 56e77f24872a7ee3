//! Clusters in and out of the registry as files: one JSON object a line, CSV, or the ancestor's
//! `cluster_registry.json`. What is written is read back without loss, byte for byte, but for `birth_epoch`: an epoch
//! means nothing in another registry, and the order of birth is the order of the rows.

mod ancestor;
mod csv;
pub(super) mod field;
mod jsonl;

use super::{ClusterDraft, Snapshot};
use crate::model::{Cluster, ClusterStatus};
use serde::Serialize;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// How clusters are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterFormat {
    /// `.jsonl`: one cluster a line, as a JSON object.
    Jsonl,
    /// `.csv`: a header, then one cluster a row; samples as a JSON list, or separated by `|`.
    Csv,
    /// `.json`: the ancestor's registry, `{"version":1,"clusters":[…]}`.
    Ancestor,
}

/// Why a file of clusters cannot be read.
#[derive(Clone, Debug, Error)]
pub enum ExchangeError {
    /// The file's name does not end in a format that we know.
    #[error("not a known format of clusters: {}", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The system does not give it to us.
    #[error("clusters cannot be read: {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// A line does not hold a cluster.
    #[error("{}:{line}: {problem}", path.display())]
    BadLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1; where a cluster takes several, the one that the problem was found on.
        line: u64,
        /// What is wrong, as the format's reader says it.
        problem: String,
    },
}

impl ExchangeError {
    /// What the operator can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownFormat { .. } => Some("name the file `.jsonl`, `.csv` or `.json`".into()),
            Self::Unreadable { .. } => Some("see that the file is there, and may be read".into()),
            Self::BadLine { .. } => Some(
                "a cluster has a `cluster_id` of its own; `name`, `summary`, `criteria` and `sample_requests` tell the \
                 judge what belongs to it"
                    .into(),
            ),
        }
    }
}

impl ClusterFormat {
    /// The format that a file's name tells.
    ///
    /// # Errors
    /// Where it tells none.
    pub fn of(path: &Path) -> Result<Self, ExchangeError> {
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        match ending.to_str() {
            Some("jsonl" | "ndjson") => Ok(Self::Jsonl),
            Some("csv") => Ok(Self::Csv),
            Some("json") => Ok(Self::Ancestor),
            _ => Err(ExchangeError::UnknownFormat { path: path.to_owned() }),
        }
    }
}

/// Reads clusters from a file, by the format that its name tells.
///
/// # Errors
/// Where the file cannot be read, or a line is no cluster, has no id, or an id that was there before.
pub fn read_clusters(path: &Path) -> Result<Vec<ClusterDraft>, ExchangeError> {
    let unreadable = |error| ExchangeError::Unreadable { path: path.to_owned(), source: Arc::new(error) };
    let file = BufReader::new(File::open(path).map_err(unreadable)?);
    let format = ClusterFormat::of(path)?;
    let read = match format {
        ClusterFormat::Jsonl => jsonl::read(file),
        ClusterFormat::Csv => csv::read(file),
        ClusterFormat::Ancestor => ancestor::read(file),
    };
    read.map_err(|problem| match problem {
        Problem::File(error) => unreadable(error),
        Problem::Line(line, problem) => ExchangeError::BadLine { path: path.to_owned(), line, problem },
    })
}

/// Writes all clusters of a snapshot in the order of their birth, retired ones included.
///
/// # Errors
/// Where `out` fails.
pub fn write_clusters(snapshot: &Snapshot, format: ClusterFormat, out: &mut dyn Write) -> io::Result<()> {
    match format {
        ClusterFormat::Jsonl => jsonl::write(snapshot, out),
        ClusterFormat::Csv => csv::write(snapshot, out),
        ClusterFormat::Ancestor => ancestor::write(snapshot, out),
    }
}

/// Why reading ended, before the file's name is added.
#[derive(Debug)]
enum Problem {
    File(io::Error),
    Line(u64, String),
}

/// The columns of a row, and the order that they are written in.
const COLUMNS: [&str; 13] = [
    "cluster_id",
    "name",
    "summary",
    "criteria",
    "sample_requests",
    "created_at",
    "updated_at",
    "count",
    "status",
    "batch_id",
    "llm_reasoning",
    "revision",
    "merged_into",
];

/// A cluster as the JSON formats write it; the fields are `COLUMNS`.
#[derive(Serialize)]
pub struct Row<'a> {
    cluster_id: &'a str,
    name: &'a str,
    summary: &'a str,
    criteria: &'a str,
    sample_requests: &'a [String],
    created_at: &'a str,
    updated_at: &'a str,
    count: u64,
    status: ClusterStatus,
    batch_id: &'a str,
    llm_reasoning: &'a str,
    revision: u64,
    /// Only there where it was merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<&'a str>,
}

impl<'a> Row<'a> {
    /// A cluster's row.
    pub fn of(cluster: &'a Cluster) -> Self {
        Row {
            cluster_id: &cluster.cluster_id,
            name: &cluster.name,
            summary: &cluster.summary,
            criteria: &cluster.criteria,
            sample_requests: &cluster.sample_requests,
            created_at: &cluster.created_at,
            updated_at: &cluster.updated_at,
            count: cluster.count,
            status: cluster.status,
            batch_id: &cluster.batch_id,
            llm_reasoning: &cluster.llm_reasoning,
            revision: cluster.revision,
            merged_into: cluster.merged_into.as_deref(),
        }
    }
}

/// The ids that a file has had: each may come once.
#[derive(Default)]
struct Ids(HashSet<String>);

impl Ids {
    /// Takes the id of a draft in, or says what is wrong with it.
    fn check(&mut self, draft: &ClusterDraft) -> Result<(), String> {
        let id = &draft.cluster_id;
        if id.is_empty() {
            return Err("the cluster has no `cluster_id` or `id`".into());
        }
        if !self.0.insert(id.clone()) {
            return Err(format!("the cluster is there twice: `{id}`"));
        }
        Ok(())
    }
}

/// What the JSON reader says, without the line that it counts from the start of what it was given.
fn json_problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((problem, _)) if error.column() > 0 => format!("{problem} (column {})", error.column()),
        _ => text,
    }
}

#[cfg(test)]
mod tests;
