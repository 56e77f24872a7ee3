use super::{Row, Sink};
use crate::model::Outcome;
use std::io::{self, Write};

/// The columns: those of the JSON row, with the error's fields side by side and the suggestion as JSON.
const HEADER: [&str; 23] = [
    "batch_id",
    "slice_id",
    "request_id",
    "decision",
    "cluster_id",
    "confidence",
    "rationale",
    "suggested_cluster",
    "error_kind",
    "error_code",
    "error_message",
    "provider",
    "model",
    "component_digest",
    "request_hash",
    "epoch",
    "attempts",
    "latency_ms",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "cost_usd",
    "overtaken",
];

/// Comma-separated values with a header, an empty cell for null.
pub(super) struct Csv<W: Write> {
    rows: ::csv::Writer<W>,
}

impl<W: Write + Send> Csv<W> {
    pub(super) fn new(output: W, with_header: bool) -> io::Result<Self> {
        let mut rows = ::csv::Writer::from_writer(output);
        if with_header {
            rows.write_record(HEADER)?;
        }
        Ok(Csv { rows })
    }
}

impl<W: Write + Send> Sink for Csv<W> {
    fn write(&mut self, outcome: &Outcome) -> io::Result<()> {
        let row = Row::from(outcome);
        let suggested = row.suggested_cluster.map(serde_json::to_string).transpose()?;
        let error = row.error.as_ref();
        self.rows.serialize((
            (row.batch_id, row.slice_id, row.request_id, row.decision, row.cluster_id, row.confidence, row.rationale),
            (suggested, error.map(|e| e.kind), error.and_then(|e| e.code), error.map(|e| e.message)),
            (row.provider, row.model, row.component_digest, row.request_hash, row.epoch, row.attempts, row.latency_ms),
            (row.input_tokens, row.cached_input_tokens, row.output_tokens, row.cost_usd, row.overtaken),
        ))?;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.rows.flush()
    }
}
