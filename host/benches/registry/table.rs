//! The table that is printed: a line per figure, a column per number of clusters, and the bound with what came of it.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets::ASCII_MARKDOWN};
use std::fmt;

/// The numbers of clusters, one a column.
pub(crate) const SIZES: [u64; 4] = [100, 10_000, 100_000, 1_000_000];

/// One line.
pub(crate) struct Figure {
    name: String,
    values: [String; SIZES.len()],
    bound: Option<Bound>,
}

/// What was promised, and whether it is so.
struct Bound {
    said: String,
    is_kept: bool,
}

impl Figure {
    /// A figure that was not measured anywhere so far.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Figure { name: name.into(), values: Default::default(), bound: None }
    }

    /// What was measured with so many clusters.
    pub(crate) fn at(mut self, clusters: u64, value: impl Into<String>) -> Self {
        let column = SIZES.iter().position(|size| *size == clusters).expect("a size of the table");
        self.values[column] = value.into();
        self
    }

    /// The number that decides and the most or least that was promised, as `said`.
    pub(crate) fn bound(self, said: impl Into<String>, is_kept: bool) -> Self {
        Figure { bound: Some(Bound { said: said.into(), is_kept }), ..self }
    }
}

/// All figures.
#[derive(Default)]
pub(crate) struct Figures(Vec<Figure>);

impl Figures {
    pub(crate) fn push(&mut self, figure: Figure) {
        self.0.push(figure);
    }

    /// The names of those that are beyond their bounds.
    pub(crate) fn beyond(&self) -> Vec<&str> {
        let beyond = self.0.iter().filter(|figure| figure.bound.as_ref().is_some_and(|bound| !bound.is_kept));
        beyond.map(|figure| figure.name.as_str()).collect()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
        let sizes = ["100 clusters", "10,000", "100,000", "1,000,000"];
        table.set_header(["figure"].into_iter().chain(sizes).chain(["measured, bound", ""]));
        for figure in &self.0 {
            let (said, held) = figure
                .bound
                .as_ref()
                .map_or(("", ""), |bound| (bound.said.as_str(), if bound.is_kept { "pass" } else { "FAIL" }));
            let values = figure.values.iter().map(String::as_str);
            table.add_row([figure.name.as_str()].into_iter().chain(values).chain([said, held]));
        }
        for column in table.column_iter_mut().skip(1).take(SIZES.len()) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        write!(f, "{table}")
    }
}
