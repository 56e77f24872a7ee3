use super::nearest::nearest;
use super::prices::{self, PriceTable};
use super::value::{Given, Origin};
use super::{ConfigError, Key, SPECS};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// What is looked for where the host is started.
pub(super) const FILE_NAME: &str = "judge.toml";
/// The keys of a `[provider.ID]` table.
pub(super) const PROVIDER_KEYS: [&str; 7] =
    ["endpoint", "endpoints", "metrics", "model", "api_key_env", "allow_plain_http", "settings"];
/// The key of the `[provider]` table that names the one that judges.
pub(super) const PROVIDER_DEFAULT: &str = "default";

/// A configuration file, read and known to have no key that nobody reads. Values are checked later, with the other
/// layers; paths are already relative to where the host runs.
#[derive(Clone, Debug, Default)]
pub(super) struct ConfigFile {
    values: BTreeMap<Key, Given>,
    providers: BTreeMap<String, ProviderTable>,
    prices: BTreeMap<String, PriceTable>,
}

/// One `[provider.ID]` table.
#[derive(Clone, Debug, Default)]
pub(super) struct ProviderTable {
    /// One or several, with commas between.
    pub(super) endpoints: Option<Given>,
    pub(super) metrics: Option<Given>,
    pub(super) model: Option<Given>,
    pub(super) api_key_env: Option<Given>,
    pub(super) allow_plain_http: Option<Given>,
    pub(super) settings: BTreeMap<String, Given>,
}

impl ConfigFile {
    /// Reads the file that was named, else judge.toml in `dir` if it is there.
    pub(super) fn find(named: Option<&Path>, dir: &Path) -> Result<Self, ConfigError> {
        let path = named.map_or_else(|| dir.join(FILE_NAME), Path::to_path_buf);
        match std::fs::read_to_string(&path) {
            Ok(text) if named.is_some() => Self::parse(&text, &path, path.parent().unwrap_or(Path::new(""))),
            // Its short name says enough in errors.
            Ok(text) => Self::parse(&text, Path::new(FILE_NAME), dir),
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(ConfigError::Unreadable { path, source }),
        }
    }

    /// Reads a file's text. `path` is its name in errors, `base` what its relative paths are relative to.
    pub(super) fn parse(text: &str, path: &Path, base: &Path) -> Result<Self, ConfigError> {
        let table = text.parse::<Table>().map_err(|error| syntax_error(text, path, &error))?;
        let mut file = ConfigFile::default();
        for (name, value) in table {
            match (name.as_str(), value) {
                ("provider", Value::Table(table)) => file.read_providers(table, path)?,
                (prices::PRICES, value) => file.prices = prices::read(value, path)?,
                (_, value) => {
                    let spec = SPECS.iter().find(|spec| spec.name == name);
                    let spec = spec.ok_or_else(|| unknown_key(path, &name, &name, &known_keys()))?;
                    let mut given = match value {
                        Value::Array(list) if matches!(spec.key, Key::TrustedKeys | Key::Provider) => {
                            texts(&list, path, name)?
                        }
                        value => scalar(value, path, name)?,
                    };
                    if spec.is_path && given.text != "-" {
                        given.text = base.join(&given.text).display().to_string();
                    }
                    file.values.insert(spec.key, given);
                }
            }
        }
        Ok(file)
    }

    /// The value of a key.
    pub(super) fn get(&self, key: Key) -> Option<&Given> {
        self.values.get(&key)
    }

    /// The table of a provider.
    pub(super) fn provider(&self, id: &str) -> Option<&ProviderTable> {
        self.providers.get(id)
    }

    /// The tables of prices, by model.
    pub(super) fn prices(&self) -> &BTreeMap<String, PriceTable> {
        &self.prices
    }

