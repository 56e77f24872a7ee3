//! What the preparation learned of the model, for every task of the run.

use crate::options::Options;
use judge_provider::serde_json::{self, Value, json};

/// The families of gpt-oss (`server/routes.go`, shouldUseHarmony).
const LEVEL_FAMILIES: [&str; 2] = ["gptoss", "gpt-oss"];

/// What is known of the model; by default nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    /// Whether it can think; none where the server does not tell.
    pub(crate) thinks: Option<bool>,
    /// Whether it thinks at any rate, and only how much can be chosen.
    pub(crate) has_levels_only: bool,
    /// Whether the server hands the request on to Ollama's cloud.
    pub(crate) is_cloud: bool,
    /// The context that it was trained for, in tokens. The server cuts a larger `num_ctx` down to it (`llm/server.go`).
    pub(crate) context_max: Option<u64>,
}

impl Profile {
    /// From the answer to `POST /api/show`. Older servers have no `capabilities`.
    pub(crate) fn of_model(shown: &Value, is_cloud: bool) -> Self {
        let info = &shown["model_info"];
        let architecture = info["general.architecture"].as_str().unwrap_or_default();
        let family = shown["details"]["family"].as_str().unwrap_or_default();
        Profile {
            thinks: can(shown, "thinking"),
            has_levels_only: LEVEL_FAMILIES.contains(&family) || LEVEL_FAMILIES.contains(&architecture),
            is_cloud: is_cloud || shown["remote_host"].as_str().is_some_and(|host| !host.is_empty()),
            context_max: info[format!("{architecture}.context_length")].as_u64().filter(|tokens| *tokens > 0),
        }
    }

    pub(crate) fn written(&self) -> Value {
        json!({
            "thinks": self.thinks,
            "has_levels_only": self.has_levels_only,
            "is_cloud": self.is_cloud,
            "context_max": self.context_max,
        })
    }

    /// From what [`Profile::written`] wrote; nothing is known where nothing was.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let written: Value = serde_json::from_slice(bytes).unwrap_or_default();
        Profile {
            thinks: written["thinks"].as_bool(),
            has_levels_only: written["has_levels_only"] == true,
            is_cloud: written["is_cloud"] == true,
            context_max: written["context_max"].as_u64(),
        }
    }

    /// What goes out as `think`. Without it a model that can think does (`server/routes.go`, ChatHandler), and one that
    /// cannot needs none.
    pub(crate) fn think(&self, options: &Options) -> Option<Value> {
        match self.thinks {
            Some(false) => None,
            _ if self.has_levels_only && !options.wants_thoughts() => Some("low".into()),
            _ => Some(options.think.clone()),
        }
    }
}

/// Whether a model has a capability; none where the server lists none.
pub(crate) fn can(shown: &Value, capability: &str) -> Option<bool> {
    let list = shown["capabilities"].as_array().filter(|list| !list.is_empty())?;
    Some(list.iter().any(|known| known == capability))
}
