//! The settings beyond the common ones: what compatible servers and newer models need to differ in.

use judge_provider::chat::{Learned, Parameters, settings as shared};
use judge_provider::serde_json::{Value, json};
use judge_provider::{Fault, SettingSpec, Settings, repair};

/// OpenAI's name, and the older one that many compatible servers know alone.
pub(crate) const TOKEN_FIELDS: [&str; 2] = ["max_completion_tokens", "max_tokens"];
/// Tiers of OpenAI's `service_tier` (openai-openapi, `ServiceTier`).
const TIERS: [&str; 6] = ["auto", "default", "flex", "scale", "priority", "fast"];

/// When the preparation asks the model itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// Unless the model is known to take everything.
    Auto,
    Always,
    Never,
}

/// What the operator chose, checked.
pub(crate) struct Options {
    /// Whether the preflight looks the model up.
    pub(crate) check_model: bool,
    /// When the preflight asks the model itself.
    pub(crate) probe: Probe,
    token_field: String,
    omit: Vec<String>,
    reasoning_effort: Option<String>,
    service_tier: Option<String>,
    thinking: Option<bool>,
}

/// The settings as the descriptor declares them.
pub(crate) fn specs() -> Vec<SettingSpec> {
    vec![
        SettingSpec::new(
            "token_limit_field",
            "field that bounds the output tokens: max_completion_tokens, or max_tokens for servers that know only that",
        )
        .default_value("max_completion_tokens"),
        shared::omit_spec(),
        shared::check_model_spec(),
        SettingSpec::new(
            "probe",
            "whether to ask the model something tiny before the run, to find out which parameters it refuses, at the \
             cost of a call of about 100 tokens: auto (unless the model is known to refuse none), always or never",
        )
        .default_value("auto"),
        shared::reasoning_effort_spec(),
        SettingSpec::new(
            "service_tier",
            "OpenAI's processing tier: auto, default, flex (cheaper and slower), scale, priority or fast",
        ),
        SettingSpec::new(
            "thinking",
            "on or off, for hybrid models on vLLM and llama.cpp: sent as `enable_thinking` to the chat template",
        ),
        repair::spec(),
    ]
}

impl Options {
    /// # Errors
    /// `invalid-request` where a value cannot be read.
    pub(crate) fn read(settings: &Settings) -> Result<Self, Fault> {
        repair::is_on(settings)?;
        let token_field = shared::one_of(settings, "token_limit_field", &TOKEN_FIELDS)?;
        let probe = match shared::one_of(settings, "probe", &["auto", "always", "never"])?.as_deref() {
            Some("always") => Probe::Always,
            Some("never") => Probe::Never,
            _ => Probe::Auto,
        };
        Ok(Options {
            check_model: shared::check_model(settings)?,
            probe,
            token_field: token_field.unwrap_or_else(|| TOKEN_FIELDS[0].to_owned()),
            omit: shared::omit(settings)?,
            reasoning_effort: shared::reasoning_effort(settings)?,
            service_tier: shared::one_of(settings, "service_tier", &TIERS)?,
            thinking: shared::one_of(settings, "thinking", &["on", "off"])?.map(|value| value == "on"),
        })
    }

    /// The parameters of a request, less what the server was found not to take.
    pub(crate) fn parameters(&self, settings: &Settings, records_max: u32, learned: &Learned) -> Parameters {
        let asked_to_reason =
            self.thinking == Some(true) || self.reasoning_effort.as_deref().is_some_and(|effort| effort != "none");
        let learned = Learned { reasons: learned.reasons || asked_to_reason, ..learned.clone() };
        let mut parameters = Parameters::of(settings, records_max, &self.token_field, &learned);
        self.omit.iter().for_each(|name| parameters.leave_out(name));
        let word = |value: &Option<String>| value.as_deref().map(Value::from);
        let thinking = self.thinking.map(|on| json!({ "enable_thinking": on }));
        let own = [
            ("reasoning_effort", word(&self.reasoning_effort)),
            ("service_tier", word(&self.service_tier)),
            // vLLM and llama.cpp hand it to the model's template; other servers ignore or refuse it.
            ("chat_template_kwargs", thinking),
        ];
        parameters.more = own.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        parameters
    }
}
