//! The table that is printed: a line per figure, and the bound with what came of it.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets::ASCII_MARKDOWN};
use std::fmt;

struct Figure {
    name: String,
    value: String,
    bound: Option<(String, bool)>,
}

/// All figures.
#[derive(Default)]
pub(crate) struct Figures(Vec<Figure>);

impl Figures {
    /// A figure that was promised nothing about.
    pub(crate) fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push(Figure { name: name.into(), value: value.into(), bound: None });
    }

    /// A figure, what was promised, and whether it is so.
    pub(crate) fn push_bound(
        &mut self,
        name: impl Into<String>,
        value: impl Into<String>,
        said: impl Into<String>,
        is_kept: bool,
    ) {
        self.0.push(Figure { name: name.into(), value: value.into(), bound: Some((said.into(), is_kept)) });
    }

    /// The names of those that are beyond their bounds.
    pub(crate) fn beyond(&self) -> Vec<&str> {
        let beyond = self.0.iter().filter(|figure| figure.bound.as_ref().is_some_and(|(_, is_kept)| !is_kept));
        beyond.map(|figure| figure.name.as_str()).collect()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(["figure", "measured", "bound", ""]);
        for Figure { name, value, bound } in &self.0 {
            let (said, held) = match bound {
                None => ("", ""),
                Some((said, is_kept)) => (said.as_str(), if *is_kept { "pass" } else { "FAIL" }),
            };
            table.add_row([name.as_str(), value, said, held]);
        }
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        write!(f, "{table}")
    }
}
