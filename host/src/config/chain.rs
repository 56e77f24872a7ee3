use super::value::Given;
use super::{ConfigError, Key, Layers};

/// Most providers in a chain; a cascade of more than a few saves nothing.
const LINKS_MAX: usize = 16;

/// One of the providers that judge, in the order in which they are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainLink {
    /// The provider's id.
    pub id: String,
    /// The model that it was named with; none leaves it to `model`, the provider's own keys, and its default.
    pub model: Option<String>,
}

impl Given {
    /// Ids of providers with commas between, each with or without a model after the first colon.
    pub(super) fn chain(&self) -> Result<Vec<ChainLink>, ConfigError> {
        let links = self.text.split(',').map(link).collect::<Option<Vec<_>>>();
        let links = links.filter(|links| links.len() <= LINKS_MAX).ok_or_else(|| {
            self.wrong(format!(
                "up to {LINKS_MAX} ids of providers with commas between, each with or without a model: \
                 `ollama,openai:gpt-4o-mini`"
            ))
        })?;
        let twice = links.iter().enumerate().any(|(index, link)| links[..index].contains(link));
        if twice { Err(self.wrong("each provider once, or with another model each time")) } else { Ok(links) }
    }
}

fn link(text: &str) -> Option<ChainLink> {
    let (id, model) = match text.split_once(':') {
        Some((id, model)) => (id, Some(model.trim().to_owned())),
        None => (text, None),
    };
    let id = id.trim().to_owned();
    let is_whole = !id.is_empty() && model.as_ref().is_none_or(|model| !model.is_empty());
    is_whole.then_some(ChainLink { id, model })
}

/// Whom a general `model` beside this chain means: the first that names none of its own.
fn without_model(chain: &[ChainLink]) -> Option<&ChainLink> {
    chain.iter().find(|link| link.model.is_none())
}

impl Layers {
    /// The providers that judge, in the order in which they are asked; none where nobody named one.
    pub(super) fn chain(&self) -> Result<Vec<ChainLink>, ConfigError> {
        let chain = self.given(Key::Provider).map_or(Ok(Vec::new()), |given| given.chain())?;
        match self.flag(Key::Model) {
            Some(model) if !chain.is_empty() && without_model(&chain).is_none() => {
                Err(model.wrong("none: every provider in `provider` is named with its own model"))
            }
            _ => Ok(chain),
        }
    }

    /// Whether the flags that concern one provider mean this one: `--endpoint`, `--api-key-env` and what else would be
    /// wrong for the other providers of a chain.
    pub(super) fn flags_mean(&self, id: &str) -> bool {
        let first = || self.given(Key::Provider)?.chain().ok()?.into_iter().next();
        match &self.flags.provider_shown {
            Some(shown) => shown == id,
            None => first().is_none_or(|link| link.id == id),
        }
    }

    /// Whether the layer that names this chain, if any, means this provider by a general model. `DEFAULT_MODEL=gpt-4o-mini`
    /// beside `DEFAULT_LLM_PROVIDER=openai` says nothing about what `--provider ollama` should load.
    pub(super) fn general_model_means(chain: Option<&Given>, id: &str) -> bool {
        let Some(chain) = chain else { return true };
        chain.chain().is_ok_and(|chain| without_model(&chain).is_some_and(|link| link.id == id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    fn chain(text: &str) -> Result<Vec<(String, Option<String>)>, ConfigError> {
        let links = Given::new(text, Origin::Flag("--provider".into())).chain()?;
        Ok(links.into_iter().map(|link| (link.id, link.model)).collect())
    }

    #[test]
    fn a_chain_is_ids_with_or_without_models() {
        for (text, expected) in [
            ("ollama", &[("ollama", None)][..]),
            (" ollama , openai ", &[("ollama", None), ("openai", None)]),
            ("ollama:qwen3:8b,openai", &[("ollama", Some("qwen3:8b")), ("openai", None)]),
            ("openai:small,openai:large", &[("openai", Some("small")), ("openai", Some("large"))]),
            ("openai,openai:large", &[("openai", None), ("openai", Some("large"))]),
            ("openrouter:openai/gpt-4o-mini:free", &[("openrouter", Some("openai/gpt-4o-mini:free"))]),
        ] {
            let expected: Vec<_> =
                expected.iter().map(|(id, model)| ((*id).to_owned(), model.map(str::to_owned))).collect();
            assert_eq!(chain(text).expect(text), expected);
        }
    }

    #[test]
    fn what_is_no_chain_is_told_with_an_example() {
        let long = (0..=LINKS_MAX).map(|index| format!("p{index}")).collect::<Vec<_>>().join(",");
        for (text, hint) in [
            ("", "expected: up to 16 ids"),
            ("ollama,", "expected: up to 16 ids"),
            ("ollama:", "expected: up to 16 ids"),
            (":gpt", "expected: up to 16 ids"),
            (&long, "expected: up to 16 ids"),
            ("ollama,openai,ollama", "expected: each provider once"),
            ("openai:a, openai:a", "expected: each provider once"),
        ] {
            let told = chain(text).expect_err(text);
            assert!(told.hint().expect("a hint").starts_with(hint), "{text}: {:?}", told.hint());
        }
    }
}
