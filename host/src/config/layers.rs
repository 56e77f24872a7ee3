use super::file::ConfigFile;
use super::value::{Given, Origin};
use super::{ConfigError, Environment, Flags, Key};
use std::path::Path;

/// The layers one over the other: flags, environment, file, defaults. Read once; what is asked of it is checked then.
#[derive(Clone, Debug)]
pub struct Layers {
    pub(super) flags: Flags,
    pub(super) environment: Environment,
    pub(super) file: ConfigFile,
}

impl Layers {
    /// Puts the layers together, and reads the configuration file: the one that the flags name, else `judge.toml`
    /// in `dir` if it is there.
    ///
    /// # Errors
    /// Where the named file cannot be read, or the file is not TOML, or has a key that nobody reads.
    pub fn read(flags: Flags, environment: Environment, dir: &Path) -> Result<Self, ConfigError> {
        let file = ConfigFile::find(flags.config.as_deref(), dir)?;
        Ok(Layers { flags, environment, file })
    }

    /// The value of a key from the highest layer that has one.
    pub(super) fn given(&self, key: Key) -> Option<Given> {
        let default = || key.spec().default.map(|text| Given::new(text, Origin::Default(key.spec().name)));
        self.flag(key).or_else(|| self.variable_of(key)).or_else(|| self.file.get(key).cloned()).or_else(default)
    }

    /// The value of a key from the command line.
    pub(super) fn flag(&self, key: Key) -> Option<Given> {
        self.flags.get(key).map(|text| Given::new(text, Origin::Flag(key.spec().flag.to_owned())))
    }

    /// The value of a key from its environment variable.
    pub(super) fn variable_of(&self, key: Key) -> Option<Given> {
        key.spec().variable.and_then(|name| self.variable(name))
    }

    /// The value of an environment variable.
    pub(super) fn variable(&self, name: &str) -> Option<Given> {
        self.environment.get(name).map(|text| Given::new(text, Origin::Environment(name.to_owned())))
    }
}
