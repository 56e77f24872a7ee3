use super::{Key, Spec};

/// One row a key, in the order of the enum.
pub const SPECS: [Spec; 37] = [
    path(Key::Providers, "providers", "--providers", Some("plugins"), "Folder of the providers' .wasm files"),
    text(
        Key::Provider,
        "provider",
        "--provider",
        "Id of the provider that judges, needed where several are loaded; or a chain of up to 16, with commas between, in \
         the order they are asked, each with or without its model: ollama,openai:gpt-4o-mini. Flags on its server mean the \
         first",
    )
    .variable("DEFAULT_LLM_PROVIDER"),
    text(
        Key::Model,
        "model",
        "--model",
        "Model, as the provider's server knows it, of the first in the chain that names none; the environment's <PROVIDER>_MODEL, as OLLAMA_MODEL, goes before \
         DEFAULT_MODEL; without any, the provider's own default",
    )
    .variable("DEFAULT_MODEL"),
    text(
        Key::Parallel,
        "parallel",
        "--parallel",
        "Records in flight at once, 1 to 4096; 1 is strictly sequential; auto finds the number while it runs, auto:MIN-MAX \
         within these bounds (auto alone: 1 to 256)",
    )
    .variable("PARALLEL_INFERENCE_BATCH_SIZE")
    .default("5"),
    text(
        Key::VramGb,
        "vram_gb",
        "--vram-gb",
        "Memory of the server's GPU in GB, 1 to 4096: what auto begins with (8 GB: 3, 16: 5, from 24 on: 10); without it, \
         auto begins with 5",
    ),
    text(
        Key::Rpm,
        "rpm",
        "--rpm",
        "Most requests a minute at each server for each model, from 1; without it, as many as the server is found to allow",
    ),
    text(
        Key::Tpm,
        "tpm",
        "--tpm",
        "Most tokens a minute at each server for each model, prompts and answers together, from 1; without it, as many as the server is found to allow",
    ),
    text(
        Key::RetryBudget,
        "retry_budget",
        "--retry-budget",
        "Most retries as a share of first calls, 0 to 100 %, and a few a minute, so that an outage does not double the load",
    )
    .default("20%"),
    text(
        Key::ConnectTimeout,
        "connect_timeout",
        "--connect-timeout",
        "Longest wait for a connection, such as 10s; not over the timeout",
    )
    .default("10s"),
    text(
        Key::OutageMax,
        "outage_max",
        "--outage-max",
        "Longest that records wait for a server that is down, such as 30m, before the run ends; the same command goes on \
         later",
    )
    .default("30m"),
    text(
        Key::Hedge,
        "hedge",
        "--hedge",
        "Send a second request where the first takes longer than 95 of 100, for 5 of 100 at most: the first answer counts, \
         both may be paid",
    )
    .default("false"),
    text(
        Key::Dedup,
        "dedup",
        "--dedup",
        "Judge records of the same text once: on, off, or auto: on at temperature 0, off otherwise",
    )
    .default("auto"),
    text(
        Key::Budget,
        "budget",
        "--budget",
        "Most money that the run may cost, such as 5usd, 0.50usd or $5, before it ends; the same command goes on later. \
         Where the server tells no cost, by [prices.\"MODEL\"] of judge.toml",
    ),
    text(
        Key::BudgetTokens,
        "budget_tokens",
        "--budget-tokens",
        "Most tokens that the run may take, prompts and answers together, such as 2000000, 2M or 500k, before it ends",
    ),
    text(
        Key::EscalateBelow,
        "escalate_below",
        "--escalate-below",
        "Ask the next provider of the chain where the answer's confidence is below this: high or medium",
    ),
    text(
        Key::RecordsPerRequest,
        "records_per_request",
        "--records-per-request",
        "Records asked about in one request, 1 to 64; more than 1 saves prompt tokens, and may cost care",
    )
    .default("1"),
    path(Key::Registry, "registry", "--registry", Some("judge.db"), "File of clusters and outcomes, made if missing"),
    text(
        Key::Durability,
        "durability",
        "--durability",
        "full: what is judged is on the disk before its row is written; fast: a loss of power (no kill) may take the \
         last outcomes back, to be judged once more",
    )
    .default("full"),
    text(
        Key::BatchId,
        "batch_id",
        "--batch-id",
        "Name of the batch; what is judged under it is skipped by a second run; without it, the input's file stem",
    ),
    path(Key::Out, "out", "--out", Some("-"), "Where rows go: FILE.jsonl, FILE.csv, or - for JSONL on stdout"),
    path(Key::Clusters, "clusters", "--clusters", None, "Clusters to put into the registry first (JSONL, CSV or JSON)"),
    path(Key::Instructions, "instructions", "--instructions", None, "Text file on your business and how to decide"),
    text(
        Key::Language,
        "language",
        "--language",
        "Language of the rationale as a BCP 47 tag such as ru; without it, the record's own",
    ),
    text(
        Key::Timeout,
        "timeout",
        "--timeout",
        "Longest wait for one attempt, such as 120s or 2m; bare numbers are seconds",
    )
    .default("120s"),
    text(
        Key::TotalTimeout,
        "total_timeout",
        "--total-timeout",
        "Longest time for one record, all attempts and waits together; at least the timeout where not given",
    )
    .default("10m"),
    text(Key::Attempts, "attempts", "--attempts", "Attempts at one judgement of a record, 1 to 100; 1 never retries")
        .default("4"),
    text(Key::CandidatesMax, "candidates_max", "--candidates-max", "Most clusters shown for one record, 1 to 1000")
        .default("20"),
    text(
        Key::NewCluster,
        "new_cluster",
        "--no-new-cluster",
        "Whether the judge may propose new clusters; the flag forbids",
    )
    .default("true"),
    text(
        Key::Births,
        "births",
        "--births",
        "Records whose new cluster was proposed while others were born are judged again, at most 3 times: strict \
         always, similar where one is alike, free never (and makes twins)",
    )
    .default("strict"),
    text(
        Key::Temperature,
        "temperature",
        "--temperature",
        "Sampling temperature, 0 to 2; without it, what the provider or its server takes",
    )
    .variable("DEFAULT_TEMPERATURE"),
    text(
        Key::MaxOutputTokens,
        "max_output_tokens",
        "--max-output-tokens",
        "Most tokens generated for one answer, at least 1; without it, the provider's choice",
    )
    .variable("DEFAULT_MAX_TOKENS"),
    text(Key::Seed, "seed", "--seed", "Sampling seed, a whole number from 0; without it, none is sent"),
    text(Key::SliceSize, "slice_size", "--slice-size", "Records in one slice of the batch, 1 to 1000000").default("60"),
    text(
        Key::LogBodies,
        "log_bodies",
        "--log-bodies",
        "Show every request and response body on stderr: prompts are in them, keys never",
    )
    .default("false"),
    path(
        Key::CacheDir,
        "cache_dir",
        "--cache-dir",
        None,
        "Folder of compiled providers; without it, $XDG_CACHE_HOME/judge-host or ~/.cache/judge-host",
    ),
    text(
        Key::Locked,
        "locked",
        "--locked",
        "Load only the components that plugins.lock in the folder of providers names, by their bytes; `providers lock` \
         writes it",
    )
    .variable("JUDGE_HOST_LOCKED")
    .default("false"),
    text(
        Key::TrustedKeys,
        "trusted_keys",
        "--trusted-keys",
        "Minisign public keys, RW… or NAME=RW…, with commas between: a component is loaded only where one of them \
         signed it, in ID.wasm.minisig beside it; without any, signatures are not looked at",
    ),
];

const fn text(key: Key, name: &'static str, flag: &'static str, summary: &'static str) -> Spec {
    Spec { key, name, flag, variable: None, default: None, summary, is_path: false }
}

const fn path(
    key: Key,
    name: &'static str,
    flag: &'static str,
    default: Option<&'static str>,
    summary: &'static str,
) -> Spec {
    Spec { key, name, flag, variable: None, default, summary, is_path: true }
}

impl Spec {
    const fn variable(self, variable: &'static str) -> Self {
        Spec { variable: Some(variable), ..self }
    }

    const fn default(self, default: &'static str) -> Self {
        Spec { default: Some(default), ..self }
    }
}