    fn read_providers(&mut self, table: Table, path: &Path) -> Result<(), ConfigError> {
        for (id, value) in table {
            let place = format!("provider.{id}");
            match value {
                Value::Table(table) => {
                    let table = ProviderTable::read(table, path, &place)?;
                    self.providers.insert(id, table);
                }
                value if id == PROVIDER_DEFAULT => {
                    let given = match value {
                        Value::Array(list) => texts(&list, path, place)?,
                        value => scalar(value, path, place)?,
                    };
                    self.values.insert(Key::Provider, given);
                }
                _ => return Err(unknown_key(path, &place, &id, &[PROVIDER_DEFAULT])),
            }
        }
        Ok(())
    }
}

impl ProviderTable {
    fn read(table: Table, path: &Path, place: &str) -> Result<Self, ConfigError> {
        let mut read = ProviderTable::default();
        for (name, value) in table {
            let key = format!("{place}.{name}");
            match (name.as_str(), value) {
                ("endpoint" | "endpoints", value) => {
                    let given = match value {
                        Value::Array(list) if name == "endpoints" => texts(&list, path, key)?,
                        value => scalar(value, path, key)?,
                    };
                    if read.endpoints.is_some() {
                        return Err(given.wrong("`endpoint` or `endpoints`, not both"));
                    }
                    read.endpoints = Some(given);
                }
                ("metrics", value) => read.metrics = Some(scalar(value, path, key)?),
                ("model", value) => read.model = Some(scalar(value, path, key)?),
                ("api_key_env", value) => read.api_key_env = Some(scalar(value, path, key)?),
                ("allow_plain_http", value) => read.allow_plain_http = Some(scalar(value, path, key)?),
                ("settings", Value::Table(settings)) => {
                    for (name, value) in settings {
                        let key = format!("{key}.{name}");
                        read.settings.insert(name, scalar(value, path, key)?);
                    }
                }
                ("settings", value) => {
                    let given = Given::new(value.to_string(), Origin::File { path: path.into(), key });
                    return Err(given.wrong("a table, such as `settings = { keep_alive = \"10m\" }`"));
                }
                _ => return Err(unknown_key(path, &key, &name, &PROVIDER_KEYS)),
            }
        }
        Ok(read)
    }
}

fn known_keys() -> Vec<&'static str> {
    SPECS.iter().map(|spec| spec.name).chain([prices::PRICES]).collect()
}

