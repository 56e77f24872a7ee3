//! `judge-host bench`: the same records at several levels of parallelism, each into a registry of its own.

use super::args::BenchArgs;
use super::setup::{self, Setup};
use super::watch::watch;
use super::{Ending, advice, outputs, stdout};
use judge_host::config::{Layers, parallel_levels};
use judge_host::job::sink::Sink;
use judge_host::job::source::Source;
use judge_host::judge::Run;
use judge_host::model::Outcome;
use judge_host::registry::{ClusterDraft, Registry};
use judge_host::report::{BenchRow, Console, Measured, bench_rows, bench_table};
use serde::Serialize;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    provider: String,
    model: String,
    /// Records judged at each level.
    records: u64,
    levels: Vec<BenchRow>,
}

pub(super) async fn run(layers: &Layers, args: &BenchArgs, console: &Console) -> anyhow::Result<Ending> {
    let config = advice::of(layers.run())?;
    let levels = advice::of(parallel_levels(&args.parallel, config.parallel))?;
    if args.records == "-" {
        let hint = "every level reads the records anew: give a JSONL or CSV file";
        return Err(advice::error("bench cannot read its records from stdin", hint));
    }
    let clusters = setup::clusters(&config)?;
    let records = Path::new(&args.records);
    advice::of(Source::open(records))?;
    if let Some(plot) = &args.plot {
        outputs::keep_apart(plot, "--plot", &outputs::precious(&config, Some(records)))?;
        outputs::can_be_written(plot, "--plot", "the plot")?;
    }
    let setup = Setup::new(layers, &config, console).await?;
    let prepared = setup.prepared(Arc::new(advice::of(Registry::temporary())?), "bench").await?;
    let mut measured = Vec::new();
    let mut failed = 0;
    for level in levels {
        let registry = Arc::new(advice::of(fresh(&clusters).await)?);
        let judge = prepared.elsewhere(registry, setup::limit(&config, level));
        let source = advice::of(Source::open(records))?;
        let position = source.position();
        let batch_id = "bench".to_owned();
        let limit = args.knobs.limit;
        let run = Run { source, sink: Box::new(Nowhere), batch_id, limit, rejudge: false, trace: None };
        let watched = watch(&judge, run, position, level, console).await?;
        advice::of(watched.ended)?;
        if watched.facts.interrupted {
            return Ok(Ending::Interrupted);
        }
        if watched.tally.done() == 0 {
            let hint = "give a file with some records; `judge-host judge --help` says what they look like";
            return Err(advice::error(format!("the input holds no records: {}", args.records), hint));
        }
        failed += watched.tally.failed();
        let latency = |share| watched.tally.latency(share).unwrap_or_default();
        let row = Measured {
            parallel: config.start(level).get(),
            records: watched.tally.done(),
            wall: watched.facts.wall,
            p50: latency(0.5),
            p95: latency(0.95),
            p99: latency(0.99),
        };
        console.say(&format!("parallel {level}: {} records in {:.2} s", row.records, row.wall.as_secs_f64()));
        measured.push(row);
    }
    if failed > 0 {
        console.note(&format!("{failed} records failed: what failed fast looks fast; run `judge` to see why"));
    }
    let rows = bench_rows(&measured);
    if args.json {
        let identity = setup.first().provider.identity();
        let provider = identity.descriptor.id.clone();
        let model = prepared.seats()[0].settings.model.clone();
        let records = measured.first().map_or(0, |row| row.records);
        stdout::json(&Report { provider, model, records, levels: rows })?;
    } else {
        stdout::text(&format!("{}\n", bench_table(&rows)))?;
    }
    Ok(if failed > 0 { Ending::SomeFailed } else { Ending::Done })
}

async fn fresh(clusters: &[ClusterDraft]) -> Result<Registry, judge_host::registry::RegistryError> {
    let registry = Registry::temporary()?;
    registry.upsert(clusters.to_vec()).await?;
    Ok(registry)
}

/// Rows are committed as in any run, and written nowhere.
struct Nowhere;

impl Sink for Nowhere {
    fn write(&mut self, _: &Outcome) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
