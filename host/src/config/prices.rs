use super::file::{scalar, unknown_key};
use super::value::{Given, Origin};
use super::{ConfigError, Layers};
use crate::model::Prices;
use std::collections::BTreeMap;
use std::path::Path;
use toml::{Table, Value};

/// The table of the file that holds a table for each model.
pub(super) const PRICES: &str = "prices";
/// The keys of a `[prices."MODEL"]` table.
pub(super) const PRICE_KEYS: [&str; 3] = ["input", "cached_input", "output"];

/// One `[prices."MODEL"]` table.
#[derive(Clone, Debug)]
pub(super) struct PriceTable {
    input: Given,
    cached_input: Option<Given>,
    output: Given,
}

/// Reads the `[prices]` table of a file, by model.
pub(super) fn read(value: Value, path: &Path) -> Result<BTreeMap<String, PriceTable>, ConfigError> {
    let models = match value {
        Value::Table(models) => models,
        other => {
            let given = Given::new(other.to_string(), Origin::File { path: path.into(), key: PRICES.to_owned() });
            return Err(given.wrong("a table for each model, such as `[prices.\"gpt-4o-mini\"]`"));
        }
    };
    let table = |(model, value): (String, Value)| PriceTable::read(&model, value, path).map(|table| (model, table));
    models.into_iter().map(table).collect()
}

impl PriceTable {
    fn read(model: &str, value: Value, path: &Path) -> Result<Self, ConfigError> {
        let place = format!("{PRICES}.\"{model}\"");
        let origin = |key: &str| Origin::File { path: path.into(), key: key.to_owned() };
        let Value::Table(table) = value else {
            return Err(Given::new(value.to_string(), origin(&place)).wrong("a table with `input` and `output`"));
        };
        let mut given = Self::keys(table, path, &place)?;
        let mut needed = |name: &str| {
            let missing = || ConfigError::MissingPrice { path: path.into(), key: format!("{place}.{name}") };
            given.remove(name).ok_or_else(missing)
        };
        let (input, output) = (needed("input")?, needed("output")?);
        Ok(PriceTable { input, output, cached_input: given.remove("cached_input") })
    }

    fn keys(table: Table, path: &Path, place: &str) -> Result<BTreeMap<String, Given>, ConfigError> {
        let mut given = BTreeMap::new();
        for (name, value) in table {
            let key = format!("{place}.{name}");
            if value.is_table() {
                let given = Given::new(name, Origin::File { path: path.into(), key: place.to_owned() });
                return Err(given.wrong(
                    "prices, no further table; a model with a dot in its name stands in quotes, `[prices.\"gpt-4.1\"]`",
                ));
            }
            if !PRICE_KEYS.contains(&name.as_str()) {
                return Err(unknown_key(path, &key, &name, &PRICE_KEYS));
            }
            given.insert(name, scalar(value, path, key)?);
        }
        Ok(given)
    }

    fn checked(&self) -> Result<Prices, ConfigError> {
        let input = self.input.price()?;
        let cached_input = self.cached_input.as_ref().map_or(Ok(input), Given::price)?;
        Ok(Prices { input, cached_input, output: self.output.price()? })
    }
}

impl Layers {
    /// What models cost, by their names as their servers know them.
    ///
    /// # Errors
    /// The first price that is none, with where it came from.
    pub fn prices(&self) -> Result<BTreeMap<String, Prices>, ConfigError> {
        let all = self.file.prices().iter();
        all.map(|(model, table)| table.checked().map(|prices| (model.clone(), prices))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Flags};

    fn prices(file: &str) -> Result<BTreeMap<String, Prices>, ConfigError> {
        let dir = tempfile::tempdir().expect("a folder for the test");
        std::fs::write(dir.path().join("judge.toml"), file).expect("the file is written");
        Layers::read(Flags::default(), Environment::default(), dir.path())?.prices()
    }

    #[test]
    fn prices_are_exact_whether_numbers_or_texts() {
        let file = "[prices.\"openai/gpt-4.1-mini\"]\ninput = 0.15\ncached_input = \"0.075\"\noutput = 0.6\n\
                    [prices.local]\ninput = 0\noutput = 0\n[prices.\"qwen3:8b\"]\ninput = 1\noutput = 2.000001";
        let found = prices(file).expect("good prices");
        let micro = |model: &str| {
            let Prices { input, cached_input, output } = found[model];
            [input.0, cached_input.0, output.0]
        };
        assert_eq!(micro("openai/gpt-4.1-mini"), [150_000, 75_000, 600_000]);
        assert_eq!(micro("local"), [0, 0, 0]);
        assert_eq!(micro("qwen3:8b"), [1_000_000, 1_000_000, 2_000_001], "what is cached costs what is not");
        assert_eq!(found.len(), 3);
        assert!(prices("").expect("no prices").is_empty());
    }

    #[test]
    fn wrong_prices_are_told_by_their_key() {
        for (file, error, hint) in [
            (
                "[prices.\"m\"]\ninput = -1\noutput = 1",
                "wrong value from `judge.toml: prices.\"m\".input`: `-1`",
                "expected: US dollars for a million tokens",
            ),
            (
                "[prices.\"m\"]\ninput = 0.15\noutput = 0.0000001",
                "wrong value from `judge.toml: prices.\"m\".output`: `0.0000001`",
                "expected: US dollars for a million tokens",
            ),
            (
                "[prices.\"m\"]\ninput = 1\noutptu = 1",
                "unknown key in `judge.toml`: `prices.\"m\".outptu`",
                "did you mean `output`?",
            ),
            (
                "[prices.\"m\"]\ninput = 1",
                "no price in `judge.toml`: `prices.\"m\".output`",
                "give US dollars for a million tokens",
            ),
            (
                "[prices.gpt-4.1]\ninput = 1\noutput = 1",
                "wrong value from `judge.toml: prices.\"gpt-4\"`: `1`",
                "expected: prices, no further table; a model with a dot in its name stands in quotes",
            ),
            ("prices = 5", "wrong value from `judge.toml: prices`: `5`", "expected: a table for each model"),
            ("[prices]\nm = 5", "wrong value from `judge.toml: prices.\"m\"`: `5`", "expected: a table with `input`"),
            ("[price.m]\ninput = 5", "unknown key in `judge.toml`: `price`", "did you mean `prices`?"),
        ] {
            let told = prices(file).expect_err(error);
            assert_eq!(told.to_string(), error);
            assert!(told.hint().expect("a hint").starts_with(hint), "{:?}", told.hint());
        }
    }
}
