use super::ENDPOINT_HELP;
use clap::Args;
use judge_host::config::{Flags, Key};

/// How to judge: what `judge` and `bench` share.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct Knobs {
    /// [`Key::Provider`]
    #[arg(long, value_name = "ID,…", help = Key::Provider.help())]
    pub(in crate::cli) provider: Option<String>,
    /// Base URLs of the provider's servers
    #[arg(long = "endpoint", value_name = "URL", help = ENDPOINT_HELP)]
    pub(in crate::cli) endpoints: Vec<String>,
    /// Where the provider's server shows its gauges, as Prometheus text: a URL such as http://gpu:8002/metrics [judge.toml:
    /// provider.ID.metrics]
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) metrics: Option<String>,
    /// [`Key::Model`]
    #[arg(long, value_name = "NAME", help = Key::Model.help())]
    pub(in crate::cli) model: Option<String>,
    /// Environment variable that holds the key [default: OPENAI_API_KEY, ANTHROPIC_API_KEY or OPENROUTER_API_KEY, and
    /// only towards that vendor's own server] [judge.toml: provider.ID.api_key_env]
    #[arg(long, value_name = "VAR")]
    pub(in crate::cli) api_key_env: Option<String>,
    /// Send the key by plain HTTP to another machine, too: all on the way can read it [judge.toml:
    /// provider.ID.allow_plain_http]
    #[arg(long)]
    pub(in crate::cli) allow_plain_http: bool,
    /// A setting of the provider; may be repeated. `providers` lists them [judge.toml: provider.ID.settings]
    #[arg(long = "setting", value_name = "KEY=VALUE")]
    pub(in crate::cli) settings: Vec<String>,
    /// [`Key::Clusters`]
    #[arg(long, value_name = "FILE", help = Key::Clusters.help())]
    pub(in crate::cli) clusters: Option<String>,
    /// Judge at most this many records, from 1; those judged already do not count [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) limit: Option<u64>,
    /// [`Key::Instructions`]
    #[arg(long, value_name = "FILE", help = Key::Instructions.help())]
    pub(in crate::cli) instructions: Option<String>,
    /// [`Key::Language`]
    #[arg(long, value_name = "TAG", help = Key::Language.help())]
    pub(in crate::cli) language: Option<String>,
    /// [`Key::Timeout`]
    #[arg(long, value_name = "TIME", help = Key::Timeout.help())]
    pub(in crate::cli) timeout: Option<String>,
    /// [`Key::TotalTimeout`]
    #[arg(long, value_name = "TIME", help = Key::TotalTimeout.help())]
    pub(in crate::cli) total_timeout: Option<String>,
    /// [`Key::Attempts`]
    #[arg(long, value_name = "N", help = Key::Attempts.help())]
    pub(in crate::cli) attempts: Option<String>,
    /// [`Key::CandidatesMax`]
    #[arg(long, value_name = "N", help = Key::CandidatesMax.help())]
    pub(in crate::cli) candidates_max: Option<String>,
    /// [`Key::NewCluster`]
    #[arg(long, help = Key::NewCluster.help())]
    pub(in crate::cli) no_new_cluster: bool,
    /// [`Key::Births`]
    #[arg(long, value_name = "WHEN", help = Key::Births.help())]
    pub(in crate::cli) births: Option<String>,
    /// [`Key::Temperature`]
    #[arg(long, value_name = "F", allow_negative_numbers = true, help = Key::Temperature.help())]
    pub(in crate::cli) temperature: Option<String>,
    /// [`Key::MaxOutputTokens`]
    #[arg(long, value_name = "N", help = Key::MaxOutputTokens.help())]
    pub(in crate::cli) max_output_tokens: Option<String>,
    /// [`Key::Seed`]
    #[arg(long, value_name = "N", help = Key::Seed.help())]
    pub(in crate::cli) seed: Option<String>,
    /// [`Key::SliceSize`]
    #[arg(long, value_name = "N", help = Key::SliceSize.help())]
    pub(in crate::cli) slice_size: Option<String>,
    /// [`Key::LogBodies`]
    #[arg(long, help = Key::LogBodies.help())]
    pub(in crate::cli) log_bodies: bool,
}

impl Knobs {
    /// Puts what was given.
    pub(super) fn put(&self, flags: &mut Flags) {
        for (key, value) in [
            (Key::Provider, &self.provider),
            (Key::Model, &self.model),
            (Key::Clusters, &self.clusters),
            (Key::Instructions, &self.instructions),
            (Key::Language, &self.language),
            (Key::Timeout, &self.timeout),
            (Key::TotalTimeout, &self.total_timeout),
            (Key::Attempts, &self.attempts),
            (Key::CandidatesMax, &self.candidates_max),
            (Key::Births, &self.births),
            (Key::Temperature, &self.temperature),
            (Key::MaxOutputTokens, &self.max_output_tokens),
            (Key::Seed, &self.seed),
            (Key::SliceSize, &self.slice_size),
        ] {
            flags.set(key, value.as_deref());
        }
        flags.set(Key::NewCluster, self.no_new_cluster.then_some("false"));
        flags.set(Key::LogBodies, self.log_bodies.then_some("true"));
        flags.endpoints.clone_from(&self.endpoints);
        flags.metrics.clone_from(&self.metrics);
        flags.api_key_env.clone_from(&self.api_key_env);
        flags.allow_plain_http = self.allow_plain_http;
        flags.settings.clone_from(&self.settings);
    }
}
