use super::file::ProviderTable;
use super::value::{Given, Origin};
use super::vendor::Vendor;
use super::{ApiKey, ConfigError, Key, Layers};
use crate::model::{Descriptor, Settings};
use std::collections::BTreeMap;
use url::Url;

/// A variable's name without an underscore is no longer than this, in bytes.
const WORD_BYTES_MAX: usize = 20;

/// What a run needs to know about its provider; every value checked.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// Base URLs of its servers, each another; none for a provider that sends no request.
    pub endpoints: Vec<String>,
    /// Where its server shows its gauges, as Prometheus text; none where nobody said it.
    pub metrics: Option<String>,
    /// Whether the operator named the endpoints; else the one is the provider's own default.
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

impl ProviderConfig {
    /// Base URL of the first of its servers.
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoints.first().map(String::as_str)
    }
}

impl Layers {
    /// What depends on the provider, now that its descriptor is there. `model` is the one that the chain names it with.
    ///
    /// # Errors
    /// The first value that cannot be used, with where it came from: an endpoint that is no URL, a key's variable that is
    /// not set, a setting that the provider does not have.
    pub fn for_provider(&self, descriptor: &Descriptor, model: Option<&str>) -> Result<ProviderConfig, ConfigError> {
        let own = self.file.provider(&descriptor.id);
        let endpoint_named = self.named_endpoints(descriptor, own).is_some();
        let endpoints = self.endpoints_of(descriptor)?;
        let metrics = self.metrics(descriptor, own)?;
        let in_file = own.and_then(|own| own.allow_plain_http.as_ref()).map(Given::boolean).transpose()?;
        let by_flag = self.flags.allow_plain_http && self.flags_mean(&descriptor.id);
        let allow_plain_http = by_flag || in_file.unwrap_or(false);
        let credential = self.credential(descriptor, own, &endpoints)?;
        let mut notes: Vec<_> = credential.note.into_iter().collect();
        let mut model = self.model(descriptor, own, model)?;
        if descriptor.default_endpoint.is_none() {
            let id = &descriptor.id;
            match endpoints.first() {
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
        Ok(ProviderConfig {
            endpoints,
            metrics,
            endpoint_named,
            allow_plain_http,
            api_key,
            api_key_env,
            settings,
            notes,
        })
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

    /// The variable that the operator named for the key.
    pub(super) fn named_key(&self, descriptor: &Descriptor, own: Option<&ProviderTable>) -> Option<Given> {
        let flag = self.flags.api_key_env.as_ref().filter(|_| self.flags_mean(&descriptor.id));
        let flag = flag.map(|name| Given::new(name, Origin::Flag("--api-key-env".into())));
        flag.or_else(|| own?.api_key_env.clone())
    }

    fn model(
        &self,
        descriptor: &Descriptor,
        own: Option<&ProviderTable>,
        in_chain: Option<&str>,
    ) -> Result<String, ConfigError> {
        if let Some(model) = in_chain {
            return Ok(model.to_owned());
        }
        let id = &descriptor.id;
        let by_flag = Self::general_model_means(self.given(Key::Provider).as_ref(), id);
        let by_variable = Self::general_model_means(self.variable_of(Key::Provider).as_ref(), id);
        let by_file = Self::general_model_means(self.file.get(Key::Provider), id);
        let given = self
            .flag(Key::Model)
            .filter(|_| by_flag)
            .or_else(|| self.variable(&variable_name(id, "MODEL")))
            .or_else(|| self.variable_of(Key::Model).filter(|_| by_variable))
            .or_else(|| own?.model.clone())
            .or_else(|| self.file.get(Key::Model).cloned().filter(|_| by_file));
        match given {
            Some(given) => given.text().map(|text| text.trim().to_owned()),
            None => Ok(descriptor.default_model.clone().unwrap_or_default()),
        }
    }

    fn credential(
        &self,
        descriptor: &Descriptor,
        own: Option<&ProviderTable>,
        endpoints: &[String],
    ) -> Result<Credential, ConfigError> {
        let Some(named) = self.named_key(descriptor, own) else {
            return self.vendor_credential(descriptor, endpoints);
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

    // One key goes to all of a provider's servers, so a single one that is not the vendor's own holds it back.
    fn vendor_credential(&self, descriptor: &Descriptor, endpoints: &[String]) -> Result<Credential, ConfigError> {
        let urls: Vec<_> = endpoints.iter().filter_map(|endpoint| Url::parse(endpoint).ok()).collect();
        let (Some(_), Some(vendor), false) = (&descriptor.auth, Vendor::of(&descriptor.id), urls.is_empty()) else {
            return Ok(Credential::default());
        };
        let variable = vendor.variable;
        if let Some(other) = urls.iter().find(|url| !vendor.owns(url)) {
            let place = other.origin().ascii_serialization();
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
        let by_flag = Some(&self.flags.settings).filter(|_| self.flags_mean(&descriptor.id));
        for text in by_flag.into_iter().flatten() {
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
pub(super) fn variable_name(provider: &str, what: &str) -> String {
    format!("{}_{what}", provider.to_ascii_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests;
