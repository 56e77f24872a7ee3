//! What models and servers put around an answer.

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
const THINK_OPEN: &str = "<think>";
const THINK_CLOSE: &str = "</think>";
const FENCE: &str = "```";

/// The text without blanks around it, leading thoughts, one fence and end marks.
pub(super) fn wrapping(text: &str) -> &str {
    end_marks(fence(end_marks(thoughts(text.trim_start_matches('\u{feff}').trim()))))
}

/// Templates that open the thought in the prompt leave only its end in the answer. An answer that starts with its
/// object or fence has no thought before it, whatever stands in its strings.
fn thoughts(text: &str) -> &str {
    if !text.starts_with(THINK_OPEN) && (text.starts_with('{') || text.starts_with(FENCE)) {
        return text;
    }
    match text.split_once(THINK_CLOSE) {
        Some((_, answer)) => answer.trim_start(),
        None => text,
    }
}

fn fence(text: &str) -> &str {
    let Some(inner) = text.strip_prefix(FENCE).and_then(|rest| rest.strip_suffix(FENCE)) else {
        return text;
    };
    // The word after the opening fence names the language.
    inner.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).trim()
}

fn end_marks(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(shorter) = END_MARKS.iter().find_map(|mark| text.strip_suffix(mark)) {
        text = shorter.trim_end();
    }
    text
}
