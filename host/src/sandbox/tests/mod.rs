//! Files that are refused, and limits that hold, with components small enough to be written by hand.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod evolution;
mod faults;
mod kept;
mod lies;
mod refusals;
mod scan;

use super::{Limits, Refusal, Sandbox, SandboxOptions};
use crate::model::{Body, Cluster, Instructions, Job, Record, Settings, Task};
use crate::provider::Provider;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The text of the smallest provider.
const MINIMAL: &str = include_str!("../../../../tests/guests/minimal.wat");

/// What a test changes in it.
struct Guest<'a> {
    version: &'a str,
    pages: u32,
    imports: &'a str,
    describe: &'a str,
    prepare: &'a str,
    brief: &'a str,
    build: &'a str,
    parse: &'a str,
}

impl Default for Guest<'_> {
    fn default() -> Self {
        Guest { version: "0.1.0", pages: 1, imports: "", describe: "", prepare: "", brief: "", build: "", parse: "" }
    }
}

impl Guest<'_> {
    fn wasm(&self) -> Vec<u8> {
        wat::parse_str(self.filled_in(MINIMAL)).unwrap()
    }

    /// The text with what this test puts in place of the words in capitals.
    fn filled_in(&self, text: &str) -> String {
        text.replace("VERSION", self.version)
            .replace("PAGES", &self.pages.to_string())
            .replace("IMPORTS", self.imports)
            .replace("DESCRIBE", self.describe)
            .replace("PREPARE", self.prepare)
            .replace("BRIEF", self.brief)
            .replace("BUILD", self.build)
            .replace("PARSE", self.parse)
    }

    async fn load(&self) -> Result<Arc<dyn Provider>, Refusal> {
        load(&self.wasm()).await
    }
}

/// Few instances, so that each test's pool is small.
fn sandbox() -> Sandbox {
    Sandbox::new(SandboxOptions { instances_max: 2, ..SandboxOptions::default() }).unwrap()
}

async fn load(bytes: &[u8]) -> Result<Arc<dyn Provider>, Refusal> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("provider.wasm");
    fs::write(&file, bytes).unwrap();
    sandbox().load(&file).await
}

fn job(text: &str) -> Job {
    let task = Task {
        candidates: Arc::from([Arc::new(Cluster { cluster_id: "c1".to_owned(), ..Cluster::default() })]),
        instructions: Arc::new(Instructions::default()),
        allow_new_cluster: true,
        records_max: 1,
        settings: Arc::new(Settings::default()),
        profile: Arc::from([]),
    };
    let records = vec![Arc::new(Record::new("r1", text))];
    Job { records, task: Arc::new(task), brief: Arc::new(Body::Text(String::new())) }
}
