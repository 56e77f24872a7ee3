//! The registry of the Python class that this program descends from: one JSON object, in one file.

use super::{Ids, Problem, Row, json_problem};
use crate::registry::{ClusterDraft, Snapshot};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::io::{self, Read, Write};

/// The only version of it that there has been.
const VERSION: u64 = 1;

#[derive(Serialize)]
struct Written<'a> {
    version: u64,
    clusters: Vec<Row<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a registry of clusters, `{\"version\":1,\"clusters\":[…]}`")]
struct Found {
    #[serde(default, deserialize_with = "version")]
    #[expect(dead_code, reason = "checked while it is read")]
    version: (),
    clusters: Clusters,
}

pub(super) fn read(input: impl Read) -> Result<Vec<ClusterDraft>, Problem> {
    let found: Result<Found, serde_json::Error> = serde_json::from_reader(input);
    match found {
        Ok(found) => Ok(found.clusters.0),
        Err(error) if error.is_io() => Err(Problem::File(error.into())),
        Err(error) => Err(Problem::Line(error.line() as u64, json_problem(&error))),
    }
}

pub(super) fn write(snapshot: &Snapshot, out: &mut dyn Write) -> io::Result<()> {
    let clusters: Vec<_> = snapshot.iter().collect();
    let clusters = clusters.iter().map(|cluster| Row::of(cluster)).collect();
    serde_json::to_writer_pretty(&mut *out, &Written { version: VERSION, clusters })?;
    out.write_all(b"\n")
}

fn version<'de, D: Deserializer<'de>>(input: D) -> Result<(), D::Error> {
    match u64::deserialize(input)? {
        VERSION => Ok(()),
        other => Err(D::Error::custom(format!("version {other} is not known, only {VERSION}"))),
    }
}

/// The list of clusters. Each is checked while the reader stands on it, so that it can name the line.
struct Clusters(Vec<ClusterDraft>);

impl<'de> Deserialize<'de> for Clusters {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Checked;
        impl<'de> Visitor<'de> for Checked {
            type Value = Clusters;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of clusters")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Clusters, A::Error> {
                let mut clusters = Vec::new();
                let mut ids = Ids::default();
                while let Some(draft) = list.next_element()? {
                    ids.check(&draft).map_err(A::Error::custom)?;
                    clusters.push(draft);
                }
                Ok(Clusters(clusters))
            }
        }
        input.deserialize_seq(Checked)
    }
}
