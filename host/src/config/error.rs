use super::Origin;
use std::path::PathBuf;

/// Why there is no configuration to run with. Says where the wrong value came from; `hint` says what to write.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value that cannot be used.
    #[error("wrong value from {origin}: `{value}`")]
    Value {
        /// Where it came from.
        origin: Origin,
        /// The value.
        value: String,
        /// What is expected instead.
        expected: String,
    },
    /// An endpoint with user name or password in it.
    #[error("user name or password in the endpoint from {origin}")]
    Password {
        /// Where it came from.
        origin: Origin,
    },
    /// The configuration file cannot be read.
    #[error("cannot read the configuration `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The configuration file is not TOML.
    #[error("`{}` is not valid TOML at line {line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A key that nobody reads.
    #[error("unknown key in `{}`: `{key}`", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key, with the tables it lies in.
        key: String,
        /// The known key that was probably meant.
        nearest: Option<&'static str>,
        /// All known keys at this place.
        known: Vec<&'static str>,
    },
    /// Prices of a model that are not all there.
    #[error("no price in `{}`: `{key}`", path.display())]
    MissingPrice {
        /// The file.
        path: PathBuf,
        /// The key, with the tables it lies in.
        key: String,
    },
    /// Unsure answers are to go on to the next provider, and there is none.
    #[error("fewer than two providers in `provider`, but {origin} escalates from one to the next")]
    NoEscalation {
        /// Who asked for it.
        origin: Origin,
    },
    /// The variable that was named for the key is not set.
    #[error("the key's variable, named by {origin}, is not set: `{variable}`")]
    KeyUnset {
        /// Who named it.
        origin: Origin,
        /// The variable.
        variable: String,
    },
    /// What should be the name of a variable cannot be one. It is not shown: it may be the key.
    #[error("no name of a variable in {origin}: a key goes into the environment, and its variable is named")]
    KeyInPlace {
        /// Who named it.
        origin: Origin,
    },
    /// The variable for the key holds what no header can carry.
    #[error("not a usable key in environment `{variable}`")]
    KeyUnusable {
        /// The variable.
        variable: String,
    },
    /// A key was named for a provider that takes none.
    #[error("provider `{provider}` takes no key, but {origin} names one")]
    NoKeyTaken {
        /// The provider.
        provider: String,
        /// Who named it.
        origin: Origin,
    },
    /// A setting that the provider does not understand.
    #[error("provider `{provider}` has no setting `{name}`, given by {origin}")]
    UnknownSetting {
        /// The provider.
        provider: String,
        /// The setting.
        name: String,
        /// Where it was given.
        origin: Origin,
        /// The settings that it has.
        known: Vec<String>,
    },
}

impl ConfigError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            ConfigError::Value { expected, .. } => format!("expected: {expected}"),
            ConfigError::Password { .. } => {
                "put the key into an environment variable, and name that with --api-key-env".to_owned()
            }
            ConfigError::Unreadable { path, .. } => {
                format!("make `{}` a readable file, or name another with --config", path.display())
            }
            ConfigError::Syntax { .. } => "examples/judge.toml shows every key".to_owned(),
            ConfigError::UnknownKey { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            ConfigError::UnknownKey { known, .. } => format!("known keys here: {}", known.join(", ")),
            ConfigError::MissingPrice { .. } => {
                "give US dollars for a million tokens, and 0 where they cost nothing".to_owned()
            }
            ConfigError::NoEscalation { .. } => {
                "name a second, such as `--provider ollama,openai:gpt-4o-mini`, or leave `escalate_below` away".to_owned()
            }
            ConfigError::KeyUnset { variable, .. } => {
                format!("export {variable}=…, or write it into .env, or name another variable with --api-key-env")
            }
            ConfigError::KeyInPlace { .. } => {
                "write `MY_KEY=…` into .env, and name it with --api-key-env MY_KEY; what was typed may be in the shell's \
                 history"
                    .to_owned()
            }
            ConfigError::KeyUnusable { variable } => {
                format!("a key is visible ASCII without spaces: look at {variable} for stray quotes or line breaks")
            }
            ConfigError::NoKeyTaken { .. } => "leave it away, or choose another provider with --provider".to_owned(),
            ConfigError::UnknownSetting { provider, known, .. } if known.is_empty() => {
                format!("`{provider}` has no settings of its own")
            }
            ConfigError::UnknownSetting { known, .. } => format!("it has: {}", known.join(", ")),
        };
        Some(text)
    }
}
