use super::{Row, Sink};
use crate::model::Outcome;
use std::io::{self, Write};

/// One JSON object a line.
pub(super) struct Jsonl<W>(pub(super) W);

impl<W: Write + Send> Sink for Jsonl<W> {
    fn write(&mut self, outcome: &Outcome) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, &Row::from(outcome))?;
        self.0.write_all(b"\n")
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
