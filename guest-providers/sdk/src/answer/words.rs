//! What a text without an object is: nothing at all, other JSON, or words.

use crate::{Fault, fault};
use serde_json::Value;

/// Marks that end a sequence; servers that do not know a model's template leave them in.
const END_MARKS: [&str; 9] = [
    "</s>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end|>",
    "<|return|>",
    "<end_of_turn>",
    "<eos>",
    "<｜end▁of▁sentence｜>",
];
const FENCE: &str = "```";

/// Why a text without an object is no answer.
pub(super) fn fault(text: &str) -> Fault {
    let words = fence(end_marks(text));
    if words.is_empty() {
        return fault::malformed("empty", "the model's answer is empty");
    }
    if serde_json::from_str::<Value>(words).is_ok() {
        return fault::malformed("not-object", "the model's answer is JSON, but no object");
    }
    fault::malformed("not-json", "the model's answer is not JSON")
}

fn fence(text: &str) -> &str {
    let Some(inner) = text.strip_prefix(FENCE) else {
        return text;
    };
    // The word after the opening fence names the language.
    let inner = inner.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    end_marks(inner.trim().trim_end_matches('`'))
}

fn end_marks(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(shorter) = END_MARKS.iter().find_map(|mark| text.strip_suffix(mark)) {
        text = shorter.trim_end();
    }
    text
}
