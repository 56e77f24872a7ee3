use super::{Input, ROW_BYTES_MAX};
use std::io::{self, BufRead};

/// One line of the input.
pub(super) enum Line {
    /// Its bytes, without the line end.
    Whole(Vec<u8>),
    /// It is longer than a row may be; passed over without being kept.
    TooLong { bytes: u64 },
}

/// The next line, or none at the end. Keeps at most `ROW_BYTES_MAX` bytes of it.
pub(super) fn next_line(input: &mut Input) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut bytes: u64 = 0;
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Ok((bytes > 0).then(|| whole_or_not(line, bytes)));
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        bytes += part.len() as u64;
        if line.len() + part.len() <= ROW_BYTES_MAX {
            line.extend_from_slice(part);
        } else {
            line = Vec::new();
        }
        let consumed = part.len() + usize::from(end.is_some());
        input.consume(consumed);
        if end.is_some() {
            return Ok(Some(whole_or_not(line, bytes)));
        }
    }
}

fn whole_or_not(mut line: Vec<u8>, bytes: u64) -> Line {
    if bytes > ROW_BYTES_MAX as u64 {
        return Line::TooLong { bytes };
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Line::Whole(line)
}