pub(super) fn unknown_key(path: &Path, key: &str, name: &str, known: &[&'static str]) -> ConfigError {
    ConfigError::UnknownKey {
        path: path.into(),
        key: key.into(),
        nearest: nearest(name, known.iter().copied()),
        known: known.into(),
    }
}

pub(super) fn scalar(value: Value, path: &Path, key: String) -> Result<Given, ConfigError> {
    let origin = Origin::File { path: path.into(), key };
    match value {
        Value::String(text) => Ok(Given::new(text, origin)),
        Value::Integer(number) => Ok(Given::new(number.to_string(), origin)),
        Value::Float(number) => Ok(Given::new(number.to_string(), origin)),
        Value::Boolean(choice) => Ok(Given::new(choice.to_string(), origin)),
        other => Err(Given::new(other.to_string(), origin).wrong("one text, number, true or false")),
    }
}

/// A list of texts, as the flag has it: with commas between.
fn texts(list: &[Value], path: &Path, key: String) -> Result<Given, ConfigError> {
    let all: Option<Vec<_>> = list.iter().map(Value::as_str).collect();
    let origin = Origin::File { path: path.into(), key };
    match all {
        Some(all) => Ok(Given::new(all.join(","), origin)),
        None => Err(Given::new(Value::from(list.to_vec()).to_string(), origin).wrong("a list of texts")),
    }
}

/// Without the parser's excerpt: the line may hold what nobody should see in a log.
fn syntax_error(text: &str, path: &Path, error: &toml::de::Error) -> ConfigError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    ConfigError::Syntax { path: PathBuf::from(path), line, message: error.message().replace('\n', "; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ConfigFile, ConfigError> {
        ConfigFile::parse(text, Path::new(FILE_NAME), Path::new("conf"))
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let file =
            parse("registry = \"a.db\"\nout = \"-\"\nclusters = \"/abs/c.csv\"\nmodel = \"m\"").expect("a good file");
        let text = |key| file.get(key).map(|given| given.text.as_str());
        assert_eq!(text(Key::Registry), Some("conf/a.db"));
        assert_eq!(text(Key::Clusters), Some("/abs/c.csv"));
        assert_eq!(text(Key::Out), Some("-"), "stdout is no path");
        assert_eq!(text(Key::Model), Some("m"));
    }

    #[test]
    fn the_provider_is_named_alone_or_in_its_table() {
        let alone = parse("provider = \"ollama\"").expect("a good file");
        assert_eq!(alone.get(Key::Provider).map(|given| given.text.as_str()), Some("ollama"));
        let beside =
            parse("[provider]\ndefault = \"ollama\"\n[provider.ollama]\nmodel = \"q\"\nsettings = { num_ctx = 8192 }")
                .expect("a good file");
        assert_eq!(beside.get(Key::Provider).map(|given| given.text.as_str()), Some("ollama"));
        let table = beside.provider("ollama").expect("its table");
        assert_eq!(table.model.as_ref().map(|given| given.text.as_str()), Some("q"));
        assert_eq!(table.settings["num_ctx"].text, "8192");
    }

    #[test]
    fn wrong_files_are_told_by_key_or_line() {
        for (text, error, hint) in [
            ("paralel = 5", "unknown key in `judge.toml`: `paralel`", "did you mean `parallel`?"),
            (
                "[provider.openai]\napi_key = \"x\"",
                "unknown key in `judge.toml`: `provider.openai.api_key`",
                "known keys here: endpoint, endpoints, metrics, model, api_key_env, allow_plain_http, settings",
            ),
            ("[provider]\nuse = \"x\"", "unknown key in `judge.toml`: `provider.use`", "known keys here: default"),
            (
                "parallel = [1, 2]",
                "wrong value from `judge.toml: parallel`: `[1, 2]`",
                "expected: one text, number, true or false",
            ),
            (
                "[provider.a]\nendpoint = \"http://a\"\nendpoints = [\"http://b\"]",
                "wrong value from `judge.toml: provider.a.endpoints`: `http://b`",
                "expected: `endpoint` or `endpoints`, not both",
            ),
            (
                "[provider.a]\nendpoints = [1]",
                "wrong value from `judge.toml: provider.a.endpoints`: `[1]`",
                "expected: a list of texts",
            ),
            (
                "[provider.a]\nendpoint = [\"http://a\"]",
                "wrong value from `judge.toml: provider.a.endpoint`: `[\"http://a\"]`",
                "expected: one text, number, true or false",
            ),
            (
                "[provider.a]\nsettings = 5",
                "wrong value from `judge.toml: provider.a.settings`: `5`",
                "expected: a table",
            ),
            ("\n\nparallel = = 5", "`judge.toml` is not valid TOML at line 3: ", "examples/judge.toml shows every key"),
        ] {
            let told = parse(text).expect_err(text);
            assert!(told.to_string().starts_with(error), "{told}");
            assert!(told.hint().expect("a hint").starts_with(hint), "{:?}", told.hint());
        }
    }

    #[test]
    fn a_named_file_must_be_there_and_the_usual_one_need_not() {
        let dir = tempfile::tempdir().expect("a folder for the test");
        assert!(ConfigFile::find(None, dir.path()).is_ok());
        let missing = dir.path().join("mine.toml");
        assert!(matches!(ConfigFile::find(Some(&missing), dir.path()), Err(ConfigError::Unreadable { .. })));
        std::fs::write(dir.path().join(FILE_NAME), "parallel = 7").expect("the file is written");
        let found = ConfigFile::find(None, dir.path()).expect("a good file");
        assert_eq!(found.get(Key::Parallel).map(|given| given.text.as_str()), Some("7"));
    }
}
