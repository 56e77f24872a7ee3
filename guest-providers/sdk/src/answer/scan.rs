//! Finds the JSON in a text, from left to right and in one pass. What stands in an object belongs to it: neither an
//! object within another one nor a mark within a string is a piece of its own.

use super::thought::{self, Mark};
use crate::{Fault, Usage, fault};
use serde_json::{Deserializer, Value};

/// Objects that break JSON's rules and never close either. Each is looked through to the end of the text, so without a
/// bound a text of nothing else would cost the square of its length.
const UNCLOSED_MAX: usize = 8;

/// What the text is made of, beside prose.
pub(super) enum Piece {
    /// An object, or a list of objects.
    Json(Value),
    /// What looks like one, and breaks JSON's rules or is nested too deeply.
    Broken,
    /// All before this was thought.
    ThoughtEnd,
}

/// A text on its way to be read.
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// Text beside JSON and thoughts.
    prose: String,
    unclosed: usize,
    /// Within a broken object that never closes, nothing counts but the end of a thought.
    is_lost: bool,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Scan { text: text.trim_start_matches('\u{feff}'), at: 0, prose: String::new(), unclosed: 0, is_lost: false }
    }

    /// The text outside thoughts and JSON, as far as it was read.
    pub(super) fn prose(&self) -> &str {
        &self.prose
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// `truncated` where the text ends within a piece; `malformed` where it is not to be read at a sensible cost.
    pub(super) fn next_piece(&mut self) -> Result<Option<Piece>, Fault> {
        loop {
            let rest = &self.text[self.at..];
            let Some(start) = rest.find(|c| c == '{' || thought::STARTS.contains(&c)) else {
                self.prose.push_str(rest);
                self.at = self.text.len();
                return Ok(None);
            };
            let (before, rest) = rest.split_at(start);
            self.prose.push_str(before);
            self.at += start;
            let mark = if rest.starts_with('{') { None } else { thought::mark(rest) };
            match mark {
                Some(Mark::Thought(bytes)) => self.at += bytes,
                Some(Mark::Endless) => return Err(unfinished_thought()),
                Some(Mark::End(bytes)) => {
                    self.at += bytes;
                    self.prose.clear();
                    self.is_lost = false;
                    return Ok(Some(Piece::ThoughtEnd));
                }
                None if !self.is_lost && may_be_json(rest) => return self.json(rest).map(Some),
                None => {
                    let bytes = rest.chars().next().map_or(0, char::len_utf8);
                    self.prose.push_str(&rest[..bytes]);
                    self.at += bytes;
                }
            }
        }
    }

    fn json(&mut self, rest: &str) -> Result<Piece, Fault> {
        let mut values = Deserializer::from_str(rest).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => {
                self.at += values.byte_offset();
                return Ok(Piece::Json(value));
            }
            Some(Err(error)) if error.is_eof() => return Err(unfinished_json()),
            _ => {}
        }
        // What stands in a broken object may look like an answer, and is none: all of it is passed over.
        if let Some(bytes) = closed(rest) {
            self.at += bytes;
            return Ok(Piece::Broken);
        }
        self.unclosed += 1;
        if self.unclosed > UNCLOSED_MAX {
            return Err(fault::malformed("not-json", "the model's answer is full of objects that never close"));
        }
        self.is_lost = true;
        self.at += 1;
        Ok(Piece::Broken)
    }
}

/// Whether an object or a list of objects may begin here. Prose has braces and brackets of its own.
fn may_be_json(rest: &str) -> bool {
    let mut chars = rest.chars();
    let first = chars.next();
    let second = chars.find(|c| !c.is_ascii_whitespace());
    match first {
        Some('{') => matches!(second, Some('"' | '}') | None),
        Some('[') => matches!(second, Some('{') | None),
        _ => false,
    }
}

/// The bytes up to the bracket that closes the first one, if there is one. By a count, not by recursion: the text may
/// be nested without end.
fn closed(text: &str) -> Option<usize> {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

fn unfinished_json() -> Fault {
    fault::truncated("the model's answer ends before its JSON does", Usage::default()).code("unfinished-json")
}

fn unfinished_thought() -> Fault {
    fault::truncated("the model's answer ends before its thoughts do", Usage::default()).code("unfinished-thought")
}
