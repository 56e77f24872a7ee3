use super::Key;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the command line gave, as text: checked together with the other layers, by the same rules.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// The flags of keys that other layers have too.
    pub values: BTreeMap<Key, String>,
    /// `--config`: the configuration file; none means `judge.toml` where the host is started, if it is there.
    pub config: Option<PathBuf>,
    /// `--endpoint`, as often as given, each with one or several base URLs of the provider's servers. This and the
    /// following mean the first provider of a chain.
    pub endpoints: Vec<String>,
    /// `--metrics`: where the provider's server shows its gauges.
    pub metrics: Option<String>,
    /// `--api-key-env`: the variable that holds the provider's key.
    pub api_key_env: Option<String>,
    /// `--allow-plain-http`: whether the key may go unencrypted to another machine.
    pub allow_plain_http: bool,
    /// `--setting NAME=VALUE`, as often as given; of one name the last counts.
    pub settings: Vec<String>,
    /// Whom these flags mean where none judges: the id of the provider that is shown.
    pub provider_shown: Option<String>,
}

impl Flags {
    /// Puts the flag of a key, where it was given.
    pub fn set(&mut self, key: Key, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.values.insert(key, value.into());
        }
    }

    /// The flag of a key, where it was given.
    pub fn get(&self, key: Key) -> Option<&str> {
        self.values.get(&key).map(String::as_str)
    }
}
