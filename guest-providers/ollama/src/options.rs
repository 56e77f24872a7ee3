//! The settings beyond the common ones.

use judge_provider::serde_json::Value;
use judge_provider::{Fault, SettingSpec, Settings};

/// What the operator chose, checked.
pub(crate) struct Options {
    /// Context size in tokens; none lets the prompt decide.
    pub(crate) num_ctx: Option<u32>,
    /// How long the model stays loaded: seconds or a duration such as `10m`; none leaves it to the server.
    pub(crate) keep_alive: Option<Value>,
    /// Whether, or how much, the model thinks before it answers.
    pub(crate) think: Value,
}

/// The settings as the descriptor declares them.
pub(crate) fn specs() -> Vec<SettingSpec> {
    vec![
        SettingSpec::new("num_ctx", "context size in tokens; unset: 8192, doubled until the prompt fits"),
        SettingSpec::new(
            "keep_alive",
            "how long the model stays loaded: a duration such as `10m`, or seconds, -1 for ever",
        ),
        SettingSpec::new(
            "think",
            "thinking before the answer: false, true, low, medium, high or max; gpt-oss knows levels only",
        )
        .default_value("false"),
    ]
}

impl Options {
    /// # Errors
    /// `invalid-request` where a value cannot be read.
    pub(crate) fn read(settings: &Settings) -> Result<Self, Fault> {
        let num_ctx = settings.parse("num_ctx")?;
        if num_ctx == Some(0) {
            return Err(Fault::bad_setting("num_ctx", "0"));
        }
        // Ollama takes a number as seconds and a string as a Go duration, and refuses "600" as a string.
        let keep_alive = settings.get("keep_alive").map(|value| value.parse().map_or(value.into(), |n: i64| n.into()));
        let think = match settings.get("think") {
            None | Some("false") => false.into(),
            Some("true") => true.into(),
            Some(level @ ("low" | "medium" | "high" | "max")) => level.into(),
            Some(value) => return Err(Fault::bad_setting("think", value)),
        };
        Ok(Options { num_ctx, keep_alive, think })
    }
}
