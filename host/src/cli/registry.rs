//! `judge-host registry`: clusters listed, taken out, and put in; outcomes taken out.

use super::args::{ExportFormat, RegistryArgs, RegistryCommand};
use super::{Ending, advice, outputs, stdout};
use anyhow::Context;
use judge_host::config::{Layers, RunConfig};
use judge_host::job::sink::{self, Format};
use judge_host::model::{Cluster, ClusterStatus};
use judge_host::registry::exchange::{self, ClusterFormat};
use judge_host::registry::{Registry, RegistryError};
use judge_host::report::{Console, table};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

pub(super) async fn run(layers: &Layers, args: &RegistryArgs, console: &Console) -> anyhow::Result<Ending> {
    let config = advice::of(layers.run())?;
    let path = &config.registry;
    match &args.command {
        RegistryCommand::List { limit, json } => {
            let registry = advice::of(Registry::open_read_only(path))?;
            list(&registry, *limit, *json)?;
        }
        RegistryCommand::Export { file, format, outcomes: false, force, .. } => {
            not_over(&config, file, *force)?;
            let registry = advice::of(Registry::open_read_only(path))?;
            let written = clusters(&registry, file, *format)?;
            console.say(&format!("{written} clusters written"));
        }
        RegistryCommand::Export { file, format, batch_id, force, .. } => {
            not_over(&config, file, *force)?;
            let registry = advice::of(Registry::open_read_only(path))?;
            let written = outcomes(&registry, file, *format, batch_id.as_deref())?;
            console.say(&format!("{written} rows written"));
            if written == 0 {
                console.note(&format!(
                    "there is no batch `{}` in {}",
                    batch_id.as_deref().unwrap_or_default(),
                    path.display()
                ));
            }
        }
        RegistryCommand::Merge { from, into } => {
            let registry = advice::of(open_there(path))?;
            let report = advice::of(registry.merge(from, into).await)?;
            console.say(&format!("`{from}` is part of `{into}`, with {} records", report.records));
        }
        RegistryCommand::Confirm { ids } => settle(path, ids, ClusterStatus::Confirmed, console).await?,
        RegistryCommand::Retire { ids } => settle(path, ids, ClusterStatus::Retired, console).await?,
        RegistryCommand::Import { file } => {
            let drafts = advice::of(exchange::read_clusters(file))?;
            let registry = advice::of(Registry::open(path))?;
            let report = advice::of(registry.upsert(drafts).await)?;
            let (inserted, changed, unchanged) = (report.inserted, report.changed, report.unchanged);
            console.say(&format!("{inserted} clusters inserted, {changed} changed, {unchanged} as they were"));
        }
    }
    Ok(Ending::Done)
}

/// A registry to change that is there already: nothing is made by a name that was mistyped.
fn open_there(path: &Path) -> Result<Registry, RegistryError> {
    if !path.exists() {
        return Err(RegistryError::Missing { path: path.to_owned() });
    }
    Registry::open(path)
}

async fn settle(path: &Path, ids: &[String], status: ClusterStatus, console: &Console) -> anyhow::Result<()> {
    let registry = advice::of(open_there(path))?;
    advice::of(registry.settle(ids, status).await)?;
    console.say(&format!("{} clusters {}", ids.len(), word(status)));
    Ok(())
}

/// A status as it is written.
fn word(status: ClusterStatus) -> String {
    let word = serde_json::to_value(status).ok();
    word.as_ref().and_then(|word| word.as_str()).unwrap_or_default().to_owned()
}

fn list(registry: &Registry, limit: Option<usize>, json: bool) -> anyhow::Result<()> {
    let clusters: Vec<Arc<Cluster>> = registry.list_clusters(limit);
    if json {
        return stdout::json(&clusters.iter().map(|cluster| exchange::Row::of(cluster)).collect::<Vec<_>>());
    }
    let rows = clusters.iter().map(|cluster| {
        let status = match &cluster.merged_into {
            Some(into) => format!("part of {into}"),
            None => word(cluster.status),
        };
        let (count, revision) = (cluster.count.to_string(), cluster.revision.to_string());
        vec![cluster.cluster_id.clone(), cluster.name.clone(), count, status, revision]
    });
    stdout::text(&format!("{}\n", table(&["id", "name", "count", "status", "revision"], rows)))
}

fn clusters(registry: &Registry, file: &str, format: Option<ExportFormat>) -> anyhow::Result<usize> {
    let format = match format {
        Some(ExportFormat::Jsonl) => ClusterFormat::Jsonl,
        Some(ExportFormat::Csv) => ClusterFormat::Csv,
        Some(ExportFormat::Json) => ClusterFormat::Ancestor,
        None if file == "-" => ClusterFormat::Jsonl,
        None => advice::of(ClusterFormat::of(Path::new(file)))?,
    };
    let snapshot = registry.snapshot();
    let mut out = open(file)?;
    exchange::write_clusters(&snapshot, format, &mut out)
        .and_then(|()| out.flush())
        .with_context(|| format!("cannot write the clusters: {file}"))?;
    Ok(snapshot.len())
}

fn outcomes(
    registry: &Registry,
    file: &str,
    format: Option<ExportFormat>,
    batch_id: Option<&str>,
) -> anyhow::Result<usize> {
    let by_name = || Path::new(file).extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
    let format = match format {
        Some(ExportFormat::Csv) => Format::Csv,
        Some(ExportFormat::Json) => {
            let hint = "choose `--format jsonl` or `--format csv`";
            return Err(advice::error("outcomes are rows, and are not written as one JSON document", hint));
        }
        None if by_name() => Format::Csv,
        Some(ExportFormat::Jsonl) | None => Format::Jsonl,
    };
    let cannot_write = || format!("cannot write the rows: {file}");
    let mut rows = sink::rows(format, open(file)?).with_context(cannot_write)?;
    let mut written = 0;
    registry.outcomes::<Stopped>(batch_id, &mut |outcome| {
        written += 1;
        Ok(rows.write(&outcome)?)
    })?;
    rows.flush().with_context(cannot_write)?;
    Ok(written)
}

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error("cannot write the rows")]
    Sink(#[from] io::Error),
}

/// An export replaces no file unasked, and the registry never.
fn not_over(config: &RunConfig, file: &str, force: bool) -> anyhow::Result<()> {
    let path = Path::new(file);
    if file == "-" || !path.exists() {
        return Ok(());
    }
    outputs::keep_apart(path, "the export", &outputs::precious(config, None))?;
    if path.is_file() && !force {
        let hint = "choose another name, or replace the file with `--force`";
        return Err(advice::error(format!("the file exists: {file}"), hint));
    }
    Ok(())
}

fn open(file: &str) -> anyhow::Result<Box<dyn Write + Send>> {
    if file == "-" {
        return Ok(Box::new(BufWriter::new(io::stdout())));
    }
    let created = File::create(file).map_err(|error| {
        advice::error(format!("cannot write {file}: {error}"), "give a file in a folder that exists, or `-` for stdout")
    })?;
    Ok(Box::new(BufWriter::new(created)))
}
