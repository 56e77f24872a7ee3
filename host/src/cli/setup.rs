//! What `judge` and `bench` share: from flags to providers with their servers, and the clusters to begin with.

use super::advice;
use super::gauges::Gauges;
use super::seating::Seating;
use judge_host::Judge;
use judge_host::config::{Layers, RunConfig};
use judge_host::control::breaker::BreakerRule;
use judge_host::control::budget::Budget;
use judge_host::control::limit::{Bounds, Limit};
use judge_host::control::retry::RetryPolicy;
use judge_host::gauge::Gpus;
use judge_host::job::StopReason;
use judge_host::judge::{Change, Loader, Policy, Unprepared};
use judge_host::model::{Instructions, Parallel};
use judge_host::provider::{Admission, Catalog, Keys, Provider};
use judge_host::registry::{ClusterDraft, Registry, exchange};
use judge_host::report::Console;
use judge_host::sandbox::{Sandbox, SandboxOptions};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Those who judge, who sends for them, and how records are judged: everything but the registry.
pub(super) struct Setup {
    /// In the order in which they are asked; never empty.
    pub(super) seatings: Vec<Seating>,
    /// What can be read of GPUs and servers.
    pub(super) gauges: Arc<Gauges>,
    loader: Loader,
    catalog: Arc<Catalog>,
    policy: Policy,
}

impl Setup {
    pub(super) async fn new(layers: &Layers, run: &RunConfig, console: &Console) -> anyhow::Result<Setup> {
        let instructions = instructions(run)?;
        let loader = loader(run, console)?;
        let catalog = Arc::new(advice::of(loader.catalog(&run.providers).await)?);
        let mut seatings = Vec::new();
        for link in &run.chain {
            let provider = choose(&catalog, Some(&link.id))?;
            seatings.push(Seating::new(provider, link.model.as_deref(), layers, run, console)?);
        }
        if run.chain.is_empty() {
            seatings.push(Seating::new(choose(&catalog, None)?, None, layers, run, console)?);
        }
        costs_are_known(run, &seatings)?;
        let is_here = seatings.iter().any(Seating::is_on_this_machine);
        let servers = seatings.iter_mut().filter_map(|seating| seating.gauges.take()).collect();
        let gauges = Arc::new(Gauges { gpus: is_here.then(Gpus::find).flatten(), servers });
        let policy = policy(run, instructions, &gauges);
        Ok(Setup { seatings, gauges, loader, catalog, policy })
    }

    /// The one that is asked first.
    pub(super) fn first(&self) -> &Seating {
        &self.seatings[0]
    }

    /// The judge over a registry, not yet prepared.
    pub(super) fn judge(&self, registry: Arc<Registry>, batch_id: &str) -> Judge {
        Judge::new(self.seatings.iter().map(Seating::seat), registry, self.policy.clone(), batch_id.to_owned())
    }

    /// The same, once its providers have looked at their servers.
    pub(super) async fn prepared(&self, registry: Arc<Registry>, batch_id: &str) -> anyhow::Result<Judge> {
        let mut judge = self.judge(registry, batch_id);
        if let Err(Unprepared { seat, fault }) = judge.prepare().await {
            return Err(anyhow::Error::new(fault).context(self.seatings[seat].cannot_start()));
        }
        Ok(judge)
    }

    /// Lets a judge take newer components of its provider into service, and tells what comes and goes.
    pub(super) fn follow(&self, judge: &mut Judge, console: &Console) {
        let console = console.clone();
        judge.follow(self.loader.clone(), Arc::clone(&self.catalog), move |change| told(change, &console));
    }
}

/// Each change once: what is refused again in the same words is no news.
fn told(change: &Change, console: &Console) {
    if matches!(change, Change::Refused { again: true, .. }) {
        return;
    }
    console.note(&change.to_string());
    if let Some(hint) = change.hint() {
        console.line(&format!("hint: {hint}"));
    }
}

/// From files to providers, with what the operator asks of them.
pub(super) fn loader(run: &RunConfig, console: &Console) -> anyhow::Result<Loader> {
    let admission = signed(run)?;
    let admission = if run.locked { admission.locked_by(&run.providers) } else { admission };
    Ok(Loader::new(sandbox(run, console)?, admission))
}

/// The same, whatever the lock file says.
pub(super) fn unlocked_loader(run: &RunConfig, console: &Console) -> anyhow::Result<Loader> {
    Ok(Loader::new(sandbox(run, console)?, signed(run)?))
}

fn signed(run: &RunConfig) -> anyhow::Result<Admission> {
    Ok(Admission::default().signed_by(Keys::new(&run.trusted_keys)?))
}

/// The sandbox as it is configured; a cache that cannot be used costs time, and is told.
fn sandbox(run: &RunConfig, console: &Console) -> anyhow::Result<Sandbox> {
    let options = SandboxOptions { cache_dir: run.cache_dir.clone(), ..SandboxOptions::default() };
    let sandbox = advice::of(Sandbox::new(options))?;
    if let Some(why) = sandbox.cache_refused() {
        console.note(&format!("compiled providers are not kept: {why}"));
    }
    Ok(sandbox)
}

