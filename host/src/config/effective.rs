use super::provider::is_variable_name;
use super::value::Origin;
use super::vendor::Vendor;
use super::{ConfigError, Layers};
use crate::model::Descriptor;
use url::Url;

/// Where a provider's requests would go, and what would go along. For showing: a key's variable that is not set is no
/// error here, and its value is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// Base URLs of its servers; none for a provider that sends no request.
    pub endpoints: Vec<String>,
    /// Who named them; none means the provider's own default.
    pub endpoint_from: Option<Origin>,
    /// What key goes along.
    pub key: EffectiveKey,
}

/// What key goes along with a provider's requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EffectiveKey {
    /// None: the provider has no place for one, or sends nothing.
    NoSlot,
    /// None: nobody named a variable, and the vendor's own is not for this server.
    Unnamed {
        /// The vendor's variable.
        withheld: Option<&'static str>,
    },
    /// The one in this variable.
    In {
        /// The variable.
        variable: String,
        /// Who named it; none means that everybody knows it as the vendor's.
        from: Option<Origin>,
        /// Whether it is set.
        is_set: bool,
    },
}

impl Layers {
    /// What a run with this provider would be given, as far as it concerns others than the provider itself.
    ///
    /// # Errors
    /// Where the endpoint that was named is none.
    pub fn effective(&self, descriptor: &Descriptor) -> Result<Effective, ConfigError> {
        let own = self.file.provider(&descriptor.id);
        let named = self.named_endpoints(descriptor, own);
        let endpoints = self.endpoints_of(descriptor)?;
        let urls: Vec<_> = endpoints.iter().filter_map(|endpoint| Url::parse(endpoint).ok()).collect();
        let key = match (self.named_key(descriptor, own), &descriptor.auth, urls.as_slice()) {
            (_, None, _) | (_, _, []) => EffectiveKey::NoSlot,
            (Some(named), Some(_), _) => {
                let variable = named.text()?.trim().to_owned();
                // What is no name of a variable may be the key itself.
                if !is_variable_name(&variable) {
                    return Err(ConfigError::KeyInPlace { origin: named.origin });
                }
                let is_set = self.environment.get(&variable).is_some();
                EffectiveKey::In { variable, from: Some(named.origin), is_set }
            }
            (None, Some(_), urls) => self.vendor_key(descriptor, urls),
        };
        Ok(Effective { endpoints, endpoint_from: named.map(|given| given.origin), key })
    }

    fn vendor_key(&self, descriptor: &Descriptor, urls: &[Url]) -> EffectiveKey {
        match Vendor::of(&descriptor.id) {
            Some(vendor) if urls.iter().all(|url| vendor.owns(url)) => {
                let is_set = self.environment.get(vendor.variable).is_some();
                EffectiveKey::In { variable: vendor.variable.to_owned(), from: None, is_set }
            }
            vendor => EffectiveKey::Unnamed { withheld: vendor.map(|vendor| vendor.variable) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Flags};
    use crate::model::AuthSlot;

    const OPENAI: &str = "https://api.openai.com/v1";

    fn effective(environment: Environment, file: &str, flags: Flags) -> Effective {
        let dir = tempfile::tempdir().expect("a folder for the test");
        std::fs::write(dir.path().join("judge.toml"), file).expect("the file is written");
        let descriptor = Descriptor {
            id: "openai".to_owned(),
            default_endpoint: Some(OPENAI.to_owned()),
            auth: Some(AuthSlot { header: "authorization".to_owned(), prefix: "Bearer ".to_owned() }),
            ..Descriptor::default()
        };
        let layers = Layers::read(flags, environment, dir.path()).expect("a good file");
        layers.effective(&descriptor).expect("a good endpoint")
    }

    #[test]
    fn says_who_named_the_endpoint_and_the_key() {
        let none = Environment::default;
        let own = effective(none(), "", Flags::default());
        assert_eq!((own.endpoints, own.endpoint_from), (vec![OPENAI.to_owned()], None));
        let key = EffectiveKey::In { variable: "OPENAI_API_KEY".to_owned(), from: None, is_set: false };
        assert_eq!(own.key, key, "a variable that is not set is no error");

        let url = Environment::from([("OPENAI_API_URL", "http://gpu:8000"), ("OPENAI_API_KEY", "sk-secret")]);
        let other = effective(url, "", Flags::default());
        assert_eq!(other.endpoint_from, Some(Origin::Environment("OPENAI_API_URL".to_owned())));
        assert_eq!(other.key, EffectiveKey::Unnamed { withheld: Some("OPENAI_API_KEY") });
        assert!(!format!("{other:?}").contains("secret"));

        let flags = Flags { endpoints: vec!["http://h".to_owned()], ..Flags::default() };
        let named = effective(Environment::from([("K", "sk")]), "[provider.openai]\napi_key_env = \"K\"", flags);
        assert_eq!(named.endpoint_from, Some(Origin::Flag("--endpoint".to_owned())));
        let EffectiveKey::In { variable, from: Some(from), is_set: true } = named.key else { panic!("{named:?}") };
        assert_eq!((variable.as_str(), from.to_string().as_str()), ("K", "`judge.toml: provider.openai.api_key_env`"));
    }

    #[test]
    fn a_key_in_place_of_its_variable_is_not_shown() {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let flags = Flags { api_key_env: Some("sk-live-1234".to_owned()), ..Flags::default() };
        let layers = Layers::read(flags, Environment::default(), dir.path()).expect("no file");
        let descriptor = Descriptor {
            id: "openai".to_owned(),
            default_endpoint: Some(OPENAI.to_owned()),
            auth: Some(AuthSlot { header: "authorization".to_owned(), prefix: "Bearer ".to_owned() }),
            ..Descriptor::default()
        };
        let told = layers.effective(&descriptor).expect_err("it is no name");
        assert!(matches!(told, ConfigError::KeyInPlace { .. }) && !told.to_string().contains("1234"), "{told}");
    }

    #[test]
    fn a_provider_without_a_slot_has_no_key() {
        let layers = Layers::read(Flags::default(), Environment::default(), std::path::Path::new("/nowhere"));
        let effective = layers.expect("no file").effective(&Descriptor::default()).expect("no endpoint");
        assert_eq!(effective, Effective { endpoints: Vec::new(), endpoint_from: None, key: EffectiveKey::NoSlot });
    }
}
