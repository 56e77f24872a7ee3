use super::lines::{Line, next_line};
use super::{Input, ROW_BYTES_MAX, Read, SourceError, row};
use serde_json::Value;
use std::path::PathBuf;

/// One JSON object a line.
pub(super) struct Jsonl {
    input: Input,
    path: PathBuf,
    line: u64,
}

impl Jsonl {
    pub(super) fn new(input: Input, path: PathBuf) -> Self {
        Jsonl { input, path, line: 0 }
    }

    pub(super) fn next_row(&mut self) -> Result<Option<Read>, SourceError> {
        loop {
            let line = next_line(&mut self.input)
                .map_err(|source| SourceError::Io { path: self.path.display().to_string(), source })?;
            self.line += 1;
            match line {
                None => return Ok(None),
                Some(Line::TooLong { bytes }) => {
                    let message = format!("line {}: {bytes} bytes long, the limit is {ROW_BYTES_MAX}", self.line);
                    return Ok(Some(row::unreadable(self.line, "line-too-long", message)));
                }
                Some(Line::Whole(bytes)) if bytes.iter().all(u8::is_ascii_whitespace) => {}
                Some(Line::Whole(bytes)) => return Ok(Some(parse(&bytes, self.line))),
            }
        }
    }
}

fn parse(bytes: &[u8], line: u64) -> Read {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("line {line} column {}: invalid UTF-8", error.valid_up_to() + 1);
            return row::unreadable(line, "invalid-utf8", message);
        }
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => row::record(line, fields),
        Ok(_) => row::unreadable(line, "not-an-object", format!("line {line}: a JSON value, but not an object")),
        Err(error) => {
            // The parser's own words may quote the row; only their place and class are told.
            let what = if error.is_eof() { "the JSON ends too early" } else { "bad JSON" };
            row::unreadable(line, "bad-json", format!("line {line} column {}: {what}", error.column()))
        }
    }
}
