//! Settings that all providers of chat completions have.

use crate::{Fault, SettingSpec, Settings};

/// Parameters that the operator can leave out.
const OMITTABLE: [&str; 4] = ["temperature", "seed", "response_format", "token_limit"];
/// Levels of OpenAI's `reasoning_effort` (openai-openapi, `ReasoningEffort`) and of OpenRouter's `reasoning.effort`
/// (its openapi.yaml); which of them a model knows differs.
const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// The setting `omit`.
pub fn omit_spec() -> SettingSpec {
    SettingSpec::new(
        "omit",
        "fields to leave out of the request, joined by commas: temperature (for models that refuse it), seed, \
         response_format, token_limit",
    )
}

/// The setting `check_model`.
pub fn check_model_spec() -> SettingSpec {
    SettingSpec::new("check_model", "whether to look the model up in the server's list before the run: true or false")
        .default_value("true")
}

/// The setting `reasoning_effort`.
pub fn reasoning_effort_spec() -> SettingSpec {
    SettingSpec::new(
        "reasoning_effort",
        "how much a model that can reason does so: none, minimal, low, medium, high, xhigh or \
         max; unset: as the model likes",
    )
}

/// What `omit` names.
///
/// # Errors
/// `invalid-request`, where a name is none of those that can be left out.
pub fn omit(settings: &Settings) -> Result<Vec<String>, Fault> {
    let named = list(settings, "omit");
    if named.iter().any(|field| !OMITTABLE.contains(&field.as_str())) {
        return Err(Fault::bad_setting("omit", settings.get("omit").unwrap_or_default()));
    }
    Ok(named)
}

/// Whether the preflight looks the model up.
///
/// # Errors
/// `invalid-request`, where the setting is neither true nor false.
pub fn check_model(settings: &Settings) -> Result<bool, Fault> {
    Ok(settings.parse("check_model")?.unwrap_or(true))
}

/// The level of reasoning, where one is set.
///
/// # Errors
/// `invalid-request`, where it is none of the levels.
pub fn reasoning_effort(settings: &Settings) -> Result<Option<String>, Fault> {
    one_of(settings, "reasoning_effort", &EFFORTS)
}

/// The value of a setting that is one of these words, where it is set.
///
/// # Errors
/// `invalid-request`, where it is none of them.
pub fn one_of(settings: &Settings, name: &str, words: &[&str]) -> Result<Option<String>, Fault> {
    match settings.get(name) {
        Some(value) if !words.contains(&value.trim()) => Err(Fault::bad_setting(name, value)),
        value => Ok(value.map(|value| value.trim().to_owned())),
    }
}

/// The values of a setting that joins them by commas; none where it is not set.
pub fn list(settings: &Settings, name: &str) -> Vec<String> {
    let named = settings.get(name).unwrap_or_default();
    named.split(',').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect()
}
