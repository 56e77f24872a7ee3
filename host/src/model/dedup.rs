use serde::{Deserialize, Serialize};

/// Whether records of the same text, with the same candidates and context, are judged once and share the verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dedup {
    /// Where the same request would be answered alike: at temperature 0.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl Dedup {
    /// Whether such records are judged once, at a sampling temperature; none is the server's own, which may be any.
    pub fn is_on(self, temperature: Option<f64>) -> bool {
        match self {
            Dedup::Auto => temperature.is_some_and(|temperature| temperature <= 0.0),
            Dedup::On => true,
            Dedup::Off => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_is_on_where_answers_repeat() {
        for (dedup, temperature, expected) in [
            (Dedup::Auto, Some(0.0), true),
            (Dedup::Auto, Some(0.1), false),
            (Dedup::Auto, None, false),
            (Dedup::On, Some(2.0), true),
            (Dedup::On, None, true),
            (Dedup::Off, Some(0.0), false),
        ] {
            assert_eq!(dedup.is_on(temperature), expected, "{dedup:?} {temperature:?}");
        }
    }
}
