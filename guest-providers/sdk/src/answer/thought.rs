//! How models mark what they think before they answer.

/// What opens a thought and what ends it. Chat templates put these into the text itself, and servers leave them there
/// unless they know the model.
const MARKS: [(&str, &str); 13] = [
    // Qwen 3, DeepSeek R1 and most others.
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<thoughts>", "</thoughts>"),
    ("<reasoning>", "</reasoning>"),
    ("<reflection>", "</reflection>"),
    ("<analysis>", "</analysis>"),
    ("<scratchpad>", "</scratchpad>"),
    // Seed-OSS, Magistral, Kimi.
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    // Gemma 4.
    ("<|channel>thought", "<channel|>"),
    // gpt-oss: the answer has a channel of its own.
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
];

/// The characters that marks begin with.
pub(super) const STARTS: [char; 3] = ['<', '[', '◁'];

/// What stands at the beginning of a text.
pub(super) enum Mark {
    /// A thought of this many bytes, its marks included.
    Thought(usize),
    /// The beginning of a thought that has no end.
    Endless,
    /// The end of a thought that began in the prompt, of this many bytes.
    End(usize),
}

/// The mark that a text begins with, in any letter case.
pub(super) fn mark(text: &str) -> Option<Mark> {
    MARKS.iter().find_map(|(open, close)| {
        if begins(text, close) {
            return Some(Mark::End(close.len()));
        }
        if !begins(text, open) {
            return None;
        }
        Some(match find(&text[open.len()..], close) {
            Some(inner) => Mark::Thought(open.len() + inner + close.len()),
            None => Mark::Endless,
        })
    })
}

fn begins(text: &str, mark: &str) -> bool {
    text.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark))
}

fn find(text: &str, mark: &str) -> Option<usize> {
    text.match_indices(STARTS).map(|(at, _)| at).find(|at| begins(&text[*at..], mark))
}
