//! The documentation that is data: `env.example` and `examples/judge.toml` name every key, and only keys that are read.

use super::file::{ConfigFile, PROVIDER_DEFAULT, PROVIDER_KEYS};
use super::prices::{PRICE_KEYS, PRICES};
use super::{Environment, Flags, Key, Layers, SPECS};
use std::collections::BTreeSet;
use std::path::Path;

const ENV_EXAMPLE: &str = include_str!("../../../env.example");
const JUDGE_TOML: &str = include_str!("../../../examples/judge.toml");

/// The providers whose variables are documented.
const PROVIDERS: [&str; 5] = ["OLLAMA", "TRITON", "OPENAI", "OPENROUTER", "ANTHROPIC"];

/// The text with its settings switched on: `#` without a space before a setting switches it off, `# ` is prose.
fn switched_on(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with([' ', '#']) => setting,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn both_files_change_nothing_as_they_stand() {
    let file = ConfigFile::parse(JUDGE_TOML, Path::new("judge.toml"), Path::new("")).expect("a good file");
    assert!(SPECS.iter().all(|spec| file.get(spec.key).is_none()));
    assert_eq!(dotenvy::from_read_iter(ENV_EXAMPLE.as_bytes()).count(), 0);
}

#[test]
fn every_key_of_the_file_is_documented_with_its_default() {
    let text = switched_on(JUDGE_TOML);
    let file = ConfigFile::parse(&text, Path::new("judge.toml"), Path::new("")).expect("a good file");
    for spec in &SPECS {
        let documented = file.get(spec.key).unwrap_or_else(|| panic!("`{}` is not documented", spec.name));
        if let Some(default) = spec.default {
            assert_eq!(documented.text, default, "{}", spec.name);
        }
    }
    let table = text.parse::<toml::Table>().expect("a good file");
    let providers = table["provider"].as_table().expect("the table of providers");
    assert!(providers.contains_key(PROVIDER_DEFAULT));
    let documented = providers.values().filter_map(toml::Value::as_table).flat_map(toml::Table::keys);
    let documented = documented.map(String::as_str).collect::<BTreeSet<_>>();
    assert_eq!(documented, PROVIDER_KEYS.into_iter().collect::<BTreeSet<_>>());
    let prices = table[PRICES].as_table().expect("the table of prices");
    let documented = prices.values().filter_map(toml::Value::as_table).flat_map(toml::Table::keys);
    let documented = documented.map(String::as_str).collect::<BTreeSet<_>>();
    assert_eq!(documented, PRICE_KEYS.into_iter().collect::<BTreeSet<_>>());
}

#[test]
fn what_the_file_shows_can_be_used() {
    let dir = tempfile::tempdir().expect("a folder for the test");
    std::fs::write(dir.path().join("judge.toml"), switched_on(JUDGE_TOML)).expect("the file is written");
    let layers = Layers::read(Flags::default(), Environment::default(), dir.path()).expect("a good file");
    layers.run().expect("good values");
}

#[test]
fn every_variable_is_documented_and_none_that_nobody_reads() {
    let text = switched_on(ENV_EXAMPLE);
    let documented = dotenvy::from_read_iter(text.as_bytes()).map(|entry| entry.expect("a good line").0);
    let mut known = SPECS.iter().filter_map(|spec| spec.variable).map(str::to_owned).collect::<BTreeSet<_>>();
    known.extend(PROVIDERS.iter().flat_map(|id| [format!("{id}_MODEL"), format!("{id}_API_URL")]));
    known.extend(["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"].map(str::to_owned));
    known.extend(["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY"].map(str::to_owned));
    assert_eq!(documented.collect::<BTreeSet<_>>(), known);
}

#[test]
fn defaults_in_the_environment_are_the_real_ones() {
    let parallel = Key::Parallel.spec();
    let line = format!("#{}={}", parallel.variable.expect("it has one"), parallel.default.expect("it has one"));
    assert!(ENV_EXAMPLE.lines().any(|each| each == line), "{line}");
}
