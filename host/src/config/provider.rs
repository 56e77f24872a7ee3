use super::file::ProviderTable;
use super::value::{Given, Origin};
use super::vendor::Vendor;
use super::{ApiKey, ConfigError, Key, Layers};
use crate::model::{Descriptor, Settings};
use std::collections::BTreeMap;

/// A variable's name without an underscore is no longer than this, in bytes.
const WORD_BYTES_MAX: usize = 20;

/// What a run needs to know about its provider; every value checked.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// Base URL of its server; none for a provider that sends no request.
    pub endpoint: Option<String>,
    /// Whether the operator named the endpoint; else it is the provider's own default.
    pub endpoint_named: bool,
    /// Whether the key may go unencrypted to a server on another machine.
    pub allow_plain_http: bool,
    /// Its key; none where none is needed, or where none may go to this endpoint.
    pub api_key: Option<ApiKey>,
    /// The variable that the key comes from, or would come from if it were set.
    pub api_key_env: Option<String>,
    /// What it is told in every job, the model included.
    pub settings: Settings,
    /// What the operator should know, one sentence each; never with a key in it.
    pub notes: Vec<String>,
}

/// Which key goes along, and what there is to say about it.
#[derive(Default)]
struct Credential {
    key: Option<ApiKey>,
    variable: Option<String>,
    note: Option<String>,
}

impl Layers {
    /// What depends on the provider, now that its descriptor is there.
    ///
    /// # Errors
    /// The first value that cannot be used, with where it came from: an endpoint that is no URL, a key's variable that is
    /// not set, a setting that the provider does not have.
    pub fn for_provider(&self, descriptor: &Descriptor) -> Result<ProviderConfig, ConfigError> {
        let own = self.file.provider(&descriptor.id);
        let named = self.checked_endpoint(descriptor, own)?;
        let endpoint_named = named.is_some();
        let endpoint = named.or_else(|| descriptor.default_endpoint.clone());
        let in_file = own.and_then(|own| own.allow_plain_http.as_ref()).map(Given::boolean).transpose()?;
        let allow_plain_http = self.flags.allow_plain_http || in_file.unwrap_or(false);
        let credential = self.credential(descriptor, own, endpoint.as_deref())?;
        let mut notes: Vec<_> = credential.note.into_iter().collect();
        let mut model = self.model(descriptor, own)?;
        if descriptor.default_endpoint.is_none() {
            let id = &descriptor.id;
            match &endpoint {
                Some(_) => {
                    notes.push(format!("provider `{id}` says that it sends nothing: an endpoint is of no use to it"));
                }
                None if !model.is_empty() => {
                    notes.push(format!("provider `{id}` sends nothing: model `{model}` is not used"));
                    model.clear();
                }
                None => {}
            }
        }
        let settings = Settings { model, extra: self.extra_settings(descriptor, own)?, ..self.sampling()? };
        let (api_key, api_key_env) = (credential.key, credential.variable);
        Ok(ProviderConfig { endpoint, endpoint_named, allow_plain_http, api_key, api_key_env, settings, notes })
    }

    /// How to sample: the settings that mean the same to every provider.
    pub(super) fn sampling(&self) -> Result<Settings, ConfigError> {
        Ok(Settings {
            temperature: self.given(Key::Temperature).map(|given| given.number(0.0..=2.0)).transpose()?,
            max_output_tokens: self.given(Key::MaxOutputTokens).map(|given| given.whole(1..=u32::MAX)).transpose()?,
            seed: self.given(Key::Seed).map(|given| given.whole(0..=u64::MAX)).transpose()?,
            ..Settings::default()
        })
    }

    /// Base URL of a provider's server; none for one that sends no request.
    ///
    /// # Errors
    /// Where the operator named one that is no URL.
    pub fn endpoint_of(&self, descriptor: &Descriptor) -> Result<Option<String>, ConfigError> {
        let named = self.checked_endpoint(descriptor, self.file.provider(&descriptor.id))?;
        Ok(named.or_else(|| descriptor.default_endpoint.clone()))
    }

    fn checked_endpoint(
        &self,
        descriptor: &Descriptor,
        own: Option<&ProviderTable>,
    ) -> Result<Option<String>, ConfigError> {
        let given = self.named_endpoint(descriptor, own);
        given.map(|given| given.endpoint().map(|_| given.text.trim().to_owned())).transpose()
    }

    /// The endpoint that the operator named; none leaves it to the provider.
    pub(super) fn named_endpoint(&self, descriptor: &Descriptor, own: Option<&ProviderTable>) -> Option<Given> {
        let flag = self.flags.endpoint.as_ref().map(|text| Given::new(text, Origin::Flag("--endpoint".into())));
        flag.or_else(|| self.variable(&variable_name(&descriptor.id, "API_URL"))).or_else(|| own?.endpoint.clone())
    }

    /// The variable that the operator named for the key.
    pub(super) fn named_key(&self, own: Option<&ProviderTable>) -> Option<Given> {
        let flag = self.flags.api_key_env.as_ref().map(|name| Given::new(name, Origin::Flag("--api-key-env".into())));
        flag.or_else(|| own?.api_key_env.clone())
    }

