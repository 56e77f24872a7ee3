//! The settings beyond the common ones: what compatible servers and newer models need to differ in.

use judge_provider::{Fault, SettingSpec, Settings};

/// Fields of the request that a server or model may not know.
const OMITTABLE: [&str; 3] = ["temperature", "response_format", "token_limit"];

/// What the operator chose, checked.
pub(crate) struct Options {
    /// The name of the field that bounds the generated tokens.
    pub(crate) token_limit_field: String,
    /// Whether the preflight looks the model up.
    pub(crate) check_model: bool,
    omit: Vec<String>,
}

/// The settings as the descriptor declares them.
pub(crate) fn specs() -> Vec<SettingSpec> {
    vec![
        SettingSpec::new(
            "token_limit_field",
            "field that bounds the output tokens: max_completion_tokens, or max_tokens for servers that know only that",
        )
        .default_value("max_completion_tokens"),
        SettingSpec::new(
            "omit",
            "fields to leave out of the request, joined by commas: temperature (for models that refuse it), response_format, token_limit",
        ),
        SettingSpec::new(
            "check_model",
            "whether to look the model up in the server's list before the run: true or false",
        )
        .default_value("true"),
    ]
}

impl Options {
    /// # Errors
    /// `invalid-request` where a value cannot be read.
    pub(crate) fn read(settings: &Settings) -> Result<Self, Fault> {
        let token_limit_field = match settings.get("token_limit_field") {
            None => "max_completion_tokens",
            Some(field @ ("max_completion_tokens" | "max_tokens")) => field,
            Some(value) => return Err(Fault::bad_setting("token_limit_field", value)),
        };
        let named = settings.get("omit").unwrap_or_default();
        let omit: Vec<String> =
            named.split(',').map(str::trim).filter(|field| !field.is_empty()).map(str::to_owned).collect();
        if omit.iter().any(|field| !OMITTABLE.contains(&field.as_str())) {
            return Err(Fault::bad_setting("omit", named));
        }
        Ok(Options {
            token_limit_field: token_limit_field.to_owned(),
            check_model: settings.parse("check_model")?.unwrap_or(true),
            omit,
        })
    }

    /// Whether this field goes into the request.
    pub(crate) fn sends(&self, field: &str) -> bool {
        !self.omit.iter().any(|omitted| omitted == field)
    }
}
