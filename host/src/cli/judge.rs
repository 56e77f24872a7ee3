//! `judge-host judge`: the whole way from flags to exit code.

use super::args::JudgeArgs;
use super::estimate::Input;
use super::setup::{self, Setup};
use super::watch::{Watched, watch};
use super::{Ending, advice, dry_run, outputs, trace};
use anyhow::Context;
use judge_host::config::{Layers, Output, RunConfig};
use judge_host::job::StopReason;
use judge_host::job::sink::{self, Opened, Target};
use judge_host::job::source::Source;
use judge_host::judge::Run;
use judge_host::registry::{ClusterDraft, Registry};
use judge_host::report::Console;
use std::path::Path;
use std::sync::Arc;

/// Clusters that the summary names.
const LARGEST_CLUSTERS: usize = 10;

pub(super) async fn run(layers: &Layers, args: &JudgeArgs, console: &Console) -> anyhow::Result<Ending> {
    let config = advice::of(layers.run())?;
    let records = setup::records(&args.records)?;
    let source = advice::of(Source::open(&records))?;
    let clusters = setup::clusters(&config)?;
    let target = advice::of(Target::parse(match &config.out {
        Output::Stdout => Path::new("-"),
        Output::File(path) => path,
    }))?;
    keep_outputs_apart(&config, &records, args)?;
    if !args.dry_run {
        for (path, flag, what) in reports(args) {
            outputs::can_be_written(path, flag, what)?;
        }
    }
    let setup = Setup::new(layers, &config, console).await?;
    let batch_id = config.batch_id.clone().unwrap_or_else(|| setup::batch_id(&records));
    if args.dry_run {
        let (is_stdin, limit) = (records == Path::new("-"), args.knobs.limit);
        let input = Input { source, is_stdin, batch_id, limit, rejudge: args.rejudge };
        return dry_run::run(&setup, &config, clusters, input, console).await;
    }
    let registry = Arc::new(advice::of(Registry::open_as(&config.registry, config.durability))?);
    // Everything that may be refused is, before anything is changed or paid for.
    advice::of(sink::claim(&target, &registry, &batch_id, args.force))?;
    some_choice(&registry, &clusters, &config, console)?;
    let mut judge = setup.prepared(Arc::clone(&registry), &batch_id).await?;
    if !clusters.is_empty() {
        advice::of(registry.upsert(clusters).await)?;
    }
    let opened = advice::of(sink::open(&target, &registry, &batch_id, args.rejudge))?;
    other_judges(&opened, &setup, &batch_id, console);
    let position = source.position();
    setup.follow(&mut judge, console);
    let (trace, tracing) = args.trace.as_deref().map(trace::open).transpose()?.unzip();
    let run = Run {
        source,
        sink: opened.sink,
        batch_id: batch_id.clone(),
        limit: args.knobs.limit,
        rejudge: args.rejudge,
        trace,
    };
    let watched = watch(&judge, run, position, (config.parallel, &setup.gauges), console).await?;
    let told = conclude(&watched, &registry, args, &batch_id, console);
    let traced = match tracing {
        Some(tracing) => tracing.finish().await,
        None => Ok(()),
    };
    // The numbers first, then why it could not go on.
    advice::of(watched.ended)?;
    traced.and(told)
}

/// Verdicts of several judges in one batch are allowed, and worth a word.
fn other_judges(opened: &Opened, setup: &Setup, batch_id: &str, console: &Console) {
    let is_mine = |id: &str| setup.seatings.iter().any(|seating| seating.id() == id);
    let others: Vec<_> = opened.providers.iter().map(String::as_str).filter(|id| !is_mine(id)).collect();
    if !others.is_empty() {
        let others = others.join(", ");
        console.note(&format!(
            "batch `{batch_id}` holds verdicts of {others}, and they stay; `--rejudge` judges all again"
        ));
    }
}

