//! `judge-host bench`: the same records at several levels of parallelism, each into a registry of its own.

use super::args::BenchArgs;
use super::judge::tell_stop;
use super::setup::{self, Setup};
use super::watch::{Watched, watch};
use super::{Ending, advice, outputs, stdout};
use judge_host::Judge;
use judge_host::config::{Layers, parallel_levels};
use judge_host::job::sink::Sink;
use judge_host::job::source::Source;
use judge_host::judge::Run;
use judge_host::model::{Outcome, Parallel};
use judge_host::registry::{ClusterDraft, Registry};
use judge_host::report::{BenchRow, Console, Measured, RunFacts, Tally, bench_plot, bench_rows, bench_table};
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
        let judge = prepared.elsewhere(registry, setup::limit(&config, level, &setup.gauges));
        let source = advice::of(Source::open(records))?;
        let position = source.position();
        let batch_id = "bench".to_owned();
        let limit = args.knobs.limit;
        let run = Run { source, sink: Box::new(Nowhere), batch_id, limit, rejudge: false, trace: None };
        let Watched { tally, facts, stopped, ended, .. } =
            watch(&judge, run, position, (level, &setup.gauges), console).await?;
        advice::of(ended)?;
        if facts.interrupted {
            return Ok(Ending::Interrupted);
        }
        if let Some(reason) = &stopped {
            tell_stop(reason, console);
            return Ok(Ending::Stopped);
        }
        if tally.done() == 0 {
            let hint = "give a file with some records; `judge-host judge --help` says what they look like";
            return Err(advice::error(format!("the input holds no records: {}", args.records), hint));
        }
        failed += tally.failed();
        let run = measure(&tally, &facts, level);
        console.say(&told(&run));
        measured.push(run);
    }
    if failed > 0 {
        console.note(&format!("{failed} records failed: what failed fast looks fast; run `judge` to see why"));
    }
    let rows = bench_rows(&measured);
    if let Some(plot) = &args.plot {
        write_plot(plot, &bench_plot(&rows, &title(&setup, &prepared))?)?;
    }
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

/// What a level came to.
fn measure(tally: &Tally, facts: &RunFacts, level: Parallel) -> Measured {
    let latency = |share| tally.latency(share).unwrap_or_default();
    let (in_flight, reason) = match level {
        Parallel::Fixed(number) => (number.get(), None),
        Parallel::Auto { .. } => {
            let at_the_end = || facts.servers.iter().filter_map(|server| server.limit).sum();
            (facts.parallel_settled.unwrap_or_else(at_the_end), Some(facts.parallel_reason.clone()))
        }
    };
    Measured {
        parallel: level,
        in_flight,
        reason,
        records: tally.done(),
        wall: facts.wall,
        p50: latency(0.5),
        p95: latency(0.95),
        p99: latency(0.99),
    }
}

fn told(run: &Measured) -> String {
    let Measured { parallel, records, wall, reason, .. } = run;
    let reason = reason.as_ref().map(|reason| format!("; {reason}")).unwrap_or_default();
    format!("parallel {parallel}: {records} records in {:.2} s{reason}", wall.as_secs_f64())
}

fn title(setup: &Setup, judge: &Judge) -> String {
    let model = &judge.seats()[0].settings.model;
    let servers = setup.first().endpoints.join(", ");
    [setup.first().id(), model, &servers].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

fn write_plot(path: &Path, svg: &str) -> anyhow::Result<()> {
    std::fs::write(path, svg).map_err(|error| {
        let message = format!("cannot write the plot: {}: {error}", path.display());
        advice::error(message, "`--json` prints what it would show")
    })
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
