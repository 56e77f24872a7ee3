//! Reads records one at a time, never the input as a whole. A row that is no record is told with its line and
//! column, and reading goes on.

mod csv;
mod jsonl;
mod lines;
mod row;

use crate::model::{Fault, Record};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The longest row, in bytes. A text that long fits no model's context, so it is a slip in the input; and one row
/// must not be able to fill the memory.
pub const ROW_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How much of the input is read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// One row of the input.
#[derive(Debug)]
pub enum Read {
    /// A record.
    Record {
        /// The record.
        record: Record,
        /// The line it starts on, from 1.
        line: u64,
        /// Whether the row gave it its id; else it is named `line-N`.
        named: bool,
    },
    /// A row that is no record.
    Unreadable {
        /// `line-N`.
        request_id: String,
        /// The line it starts on, from 1.
        line: u64,
        /// Why.
        fault: Fault,
    },
}

/// Why an input cannot be read, or not read on.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be opened or read.
    #[error("cannot read the records: {path}")]
    Io {
        /// The file; `-` for stdin.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// One JSON array, which would have to be read whole.
    #[error("the records are one JSON array, not JSON lines: {path}")]
    Array {
        /// The file; `-` for stdin.
        path: String,
    },
    /// A CSV file without the columns that a record needs.
    #[error("the CSV header has no column `text`; it has: {found}")]
    Columns {
        /// The columns there are.
        found: String,
    },
    /// A CSV row without end, after which the rows cannot be told apart any more.
    #[error("the CSV row at line {line} is longer than {ROW_BYTES_MAX} bytes; is a quote left open there?")]
    EndlessRow {
        /// Where it starts.
        line: u64,
    },
}

impl SourceError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            SourceError::Io { path, source } => match source.kind() {
                io::ErrorKind::NotFound => format!("there is no file `{path}`; give JSONL, CSV, or `-` for stdin"),
                io::ErrorKind::PermissionDenied => format!("make `{path}` readable for this user"),
                io::ErrorKind::IsADirectory => {
                    "give one file; several can be piped in with `cat … | judge-host judge -`".to_owned()
                }
                _ => format!("see that `{path}` is a file that can be read to its end"),
            },
            SourceError::Array { path } => format!("make a line of each record: `jq -c '.[]' {path} > records.jsonl`"),
            SourceError::Columns { .. } => {
                "name the column with the texts `text`, and the one with the ids `request_id`".to_owned()
            }
            SourceError::EndlessRow { line } => format!("close the quote that opens at line {line}"),
        };
        Some(hint)
    }
}

/// How far an input is read, for whoever shows it.
#[derive(Clone, Debug)]
pub struct Position {
    read: Arc<AtomicU64>,
    rows: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Position {
    /// The share that is read, 0 to 1; none for an input of unknown size.
    pub fn fraction(&self) -> Option<f64> {
        let total = self.total.filter(|total| *total > 0)?;
        Some(self.read.load(Relaxed) as f64 / total as f64)
    }

    /// About how many rows the input has, by its size and that of the rows that were read; none while nothing is read,
    /// or where its size is unknown.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count over a share of it: no negative"
    )]
    pub fn rows_about(&self) -> Option<u64> {
        // The rows first: what is read meanwhile would make them too many for the share.
        let rows = self.rows.load(Relaxed);
        let fraction = self.fraction().filter(|fraction| *fraction > 0.0 && rows > 0)?;
        Some((rows as f64 / fraction).round() as u64)
    }
}

/// An open input.
pub struct Source {
    rows: Rows,
    position: Position,
}

enum Rows {
    Jsonl(jsonl::Jsonl),
    Csv(csv::Csv),
}

type Input = Counted;

impl Source {
    /// Opens a file, or stdin for `-`. What it holds is told by the name's end (`.csv`, `.jsonl`, `.ndjson`), else
    /// by the first character: `{` begins JSON lines, anything else a CSV header.
    ///
    /// # Errors
    /// Where it cannot be opened, is a folder, or is CSV without a column `text`.
    pub fn open(path: &Path) -> Result<Source, SourceError> {
        let name = path.display().to_string();
        let failed = |source| SourceError::Io { path: name.clone(), source };
        if path == Path::new("-") {
            return Source::from_reader(Box::new(io::stdin()), None, None, "-");
        }
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::Error::new(io::ErrorKind::IsADirectory, "is a folder")));
        }
        let extension = path.extension().and_then(|end| end.to_str()).map(str::to_ascii_lowercase);
        Source::from_reader(Box::new(file), metadata.is_file().then_some(metadata.len()), extension.as_deref(), &name)
    }

    fn from_reader(
        input: Box<dyn io::Read + Send>,
        total: Option<u64>,
        extension: Option<&str>,
        name: &str,
    ) -> Result<Source, SourceError> {
        let failed = |source| SourceError::Io { path: name.to_owned(), source };
        let position = Position { read: Arc::default(), rows: Arc::default(), total };
        let input = BufReader::with_capacity(BUFFER_BYTES, input);
        let mut input = Counted { input, read: Arc::clone(&position.read) };
        let first = skip_byte_order_mark(&mut input).map_err(failed)?;
        let is_csv = match extension {
            Some("csv") => true,
            Some("jsonl" | "ndjson" | "json") => false,
            _ => first.is_some_and(|byte| !matches!(byte, b'{' | b'[')),
        };
        if !is_csv && first == Some(b'[') {
            return Err(SourceError::Array { path: name.to_owned() });
        }
        let name = PathBuf::from(name);
        let rows =
            if is_csv { Rows::Csv(csv::Csv::new(input, name)?) } else { Rows::Jsonl(jsonl::Jsonl::new(input, name)) };
        Ok(Source { rows, position })
    }

    /// How far it is read; goes on counting while the source is used elsewhere.
    pub fn position(&self) -> Position {
        self.position.clone()
    }

    /// The next row, or none at the end.
    ///
    /// # Errors
    /// Where the input cannot be read on.
    pub fn next_row(&mut self) -> Result<Option<Read>, SourceError> {
        let row = match &mut self.rows {
            Rows::Jsonl(rows) => rows.next_row(),
            Rows::Csv(rows) => rows.next_row(),
        }?;
        self.position.rows.fetch_add(u64::from(row.is_some()), Relaxed);
        Ok(row)
    }
}

/// Passes a UTF-8 byte order mark over, and tells the first character that is no white space.
fn skip_byte_order_mark(input: &mut Input) -> io::Result<Option<u8>> {
    let start = input.fill_buf()?;
    let mark = if start.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let first = start[mark..].iter().copied().find(|byte| !byte.is_ascii_whitespace());
    input.consume(mark);
    Ok(first)
}

/// Counts what is taken out of the buffer, not what is put in: a small input is in it whole from the start.
struct Counted {
    input: BufReader<Box<dyn io::Read + Send>>,
    read: Arc<AtomicU64>,
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.read.fetch_add(amount as u64, Relaxed);
        self.input.consume(amount);
    }
}

impl io::Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.read.fetch_add(count as u64, Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
