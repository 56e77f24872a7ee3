use super::{Input, ROW_BYTES_MAX, Read, SourceError, row};
use serde_json::Value;
use std::io;
use std::path::PathBuf;

/// Columns of a header that are told.
const NAMES_MAX: usize = 20;
/// The longest text that counts as a column's name.
const NAME_CHARS_MAX: usize = 30;

/// Comma-separated values with a header; quotes, embedded line ends and CRLF as in RFC 4180.
pub(super) struct Csv {
    rows: ::csv::Reader<Bounded>,
    header: Vec<String>,
    path: PathBuf,
}

impl Csv {
    pub(super) fn new(input: Input, path: PathBuf) -> Result<Self, SourceError> {
        let bounded = Bounded { input, left: ROW_BYTES_MAX };
        let mut rows = ::csv::ReaderBuilder::new().flexible(true).from_reader(bounded);
        let header = match rows.byte_headers() {
            Ok(header) => header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect(),
            Err(error) => return Err(fatal(error, 1, &path)),
        };
        let csv = Csv { rows, header, path };
        // An empty file is an empty input, not one with the wrong columns.
        let empty = csv.header.iter().all(String::is_empty);
        if !empty && !csv.header.iter().any(|name| name == "text") {
            return Err(SourceError::Columns { found: names(&csv.header) });
        }
        Ok(csv)
    }

    pub(super) fn next_row(&mut self) -> Result<Option<Read>, SourceError> {
        let mut fields = ::csv::ByteRecord::new();
        self.rows.get_mut().left = ROW_BYTES_MAX;
        let line = self.rows.position().line();
        match self.rows.read_byte_record(&mut fields) {
            Ok(false) => Ok(None),
            Ok(true) => Ok(Some(self.parse(&fields, fields.position().map_or(line, ::csv::Position::line)))),
            Err(error) => Err(fatal(error, line, &self.path)),
        }
    }

    fn parse(&self, fields: &::csv::ByteRecord, line: u64) -> Read {
        if fields.len() != self.header.len() {
            let message = format!("line {line}: {} fields, the header has {}", fields.len(), self.header.len());
            return row::unreadable(line, "field-count", message);
        }
        let mut named = Vec::with_capacity(self.header.len());
        for (name, field) in self.header.iter().zip(fields) {
            let Ok(text) = std::str::from_utf8(field) else {
                return row::unreadable(line, "invalid-utf8", format!("line {line} column `{name}`: invalid UTF-8"));
            };
            // An empty cell is no value, but for the text, where its emptiness is worth telling.
            if !text.is_empty() || name == "text" {
                named.push((name.clone(), Value::from(text)));
            }
        }
        row::record(line, named)
    }
}

/// The columns, as far as they look like names: a file without a header has a record there, which is nobody's to see.
fn names(header: &[String]) -> String {
    let is_name = |name: &&String| {
        (1..=NAME_CHARS_MAX).contains(&name.chars().count())
            && name.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.'))
    };
    let names: Vec<_> = header.iter().filter(is_name).take(NAMES_MAX).map(String::as_str).collect();
    match (names.as_slice(), header.len() - names.len()) {
        ([], _) => "nothing that looks like a name".to_owned(),
        (names, 0) => names.join(", "),
        (names, others) => format!("{}, and {others} others", names.join(", ")),
    }
}

fn fatal(error: ::csv::Error, line: u64, path: &std::path::Path) -> SourceError {
    match error.into_kind() {
        ::csv::ErrorKind::Io(source) if source.kind() == io::ErrorKind::FileTooLarge => {
            SourceError::EndlessRow { line }
        }
        ::csv::ErrorKind::Io(source) => SourceError::Io { path: path.display().to_string(), source },
        other => SourceError::Io { path: path.display().to_string(), source: io::Error::other(format!("{other:?}")) },
    }
}

/// Ends a row that would not end by itself: the parser keeps a whole row in memory.
struct Bounded {
    input: Input,
    left: usize,
}

impl io::Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.input.read(buffer)?;
        self.left = self.left.saturating_sub(count);
        Ok(count)
    }
}
