use super::{Ids, Problem, Row, json_problem};
use crate::registry::{ClusterDraft, Snapshot};
use std::io::{self, BufRead, Write};

/// What some editors put before a text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// One cluster a line; lines of nothing but blanks are passed over.
pub(super) fn read(mut input: impl BufRead) -> Result<Vec<ClusterDraft>, Problem> {
    let mut clusters = Vec::new();
    let mut ids = Ids::default();
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        if input.read_until(b'\n', &mut text).map_err(Problem::File)? == 0 {
            break;
        }
        let start = if line == 1 && text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let cluster = text[start..].trim_ascii();
        if cluster.is_empty() {
            continue;
        }
        let draft: ClusterDraft =
            serde_json::from_slice(cluster).map_err(|error| Problem::Line(line, json_problem(&error)))?;
        ids.check(&draft).map_err(|problem| Problem::Line(line, problem))?;
        clusters.push(draft);
    }
    Ok(clusters)
}

pub(super) fn write(snapshot: &Snapshot, out: &mut dyn Write) -> io::Result<()> {
    for cluster in snapshot.iter() {
        serde_json::to_writer(&mut *out, &Row::of(&cluster))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