/// The one named; without a name the only one there is.
fn choose(catalog: &Catalog, id: Option<&str>) -> anyhow::Result<Arc<dyn Provider>> {
    let table = catalog.entries();
    let mut loaded = table.loaded();
    match (id, loaded.next(), loaded.next()) {
        (Some(id), ..) => advice::of(catalog.get(id)),
        (None, Some(only), None) => Ok(Arc::clone(only)),
        (None, None, _) => {
            // What an unknown one is answered with: what was refused, or how the folder is filled.
            let hint = catalog.get("").err().map_or_else(|| catalog.hint(), |unknown| unknown.hint());
            Err(advice::error("no provider is loaded, and so none can judge", hint))
        }
        (None, Some(_), Some(_)) => {
            let ids: Vec<_> = table.loaded().map(|provider| provider.identity().descriptor.id.clone()).collect();
            let hint = format!("choose one with `--provider ID`; loaded: {}", ids.join(", "));
            Err(advice::error("several providers are loaded, and none is named", hint))
        }
    }
}

fn instructions(run: &RunConfig) -> anyhow::Result<Instructions> {
    let text = match &run.instructions {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            let message = format!("cannot read the instructions: {}: {error}", path.display());
            advice::error(message, "`--instructions` wants a UTF-8 text file")
        })?,
    };
    Ok(Instructions { text, rationale_language: run.language.clone() })
}

fn policy(run: &RunConfig, instructions: Instructions, gauges: &Gauges) -> Policy {
    Policy {
        instructions: Arc::new(instructions),
        allow_new_cluster: run.allow_new_cluster,
        records_per_request: run.records_per_request.get(),
        candidates_max: run.candidates_max.get(),
        births: run.births,
        escalate_below: run.escalate_below,
        retry: RetryPolicy { attempts_max: run.attempts.get(), ..RetryPolicy::default() },
        retry_percent: run.retry_budget_percent,
        breaker: BreakerRule { outage_max: run.outage_max, ..BreakerRule::default() },
        total_timeout: run.total_timeout,
        limit: limit(run, run.parallel, gauges),
        slice_size: run.slice_size.get() as u64,
        dedup: run.dedup,
        hedge: run.hedge,
        budget: budget(run),
        ..Policy::default()
    }
}

/// What the run may spend.
fn budget(run: &RunConfig) -> Budget {
    Budget { money: run.budget, tokens: run.budget_tokens.map(NonZeroU64::get) }
}

/// A budget of money is kept by what calls cost, so that has to be known. Who is asked without a key charges nobody, and
/// tells no cost.
fn costs_are_known(run: &RunConfig, seatings: &[Seating]) -> anyhow::Result<()> {
    for seating in seatings.iter().filter(|seating| !seating.endpoints.is_empty()) {
        if let Err(unknown) = budget(run).check(seating.prices.as_ref(), seating.has_key) {
            let message = format!("{unknown}: provider `{}`", seating.id());
            return Err(advice::error(message, StopReason::CostUnknown.hint()));
        }
    }
    Ok(())
}

/// How much may be in flight, and where a search for it begins.
pub(super) fn limit(run: &RunConfig, parallel: Parallel, gauges: &Gauges) -> Limit {
    match parallel {
        Parallel::Fixed(most) => Limit::fixed(most.get()),
        Parallel::Auto { min, max } => {
            // What the operator says of the card goes before what the card says.
            let of_card = if run.vram_gb.is_none() { gauges.start() } else { None };
            let start = of_card.map_or_else(|| run.start(parallel), |start| parallel.start(start));
            let bounds = Bounds::try_new(min.get(), max.get(), start.get());
            Limit::adaptive(bounds.expect("the configuration has checked them"))
        }
    }
}

/// The clusters of `--clusters`.
pub(super) fn clusters(run: &RunConfig) -> anyhow::Result<Vec<ClusterDraft>> {
    run.clusters.as_deref().map_or(Ok(Vec::new()), |path| advice::of(exchange::read_clusters(path)))
}

/// Where the records are: a terminal has none to give.
pub(super) fn records(given: &str) -> anyhow::Result<PathBuf> {
    if given == "-" && std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        let hint = "give a JSONL or CSV file, or pipe JSON lines in; `judge-host judge --help` shows both";
        return Err(advice::error("no records are given", hint));
    }
    Ok(PathBuf::from(given))
}

/// The name of a batch that was given none: the input's file stem.
pub(super) fn batch_id(records: &Path) -> String {
    if records == Path::new("-") {
        return "stdin".to_owned();
    }
    records.file_stem().map_or_else(|| "batch".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use judge_host::config::{Environment, Flags};

    #[test]
    fn the_configurations_defaults_are_those_of_the_rooms() {
        let layers = Layers::read(Flags::default(), Environment::default(), Path::new("/nowhere")).expect("no file");
        let run = layers.run().expect("good defaults");
        assert_eq!(run.attempts.get(), RetryPolicy::default().attempts_max);
        let limits = judge_host::transport::TransportLimits::default();
        assert_eq!((run.connect_timeout, run.timeout), (limits.connect, limits.attempt));
    }
}