/// No output falls on an input, on the registry, or on the other output.
fn keep_outputs_apart(config: &RunConfig, records: &Path, args: &JudgeArgs) -> anyhow::Result<()> {
    let mut precious = outputs::precious(config, Some(records));
    if let Output::File(out) = &config.out {
        outputs::keep_apart(out, "--out", &precious)?;
        precious.push((out.clone(), "the rows"));
    }
    for (path, flag, what) in reports(args) {
        outputs::keep_apart(path, flag, &precious)?;
        precious.push((path.to_owned(), what));
    }
    Ok(())
}

/// What is written beside the rows: file, flag, and what it is.
fn reports(args: &JudgeArgs) -> impl Iterator<Item = (&Path, &'static str, &'static str)> {
    let summary = args.summary.as_deref().map(|path| (path, "--summary", "the summary"));
    let trace = args.trace.as_deref().map(|path| (path, "--trace", "the trace"));
    summary.into_iter().chain(trace)
}

/// A judge that may neither assign nor propose would skip every record, at full price.
fn some_choice(
    registry: &Registry,
    clusters: &[ClusterDraft],
    config: &RunConfig,
    console: &Console,
) -> anyhow::Result<()> {
    if !registry.snapshot().is_empty() || !clusters.is_empty() {
        return Ok(());
    }
    if !config.allow_new_cluster {
        let message =
            format!("the registry has no clusters, and new ones are not allowed: {}", config.registry.display());
        return Err(advice::error(message, "give clusters with `--clusters FILE`, or allow new ones"));
    }
    console.note(
        "the registry has no clusters, and a provider that proposes none can only skip; `--clusters FILE` gives some",
    );
    Ok(())
}

/// Says why a run ended by itself before its input.
pub(super) fn tell_stop(reason: &StopReason, console: &Console) {
    console.line(&format!("stopped: {reason}\nhint: {}", reason.hint()));
}

/// Says what came of it, and turns it into an ending.
fn conclude(
    watched: &Watched,
    registry: &Registry,
    args: &JudgeArgs,
    batch_id: &str,
    console: &Console,
) -> anyhow::Result<Ending> {
    let Watched { tally, intake, facts, .. } = watched;
    let summary = tally.summary(facts);
    let clusters = registry.list_clusters(Some(LARGEST_CLUSTERS));
    let largest: Vec<_> = clusters.iter().map(|cluster| (cluster.cluster_id.clone(), cluster.count)).collect();
    console.say(&summary.text(tally, &largest));
    if facts.records == 0 && watched.ended.is_ok() && !facts.interrupted && watched.stopped.is_none() {
        console.note("the input holds no records");
    }
    if facts.records > 0 && facts.already_done == facts.records {
        console.note(&format!(
            "every record has its verdict in batch `{batch_id}` already: `--rejudge` judges again, another `--batch-id` anew"
        ));
    }
    if intake.unnamed > 0 {
        let unnamed = intake.unnamed;
        console.note(&format!(
            "records without an id, named by their line as `line-12`: {unnamed}; a changed file changes their names"
        ));
    }
    if intake.duplicates > 0 {
        let first: Vec<_> = intake.duplicates_first.iter().map(|(id, line)| format!("`{id}` at line {line}")).collect();
        let told = first.join(", ");
        let more = if intake.duplicates > first.len() as u64 { ", …" } else { "" };
        console.note(&format!(
            "rows passed over because an earlier one has their id: {}: {told}{more}",
            intake.duplicates
        ));
    }
    if let Some(path) = &args.summary {
        let text = serde_json::to_string_pretty(&summary).context("cannot spell the summary")?;
        let cannot_write = |error| {
            let message = format!("cannot write the summary: {}: {error}", path.display());
            advice::error(message, "the run itself is complete, and its rows are written")
        };
        std::fs::write(path, text + "\n").map_err(cannot_write)?;
    }
    if let Some(reason) = &watched.stopped {
        tell_stop(reason, console);
    }
    Ok(match (facts.interrupted, &watched.stopped, summary.failed) {
        (true, ..) => Ending::Interrupted,
        (false, Some(_), _) => Ending::Stopped,
        (false, None, 0) => Ending::Done,
        (false, None, _) => Ending::SomeFailed,
    })
}