    // A layer's general model belongs to the provider that the same layer names: `DEFAULT_MODEL=gpt-4o-mini` beside
    // `DEFAULT_LLM_PROVIDER=openai` says nothing about what `--provider ollama` should load.
    fn model(&self, descriptor: &Descriptor, own: Option<&ProviderTable>) -> Result<String, ConfigError> {
        let meant = |provider: Option<&str>| provider.is_none_or(|provider| provider == descriptor.id);
        let in_variable = meant(self.variable_of(Key::Provider).as_ref().map(|given| given.text.trim()));
        let in_file = meant(self.file.get(Key::Provider).map(|given| given.text.as_str()));
        let given = self
            .flag(Key::Model)
            .or_else(|| self.variable(&variable_name(&descriptor.id, "MODEL")))
            .or_else(|| self.variable_of(Key::Model).filter(|_| in_variable))
            .or_else(|| own?.model.clone())
            .or_else(|| self.file.get(Key::Model).cloned().filter(|_| in_file));
        match given {
            Some(given) => given.text().map(|text| text.trim().to_owned()),
            None => Ok(descriptor.default_model.clone().unwrap_or_default()),
        }
    }

    fn credential(
        &self,
        descriptor: &Descriptor,
        own: Option<&ProviderTable>,
        endpoint: Option<&str>,
    ) -> Result<Credential, ConfigError> {
        let Some(named) = self.named_key(own) else {
            return self.vendor_credential(descriptor, endpoint);
        };
        let variable = named.text()?.trim().to_owned();
        if !is_variable_name(&variable) {
            return Err(ConfigError::KeyInPlace { origin: named.origin });
        }
        if descriptor.auth.is_none() {
            return Err(ConfigError::NoKeyTaken { provider: descriptor.id.clone(), origin: named.origin });
        }
        match self.key_in(&variable)? {
            Some(key) => Ok(Credential { key: Some(key), variable: Some(variable), note: None }),
            None => Err(ConfigError::KeyUnset { origin: named.origin, variable }),
        }
    }

    fn vendor_credential(&self, descriptor: &Descriptor, endpoint: Option<&str>) -> Result<Credential, ConfigError> {
        let url = endpoint.and_then(|endpoint| url::Url::parse(endpoint).ok());
        let (Some(_), Some(vendor), Some(url)) = (&descriptor.auth, Vendor::of(&descriptor.id), url) else {
            return Ok(Credential::default());
        };
        let variable = vendor.variable;
        if !vendor.owns(&url) {
            let place = url.origin().ascii_serialization();
            let note = format!("{variable} is not sent to {place}; --api-key-env {variable} would send it there");
            let note = self.environment.get(variable).map(|_| note);
            return Ok(Credential { note, ..Credential::default() });
        }
        let key = self.key_in(variable)?;
        let note = key.is_none().then(|| format!("{variable} is not set: requests go out without a key"));
        Ok(Credential { key, variable: Some(variable.to_owned()), note })
    }

    fn key_in(&self, variable: &str) -> Result<Option<ApiKey>, ConfigError> {
        let unusable = || ConfigError::KeyUnusable { variable: variable.to_owned() };
        self.environment.get(variable).map(|text| ApiKey::new(text).ok_or_else(unusable)).transpose()
    }

    fn extra_settings(
        &self,
        descriptor: &Descriptor,
        own: Option<&ProviderTable>,
    ) -> Result<Vec<(String, String)>, ConfigError> {
        let mut all = own.map(|own| own.settings.clone()).unwrap_or_default();
        for text in &self.flags.settings {
            let origin = || Origin::Flag("--setting".into());
            let split = text.split_once('=').filter(|(name, _)| !name.trim().is_empty());
            let wrong = || Given::new(text, origin()).wrong("NAME=VALUE");
            let (name, value) = split.ok_or_else(wrong)?;
            all.insert(name.trim().to_owned(), Given::new(value, origin()));
        }
        let known = || descriptor.settings.iter().map(|setting| setting.name.as_str());
        let unknown = all.iter().find(|(name, _)| !known().any(|known| known == name.as_str()));
        if let Some((name, given)) = unknown {
            return Err(ConfigError::UnknownSetting {
                provider: descriptor.id.clone(),
                name: name.clone(),
                origin: given.origin.clone(),
                known: known().map(str::to_owned).collect(),
            });
        }
        // A map: in order of name, so that the same settings make the same request.
        let texts = |all: BTreeMap<String, Given>| all.into_iter().map(|(name, given)| (name, given.text));
        Ok(texts(all).collect())
    }
}

/// Whether a text can be the name of a variable. A key that was typed in its place mostly cannot, and is not shown; what
/// is long and has neither an underscore nor the look of a word is taken for one.
pub(super) fn is_variable_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = text.bytes().all(fits) && !text.starts_with(|first: char| first.is_ascii_digit());
    let is_word = text.contains('_') || text.len() <= WORD_BYTES_MAX;
    is_name && is_word
}

/// `my-judge` and `MODEL` make `MY_JUDGE_MODEL`.
fn variable_name(provider: &str, what: &str) -> String {
    format!("{}_{what}", provider.to_ascii_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests;
