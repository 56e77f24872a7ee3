//! What the rest of the host knows of a provider: a trait of values in, values out, and the table of those loaded.
//! Nothing here knows that a provider is a component.

mod catalog;

pub use catalog::{Catalog, CatalogError, FILES_MAX, Refused, RefusedFile, Table, UnknownProvider};

use crate::model::{Body, Descriptor, Fault, HttpResponse, Job, Preparation, Previous, Settings, Step, Task};
use async_trait::async_trait;
use std::path::PathBuf;

/// Which provider it is: what it says of itself, and what the host found out about it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What it says of itself.
    pub descriptor: Descriptor,
    /// SHA-256 of the component's bytes, in hex.
    pub digest: String,
    /// The file it came from.
    pub path: PathBuf,
    /// The file's size.
    pub size_bytes: u64,
    /// What it imports, by name; sorted.
    pub imports: Vec<String>,
    /// The version of the contract that it was built for.
    pub contract: String,
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
