//! What the rest of the host knows of a provider: a trait of values in, values out, the table of those loaded, what the
//! operator asks of a file before it is loaded, and the folder as it changes. Nothing here knows what a component is.

mod admission;
mod artifact;
mod catalog;
mod error;
mod lock;
mod read;
mod settle;
mod signature;
mod stamp;
mod table;
mod watch;

pub use admission::{Admission, Admitted};
pub use artifact::Artifact;
pub use catalog::Catalog;
pub use error::{CatalogError, UnknownProvider};
pub use lock::{LOCK_FILE, Lock, LockError, LockState, Locked};
pub use read::read_bounded;
pub use settle::Touched;
pub use signature::{Keys, UnusableKey};
pub use stamp::{Stamp, Stamps};
pub use table::{Refused, RefusedFile, Table};
pub use watch::Watch;

/// Components in one folder.
pub const FILES_MAX: usize = 256;
/// Characters of a digest that people compare.
const DIGEST_SHOWN: usize = 12;

use crate::model::{Body, Descriptor, Fault, HttpResponse, Job, Preparation, Previous, Settings, Signer, Step, Task};
use async_trait::async_trait;
use std::path::PathBuf;

/// Which provider it is: what it says of itself, and what the host found out about it.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// What it says of itself.
    pub descriptor: Descriptor,
    /// SHA-256 of the component's bytes, in hex.
    pub digest: String,
    /// The file it came from.
    pub path: PathBuf,
    /// The file's size.
    pub size_bytes: u64,
    /// The version of the contract that it was built for.
    pub contract: String,
    /// What it imports, by name; sorted.
    pub imports: Vec<String>,
    /// Who signed it.
    pub signer: Signer,
}

/// The beginning of a digest: as much as people compare.
pub fn short(digest: &str) -> &str {
    digest.get(..DIGEST_SHOWN).unwrap_or(digest)
}

/// Builds requests and parses responses; sends nothing itself.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Which provider it is.
    fn identity(&self) -> &Identity;

    /// One step of the preflight before a run; the first has no `previous`.
    async fn prepare(&self, settings: &Settings, previous: Option<Previous>) -> Result<Preparation, Fault>;

    /// What all jobs of a task need.
    async fn brief(&self, task: &Task) -> Result<Body, Fault>;

    /// The first step of a job.
    async fn build_request(&self, job: &Job) -> Result<Step, Fault>;

    /// What the response to the last request means for the same job.
    async fn parse_response(&self, job: &Job, state: Vec<u8>, response: HttpResponse) -> Result<Step, Fault>;
}
