mod knobs;
mod pace;
mod providers;

pub(super) use knobs::Knobs;
pub(super) use providers::{ProvidersArgs, ProvidersCommand, ShowArgs, TestArgs};

use clap::{Args, Parser, Subcommand, ValueEnum};
use judge_host::config::{Flags, Key};
use pace::{PACE, Pace};
use providers::PROVIDERS_EXAMPLES;
use std::path::PathBuf;

const ROOT_EXAMPLES: &str = "\
Examples:
  judge-host --providers ./plugins
      list what was loaded, and what to type next
  judge-host judge tickets.jsonl --provider lexical --clusters clusters.csv --out rows.csv
      judge without any server
  judge-host judge tickets.jsonl --provider ollama --model qwen3:8b --out rows.jsonl
      judge with a local Ollama
  judge-host registry export clusters.json
      take the clusters elsewhere

Values come from flags, else the environment (and .env), else judge.toml, else the default.
Exit: 0 all judged, 1 some records failed (their rows carry the error) or the run ended early by
itself (a person is needed, a server stays down, the budget is used up), 2 could not run,
130 interrupted.";

const JUDGE_EXAMPLES: &str = "\
Examples:
  judge-host judge tickets.jsonl --provider ollama --model qwen3:8b --parallel 16 --out rows.jsonl
  judge-host judge tickets.csv --provider openai --model gpt-4o-mini --limit 50 --dry-run
  judge-host judge tickets.jsonl --provider openai --endpoint http://gpu:8000/v1 --model my-model
      any server that speaks OpenAI's API: vLLM, llama.cpp, a proxy; name its key with
      --api-key-env, and by http:// to another machine allow it with --allow-plain-http
  zcat tickets.jsonl.gz | judge-host judge - --batch-id monday --provider lexical > rows.jsonl

The same command again goes on where the last run stopped: what was judged is not judged twice.

A key goes to the endpoint's scheme, host and port alone: redirects are not followed. Link-local
and cloud metadata addresses are never asked; private ones and this machine only where you name
the endpoint (of providers' own defaults Ollama's and Triton's, where you name the provider).
HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY count; `judge-host providers` shows them.";

/// The heading of flags that every command takes.
const GLOBAL: &str = "Global options";

const ENDPOINT_HELP: &str = "Base URL of the provider's server; several that are alike may be given, repeated or with \
    commas between [default: the provider's] [env: <PROVIDER>_API_URL, as OLLAMA_API_URL] [judge.toml: provider.ID.endpoint, or the list \
    provider.ID.endpoints]";

/// Judges large sets of texts with LLMs, through sandboxed providers.
#[derive(Clone, Debug, Parser)]
#[command(name = "judge-host", version, about, after_help = ROOT_EXAMPLES, max_term_width = 100)]
pub(super) struct Cli {
    /// [`Key::Providers`]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "DIR", help = Key::Providers.help())]
    pub(super) providers: Option<String>,
    /// Configuration file [default: judge.toml in the current folder, if it is there]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// [`Key::CacheDir`]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "DIR", help = Key::CacheDir.help())]
    pub(super) cache_dir: Option<String>,
    /// [`Key::Locked`]
    #[arg(long, global = true, help_heading = GLOBAL, help = Key::Locked.help())]
    pub(super) locked: bool,
    /// [`Key::TrustedKeys`]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "KEY,…", help = Key::TrustedKeys.help())]
    pub(super) trusted_keys: Option<String>,
    /// No progress, no summary: only errors and notes
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    pub(super) quiet: bool,
    /// What to do; without it, the loaded providers are listed
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Judge records: which cluster each belongs to, that it is a new one, or that it cannot be told
    #[command(after_help = JUDGE_EXAMPLES)]
    Judge(Box<JudgeArgs>),
    /// List the loaded providers, show what one may do, lock them, or say why one would be refused
    #[command(after_help = PROVIDERS_EXAMPLES)]
    Providers(ProvidersArgs),
    /// Read and fill the registry of clusters
    Registry(RegistryArgs),
    /// Judge the same records at several levels of parallelism, and compare
    Bench(Box<BenchArgs>),
}

/// `judge`.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct JudgeArgs {
    /// Records to judge: a JSONL or CSV file, or - for stdin. Fields: request_id or id, text; optional candidates
    /// (ids of clusters) and label (the right cluster, to compare with); all others are context
    #[arg(default_value = "-")]
    pub(super) records: String,
    /// How to judge
    #[command(flatten)]
    pub(super) knobs: Knobs,
    /// [`Key::Registry`]
    #[arg(long, value_name = "FILE", help = Key::Registry.help())]
    pub(super) registry: Option<String>,
    /// [`Key::Durability`]
    #[arg(long, value_name = "HOW", help = Key::Durability.help())]
    pub(super) durability: Option<String>,
    /// [`Key::BatchId`]
    #[arg(long, value_name = "ID", help = Key::BatchId.help())]
    pub(super) batch_id: Option<String>,
    /// [`Key::Out`]
    #[arg(long, value_name = "FILE|-", help = Key::Out.help())]
    pub(super) out: Option<String>,
    /// [`Key::Parallel`]
    #[arg(long, help_heading = PACE, value_name = "N|auto", help = Key::Parallel.help())]
    pub(super) parallel: Option<String>,
    /// How fast, and at what cost
    #[command(flatten)]
    pub(super) pace: Pace,
    /// Judge again what this batch has judged already
    #[arg(long)]
    pub(super) rejudge: bool,
    /// Print the first request, estimate tokens and cost of the whole input, and stop; nothing is sent
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Write the run's counts, times and costs there, as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) summary: Option<PathBuf>,
    /// Write one JSON line there for each call to a server
    #[arg(long, value_name = "FILE")]
    pub(super) trace: Option<PathBuf>,
    /// Overwrite the output file of another run
    #[arg(long)]
    pub(super) force: bool,
}

