//! The fingerprint that an output row carries: of the first request, or of the job where nothing is sent.

use crate::model::{HttpRequest, Job};
use sha2::{Digest, Sha256};

/// SHA-256 in hex over method, path, headers and body.
pub(super) fn of_request(request: &HttpRequest) -> String {
    let mut fields = Fields(Sha256::new());
    fields.text(&request.method);
    fields.text(&request.path_and_query);
    for (name, value) in &request.headers {
        fields.text(name);
        fields.bytes(value);
    }
    fields.bytes(request.body.as_ref().map_or(&[], |body| body.as_bytes()));
    fields.hex()
}

/// SHA-256 in hex over everything that a job asks; what its task says is in the brief.
pub(super) fn of_job(job: &Job) -> String {
    let mut fields = Fields(Sha256::new());
    for record in &job.records {
        fields.text(&record.request_id);
        fields.text(&record.text);
        fields.pairs(&record.context);
    }
    fields.task(job);
    fields.hex()
}

/// SHA-256 in hex over what a job asks a component but the names of its records: two alike are asked the same.
pub(super) fn of_question(component: &str, job: &Job) -> String {
    let mut fields = Fields(Sha256::new());
    fields.text(component);
    for record in &job.records {
        fields.text(&record.text);
        fields.pairs(&record.context);
    }
    fields.task(job);
    fields.hex()
}

/// Every field goes in with its length, so that no two sequences of fields look alike.
struct Fields(Sha256);

impl Fields {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn pairs(&mut self, pairs: &[(String, String)]) {
        self.0.update((pairs.len() as u64).to_le_bytes());
        for (name, value) in pairs {
            self.text(name);
            self.text(value);
        }
    }

    fn task(&mut self, job: &Job) {
        self.bytes(job.brief.as_bytes());
        for cluster_id in job.task.candidate_ids() {
            self.text(cluster_id);
        }
        self.bytes(&[u8::from(job.task.allow_new_cluster)]);
    }

    fn hex(self) -> String {
        use std::fmt::Write;
        self.0.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}
