//! The settings beyond the common ones: what models of different ages need to differ in, and what a call costs.

use judge_provider::serde_json::{Value, json};
use judge_provider::{Fault, SettingSpec, Settings, repair};

/// The profile of a run whose model knows tools, but no schema that binds.
pub(crate) const NO_STRICT_TOOLS: &[u8] = b"no-strict-tools";

/// How the answer's schema is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `output_config.format`: models from 4.5 on.
    OutputConfig,
    /// A forced tool with the schema as its input: older models, which have nothing else.
    Tool,
    /// Not at all: the form stands in the prompt only.
    None,
}

/// What the operator chose, checked.
pub(crate) struct Options {
    /// How the answer's schema is enforced.
    pub(crate) form: Form,
    /// The mark at the end of what all records share; none where it is not to be cached.
    pub(crate) cache_control: Option<Value>,
    /// How much the model spends on an answer; none leaves it to the server.
    pub(crate) effort: Option<String>,
    /// Whether a temperature that the operator gave goes into the request.
    pub(crate) sends_temperature: bool,
    /// Whether the preflight looks the model up.
    pub(crate) check_model: bool,
    /// Whether a malformed answer is asked about once more.
    pub(crate) repair: bool,
}

/// The settings as the descriptor declares them.
pub(crate) fn specs() -> Vec<SettingSpec> {
    vec![
        SettingSpec::new(
            "schema",
            "how the answer's form is enforced: output_config; tool (a forced tool) for models before 4.5; or none, by the prompt alone",
        )
        .default_value("output_config"),
        // The minimum is that of the docs on prompt caching: 512 tokens for Opus 5, 1024 for Sonnet 4 and 5, 4096 for
        // Haiku 4.5.
        SettingSpec::new(
            "cache",
            "how long the server keeps what all records share: 5m, 1h or off; it keeps no prompt below the model's minimum of 512 to 4096 tokens",
        )
        .default_value("5m"),
        SettingSpec::new(
            "effort",
            "how much the model spends on an answer, thoughts included: low, medium, high, xhigh or max; refused by Haiku 4.5, Sonnet 4.5 and older models; unset: the model's own",
        ),
        SettingSpec::new("omit", "field to leave out of the request: temperature, for models that refuse it"),
        SettingSpec::new("check_model", "whether to look the model up before the run: true or false")
            .default_value("true"),
        repair::spec(),
    ]
}

impl Options {
    /// # Errors
    /// `invalid-request` where a value cannot be read.
    pub(crate) fn read(settings: &Settings) -> Result<Self, Fault> {
        let form = match settings.get("schema") {
            None | Some("output_config") => Form::OutputConfig,
            Some("tool") => Form::Tool,
            Some("none") => Form::None,
            Some(value) => return Err(Fault::bad_setting("schema", value)),
        };
        let cache_control = match settings.get("cache") {
            // Five minutes are what the server takes without a `ttl`, which servers that imitate it may not know.
            None | Some("5m") => Some(json!({ "type": "ephemeral" })),
            Some("1h") => Some(json!({ "type": "ephemeral", "ttl": "1h" })),
            Some("off") => None,
            Some(value) => return Err(Fault::bad_setting("cache", value)),
        };
        let effort = match settings.get("effort") {
            None => None,
            Some(level @ ("low" | "medium" | "high" | "xhigh" | "max")) => Some(level.to_owned()),
            Some(value) => return Err(Fault::bad_setting("effort", value)),
        };
        let sends_temperature = match settings.get("omit").map(str::trim) {
            None | Some("") => true,
            Some("temperature") => false,
            Some(value) => return Err(Fault::bad_setting("omit", value)),
        };
        Ok(Options {
            form,
            cache_control,
            effort,
            sends_temperature,
            check_model: settings.parse("check_model")?.unwrap_or(true),
            repair: repair::is_on(settings)?,
        })
    }
}