/// `bench`.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct BenchArgs {
    /// Records to judge: a JSONL or CSV file, which every level reads anew
    pub(super) records: String,
    /// How to judge
    #[command(flatten)]
    pub(super) knobs: Knobs,
    /// Levels to compare, records in flight at once: 1 to 4096, `auto` or `auto:MIN-MAX` each [default: 1 and what
    /// `judge` would use]
    #[arg(long, help_heading = PACE, value_name = "N,N,auto,…", value_delimiter = ',')]
    pub(super) parallel: Vec<String>,
    /// How fast, and at what cost
    #[command(flatten)]
    pub(super) pace: Pace,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(super) json: bool,
    /// Draw the levels there, as SVG
    #[arg(long, value_name = "FILE.svg")]
    pub(super) plot: Option<PathBuf>,
}

/// `registry`.
#[derive(Clone, Debug, Args)]
pub(super) struct RegistryArgs {
    /// [`Key::Registry`]
    #[arg(long, global = true, value_name = "FILE", help = Key::Registry.help())]
    pub(super) registry: Option<String>,
    /// What to do with it
    #[command(subcommand)]
    pub(super) command: RegistryCommand,
}

/// What to do with the registry.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum RegistryCommand {
    /// List the clusters, the largest first
    List {
        /// At most this many [default: all]
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Write the clusters, or a batch's outcomes, to a file
    Export {
        /// The file, or - for stdout
        #[arg(value_name = "FILE|-")]
        file: String,
        /// Format [default: by the file's extension, jsonl for stdout]
        #[arg(long)]
        format: Option<ExportFormat>,
        /// The judged rows of a batch instead of the clusters
        #[arg(long, requires = "batch_id")]
        outcomes: bool,
        /// Which batch
        #[arg(long, value_name = "ID", requires = "outcomes")]
        batch_id: Option<String>,
        /// Replace the file if it exists
        #[arg(long)]
        force: bool,
    },
    /// Make one cluster part of another: its records go there, and later verdicts for it too
    Merge {
        /// The id of the one that is given up
        from: String,
        /// The id of the one that stays
        into: String,
    },
    /// Confirm clusters that a judge proposed: their samples change no more
    Confirm {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Retire clusters: they keep their records, and are offered to no judge
    Retire {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Put clusters into the registry: JSONL, CSV, or a cluster_registry.json
    Import {
        /// The file
        file: PathBuf,
    },
}

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportFormat {
    /// One JSON object a line
    Jsonl,
    /// Comma-separated, with a header line
    Csv,
    /// One JSON document: {"version": 1, "clusters": […]}
    Json,
}

impl Cli {
    /// What was given, for the config to check together with the other layers.
    pub(super) fn flags(&self) -> Flags {
        let mut flags = Flags { config: self.config.clone(), ..Flags::default() };
        flags.set(Key::Providers, self.providers.as_deref());
        flags.set(Key::CacheDir, self.cache_dir.as_deref());
        flags.set(Key::Locked, self.locked.then_some("true"));
        flags.set(Key::TrustedKeys, self.trusted_keys.as_deref());
        match &self.command {
            Some(Command::Judge(judge)) => {
                judge.knobs.put(&mut flags);
                judge.pace.put(&mut flags);
                flags.set(Key::Registry, judge.registry.as_deref());
                flags.set(Key::Durability, judge.durability.as_deref());
                flags.set(Key::BatchId, judge.batch_id.as_deref());
                flags.set(Key::Out, judge.out.as_deref());
                flags.set(Key::Parallel, judge.parallel.as_deref());
            }
            Some(Command::Bench(bench)) => {
                bench.knobs.put(&mut flags);
                bench.pace.put(&mut flags);
            }
            Some(Command::Registry(registry)) => flags.set(Key::Registry, registry.registry.as_deref()),
            Some(Command::Providers(ProvidersArgs { command: Some(ProvidersCommand::Show(show)), .. })) => {
                flags.provider_shown = Some(show.id.clone());
                flags.endpoints.clone_from(&show.endpoints);
                flags.api_key_env.clone_from(&show.api_key_env);
            }
            Some(Command::Providers(_)) | None => {}
        }
        flags
    }
}

#[cfg(test)]
mod tests;
