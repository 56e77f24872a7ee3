//! The settings beyond the common ones: whom OpenRouter may pass a request on to.

use judge_provider::chat::{Learned, Parameters, settings as shared};
use judge_provider::serde_json::{Map, Value, json};
use judge_provider::{Fault, SettingSpec, Settings, repair};

/// What `provider.sort` takes (openapi.yaml, `ProviderSort`).
const SORTS: [&str; 3] = ["price", "throughput", "latency"];
/// Characters of a title.
const TITLE_CHARS_MAX: usize = 100;

/// What the operator chose, checked.
pub(crate) struct Options {
    /// Whether the preflight looks key and model up.
    pub(crate) check_model: bool,
    /// How much the model is to reason.
    pub(crate) reasoning_effort: Option<String>,
    /// Who calls.
    pub(crate) title: Option<String>,
    fallbacks: Vec<String>,
    routing: Value,
    omit: Vec<String>,
}

/// The settings as the descriptor declares them.
pub(crate) fn specs() -> Vec<SettingSpec> {
    vec![
        SettingSpec::new(
            "require_parameters",
            "whether only providers that take all parameters are used: true, or false to let others ignore the schema",
        )
        .default_value("true"),
        SettingSpec::new("fallbacks", "models to use where the chosen one fails, best first, joined by commas"),
        SettingSpec::new(
            "allow_fallbacks",
            "whether other providers of the same model may step in: true or false; unset: true",
        ),
        SettingSpec::new(
            "data_collection",
            "deny: only providers that do not keep what they are sent; allow: all; unset: as the account has it",
        ),
        SettingSpec::new("zdr", "true: only providers that retain no data at all; unset: as the account has it"),
        SettingSpec::new("order", "providers to try first, in this order, joined by commas, such as `azure,deepinfra`"),
        SettingSpec::new("only", "the only providers to use, joined by commas"),
        SettingSpec::new("sort", "what providers are chosen by: price, throughput or latency; unset: a mix of them"),
        SettingSpec::new("title", "name of your application for OpenRouter's rankings; unset: none is sent"),
        shared::reasoning_effort_spec(),
        shared::omit_spec(),
        shared::check_model_spec(),
        repair::spec(),
    ]
}

impl Options {
    /// # Errors
    /// `invalid-request` where a value cannot be read.
    pub(crate) fn read(settings: &Settings) -> Result<Self, Fault> {
        repair::is_on(settings)?;
        Ok(Options {
            check_model: shared::check_model(settings)?,
            reasoning_effort: shared::reasoning_effort(settings)?,
            title: title(settings)?,
            fallbacks: shared::list(settings, "fallbacks"),
            routing: routing(settings)?,
            omit: shared::omit(settings)?,
        })
    }

    /// Whether the operator leaves this parameter out.
    pub(crate) fn omits(&self, name: &str) -> bool {
        self.omit.iter().any(|omitted| omitted == name)
    }

    /// The parameters of a request, less what no provider of the model takes.
    pub(crate) fn parameters(&self, settings: &Settings, records_max: u32, learned: &Learned) -> Parameters {
        let asked_to_reason = self.reasoning_effort.as_deref().is_some_and(|effort| effort != "none");
        let learned = Learned { reasons: learned.reasons || asked_to_reason, ..learned.clone() };
        let mut parameters = Parameters::of(settings, records_max, "max_tokens", &learned);
        self.omit.iter().for_each(|name| parameters.leave_out(name));
        if !self.fallbacks.is_empty() {
            let chosen = std::iter::once(&settings.model);
            parameters.more.push(("models", chosen.chain(&self.fallbacks).cloned().collect::<Vec<_>>().into()));
        }
        parameters.more.push(("provider", self.routing.clone()));
        if let Some(effort) = &self.reasoning_effort {
            parameters.more.push(("reasoning", json!({ "effort": effort })));
        }
        parameters
    }
}

/// The object `provider` of a request (openapi.yaml, `ProviderPreferences`), without what is not set. A provider that
/// does not take a parameter drops it in silence unless `require_parameters` rules that provider out: the schema
/// would then be a wish.
fn routing(settings: &Settings) -> Result<Value, Fault> {
    let mut routing = Map::new();
    let required: bool = settings.parse("require_parameters")?.unwrap_or(true);
    routing.insert("require_parameters".to_owned(), required.into());
    for name in ["allow_fallbacks", "zdr"] {
        if let Some(value) = settings.parse::<bool>(name)? {
            routing.insert(name.to_owned(), value.into());
        }
    }
    for (name, words) in [("data_collection", &["allow", "deny"][..]), ("sort", &SORTS)] {
        if let Some(value) = shared::one_of(settings, name, words)? {
            routing.insert(name.to_owned(), value.into());
        }
    }
    for name in ["order", "only"] {
        let providers = shared::list(settings, name);
        if !providers.is_empty() {
            routing.insert(name.to_owned(), providers.into());
        }
    }
    Ok(routing.into())
}

/// It goes into a header, where only visible ASCII is safe.
fn title(settings: &Settings) -> Result<Option<String>, Fault> {
    let Some(title) = settings.get("title").map(str::trim).filter(|title| !title.is_empty()) else {
        return Ok(None);
    };
    let is_plain = title.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if !is_plain || title.len() > TITLE_CHARS_MAX {
        return Err(Fault::bad_setting("title", title));
    }
    Ok(Some(title.to_owned()))
}
