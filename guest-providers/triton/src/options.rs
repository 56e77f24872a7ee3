//! The settings beyond the common ones: what a model repository may name or do differently.

use crate::template::Template;
use judge_provider::serde_json::{self, Map, Value};
use judge_provider::{Fault, SettingSpec, Settings, repair};

/// Which of Triton's two ways to run a model is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `POST .../infer`: typed tensors in and out.
    Infer,
    /// `POST .../generate`: plain JSON, also for models that may answer in several pieces.
    Generate,
}

/// How the server is asked to keep the answer to the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enforcement {
    /// The vLLM backend's parameter since release 25.11.
    StructuredOutputs,
    /// The vLLM backend's parameter before.
    GuidedDecoding,
    /// TensorRT-LLM's two tensors.
    TrtLlm,
    /// By the prompt alone.
    Prompt,
}

impl Enforcement {
    const ALL: [Enforcement; 4] =
        [Enforcement::StructuredOutputs, Enforcement::GuidedDecoding, Enforcement::TrtLlm, Enforcement::Prompt];

    /// By its name in the setting `guided`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|enforcement| enforcement.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Enforcement::StructuredOutputs => "structured_outputs",
            Enforcement::GuidedDecoding => "guided_decoding",
            Enforcement::TrtLlm => "trtllm",
            Enforcement::Prompt => "none",
        }
    }
}

/// What the operator chose, checked. None lets the model's own tensors decide.
pub(crate) struct Options {
    pub(crate) version: Option<String>,
    pub(crate) route: Option<Route>,
    pub(crate) input: Option<String>,
    pub(crate) output: Option<String>,
    pub(crate) max_tokens_input: Option<String>,
    pub(crate) temperature_input: Option<String>,
    /// Further input tensors: a text, number or truth value by name.
    pub(crate) tensors: Map<String, Value>,
    pub(crate) guided: Option<Enforcement>,
    pub(crate) template: Template,
    pub(crate) repair: bool,
}

/// The settings as the descriptor declares them.
pub(crate) fn specs() -> Vec<SettingSpec> {
    let with_default = |name, summary, value| SettingSpec::new(name, summary).default_value(value);
    vec![
        SettingSpec::new("version", "the model's version, a number; unset: the server chooses"),
        with_default(
            "route",
            "how the model is asked: infer, generate, or auto (generate for vLLM and decoupled models)",
            "auto",
        ),
        SettingSpec::new(
            "input",
            "the text input that takes the prompt; unset: text, text_input, prompt, or the only one",
        ),
        SettingSpec::new(
            "output",
            "the text output that holds the answer; unset: response, text_output, generated_text, generated_output, \
             or the only one",
        ),
        SettingSpec::new(
            "max_tokens_input",
            "the integer input that bounds the output tokens; unset: found by its usual names, if there is one",
        ),
        SettingSpec::new(
            "temperature_input",
            "the FP32 input for the temperature; unset: found by its usual names, if there is one",
        ),
        SettingSpec::new(
            "tensors",
            "further inputs as a JSON object of names and single values such as {\"top_p\":0.9}; with /generate also \
             parameters",
        ),
        with_default(
            "guided",
            "how the server keeps the answer to its schema: structured_outputs (vLLM), guided_decoding (vLLM before \
             25.11), trtllm, none, or auto by what the model takes",
            "auto",
        ),
        with_default(
            "template",
            "how system and user message become one prompt, as Triton applies no chat template: plain, chatml or \
             llama3",
            "plain",
        ),
        repair::spec(),
    ]
}

impl Options {
    /// # Errors
    /// `invalid-request` where a value cannot be read.
    pub(crate) fn read(settings: &Settings) -> Result<Self, Fault> {
        let name =
            |setting: &str| settings.get(setting).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        let route = choice(settings, "route", |value| match value {
            "auto" => Some(None),
            "infer" => Some(Some(Route::Infer)),
            "generate" => Some(Some(Route::Generate)),
            _ => None,
        })?;
        let guided = choice(settings, "guided", |value| match value {
            "auto" => Some(None),
            name => Enforcement::named(name).map(Some),
        })?;
        Ok(Options {
            // The server's route takes digits only, and answers anything else with a 404 that names no reason.
            version: settings.parse::<u64>("version")?.map(|version| version.to_string()),
            route: route.flatten(),
            input: name("input"),
            output: name("output"),
            max_tokens_input: name("max_tokens_input"),
            temperature_input: name("temperature_input"),
            tensors: tensors(settings)?,
            guided: guided.flatten(),
            template: choice(settings, "template", Template::named)?.unwrap_or(Template::Plain),
            repair: repair::is_on(settings)?,
        })
    }
}

fn choice<T>(settings: &Settings, name: &str, of: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Fault> {
    let Some(value) = settings.get(name) else {
        return Ok(None);
    };
    of(value.trim()).map(Some).ok_or_else(|| Fault::bad_setting(name, value))
}

fn tensors(settings: &Settings) -> Result<Map<String, Value>, Fault> {
    let Some(text) = settings.get("tensors") else {
        return Ok(Map::new());
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(values)) if values.values().all(is_single) => Ok(values),
        _ => Err(Fault::bad_setting("tensors", text)),
    }
}

fn is_single(value: &Value) -> bool {
    value.is_string() || value.is_number() || value.is_boolean()
}
