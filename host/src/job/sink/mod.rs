//! Writes outcomes as rows, only after their commit. The file is a projection of the registry: a run that goes on
//! first makes the file anew from what is committed, so that no kill can leave it torn, short or double.

mod csv;
mod jsonl;
mod projection;
mod row;
mod target;

pub use projection::{Opened, open, rows};
pub use row::Row;
pub use target::{Format, Target, TargetError, claim};

use crate::model::Outcome;
use std::io;

/// Takes outcomes and writes them as rows.
pub trait Sink: Send {
    /// Writes one row; it may stay in a buffer until `flush`.
    ///
    /// # Errors
    /// Where the row cannot be written: then the run cannot go on.
    fn write(&mut self, outcome: &Outcome) -> io::Result<()>;

    /// Hands everything written so far to the operating system.
    ///
    /// # Errors
    /// As `write`.
    fn flush(&mut self) -> io::Result<()>;

    /// Ends the writing. Called once, where no row failed; says whether the input was read to its end.
    ///
    /// # Errors
    /// As `write`.
    fn finish(&mut self, _whole_input: bool) -> io::Result<()> {
        self.flush()
    }
}
