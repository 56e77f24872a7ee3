//! The settings beyond the common ones.

use judge_provider::serde_json::Value;
use judge_provider::{Fault, SettingSpec, Settings, repair};

/// What the operator chose, checked.
pub(crate) struct Options {
    /// Context size in tokens; none lets the prompt decide.
    pub(crate) num_ctx: Option<u32>,
    /// How long the model stays loaded: seconds or a duration such as `10m`; none leaves it to the server.
    pub(crate) keep_alive: Option<Value>,
    /// Whether, or how much, the model thinks before it answers.
    pub(crate) think: Value,
    /// Whether the model is loaded before the first record.
    pub(crate) warm: bool,
    /// Whether the model is asked once more about an answer that is none.
    pub(crate) repair: bool,
}

/// The settings as the descriptor declares them.
pub(crate) fn specs() -> Vec<SettingSpec> {
    vec![
        SettingSpec::new(
            "num_ctx",
            "context size in tokens; unset: 8192, doubled until the prompt fits, as far as the model goes",
        ),
        SettingSpec::new(
            "keep_alive",
            "how long the model stays loaded: a duration such as `10m`, or seconds, -1 for ever",
        ),
        SettingSpec::new(
            "think",
            "thinking before the answer: false, true, low, medium, high or max; for gpt-oss false is low, the least it does",
        )
        .default_value("false"),
        SettingSpec::new("warm", "whether the model is loaded before the first record: true or false")
            .default_value("true"),
        repair::spec(),
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
        let warm = settings.parse("warm")?.unwrap_or(true);
        Ok(Options { num_ctx, keep_alive, think, warm, repair: repair::is_on(settings)? })
    }

    /// Whether the operator asked for thinking.
    pub(crate) fn wants_thoughts(&self) -> bool {
        self.think != Value::Bool(false)
    }

    /// Whether the model is still loaded after an answer. A request without messages and with a `keep_alive` of nothing
    /// unloads it (`server/routes.go`, ChatHandler).
    pub(crate) fn keeps_loaded(&self) -> bool {
        match &self.keep_alive {
            Some(Value::String(duration)) => duration.chars().any(|c| ('1'..='9').contains(&c)),
            Some(seconds) => seconds != 0,
            None => true,
        }
    }
}
