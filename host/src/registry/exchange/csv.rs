use super::{COLUMNS, Ids, Problem, Row, field};
use crate::registry::{ClusterDraft, Snapshot};
use csv::StringRecord;
use std::io::{self, Read, Write};

/// Separates samples in a cell that is not a JSON list.
const SAMPLES_SEPARATOR: char = '|';

/// A header, then one cluster a row. A cell that is empty is a text that is empty, or else left out.
pub(super) fn read(input: impl Read) -> Result<Vec<ClusterDraft>, Problem> {
    let mut reader = csv::Reader::from_reader(input);
    let header = Header(reader.headers().map_err(problem)?.clone());
    if header.column("cluster_id", "id").is_none() && !header.0.is_empty() {
        return Err(Problem::Line(1, "the header has no column `cluster_id` or `id`".into()));
    }
    let mut clusters = Vec::new();
    let mut ids = Ids::default();
    for row in reader.records() {
        let row = row.map_err(problem)?;
        let line = row.position().map_or(0, csv::Position::line);
        let checked = header.draft(&row).and_then(|draft| ids.check(&draft).map(|()| draft));
        clusters.push(checked.map_err(|problem| Problem::Line(line, problem))?);
    }
    Ok(clusters)
}

pub(super) fn write(snapshot: &Snapshot, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    for cluster in snapshot.iter() {
        let row = Row::of(&cluster);
        let samples = serde_json::to_string(row.sample_requests)?;
        let (count, revision) = (row.count.to_string(), row.revision.to_string());
        let status = field::word_of(row.status);
        writer.write_record([
            row.cluster_id,
            row.name,
            row.summary,
            row.criteria,
            samples.as_str(),
            row.created_at,
            row.updated_at,
            count.as_str(),
            status,
            row.batch_id,
            row.llm_reasoning,
            revision.as_str(),
            row.merged_into.unwrap_or_default(),
        ])?;
    }
    writer.flush()
}

/// The names of the columns.
struct Header(StringRecord);

impl Header {
    /// Which column has this name, or that other one.
    fn column(&self, name: &str, other: &str) -> Option<usize> {
        let find = |name: &str| self.0.iter().position(|column| column.trim() == name);
        find(name).or_else(|| find(other))
    }

    /// The cluster in a row.
    fn draft(&self, row: &StringRecord) -> Result<ClusterDraft, String> {
        let either = |name, other| self.column(name, other).and_then(|column| row.get(column));
        let text = |name| either(name, name).map(str::to_owned);
        let filled = |name| either(name, name).filter(|cell| !cell.is_empty());
        let number = |name| {
            let parse = |cell: &str| cell.parse().map_err(|_| format!("`{name}` is not a whole number: `{cell}`"));
            filled(name).map(parse).transpose()
        };
        Ok(ClusterDraft {
            cluster_id: either("cluster_id", "id").unwrap_or_default().to_owned(),
            name: text("name"),
            summary: text("summary"),
            criteria: text("criteria"),
            sample_requests: either("sample_requests", "samples").map(samples),
            status: filled("status").map(field::status_of).transpose()?,
            created_at: filled("created_at").map(field::timestamp_of).transpose()?,
            updated_at: filled("updated_at").map(field::timestamp_of).transpose()?,
            count: number("count")?,
            batch_id: text("batch_id"),
            llm_reasoning: text("llm_reasoning"),
            revision: number("revision")?,
            merged_into: filled("merged_into").map(str::to_owned),
        })
    }
}

/// Samples in a cell: a JSON list, or texts between separators. A text may begin with a bracket, so what is no list
/// of texts is taken for texts.
fn samples(cell: &str) -> Vec<String> {
    if let Ok(list) = serde_json::from_str(cell) {
        return list;
    }
    cell.split(SAMPLES_SEPARATOR).map(str::trim).filter(|sample| !sample.is_empty()).map(str::to_owned).collect()
}

fn problem(error: csv::Error) -> Problem {
    let line = error.position().map_or(1, csv::Position::line);
    let text = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".into(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} cells, the header {expected_len}")
        }
        _ => error.to_string(),
    };
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Problem::File(error),
        _ => Problem::Line(line, text),
    }
}
