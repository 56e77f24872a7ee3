use super::Policy;
use crate::config::ProxyVariables;
use crate::control::limit::Limit;
use crate::control::rate::RateRule;
use crate::control::retry::RetryPolicy;
use crate::model::{Births, Dedup, Instructions, Prices, Settings, TrustedKey};
use crate::transport::{Secret, TransportLimits};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What a judge is made of. `Default` gives the binary's defaults; `provider` must be named.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own, as on the command line")]
pub struct JudgeOptions {
    /// Folder of the provider components.
    pub providers: PathBuf,
    /// Id of the provider that judges.
    pub provider: String,
    /// Base URLs of the servers, which share the records; none takes the provider's default.
    pub endpoints: Vec<String>,
    /// Model as the API knows it; none takes the provider's default.
    pub model: Option<String>,
    /// The key, put into the header that the provider names. No component ever sees it.
    pub api_key: Option<Secret>,
    /// Whether the key may go unencrypted, by plain HTTP, to a server on another machine.
    pub allow_plain_http: bool,
    /// The proxies; none takes those of the process's environment. `Some(ProxyVariables::default())` uses no proxy.
    pub proxies: Option<ProxyVariables>,
    /// Sampling temperature, 0.0 to 2.0; none leaves it to the provider.
    pub temperature: Option<f64>,
    /// Upper bound of generated tokens for one answer; none leaves it to the provider.
    pub max_output_tokens: Option<u32>,
    /// Sampling seed.
    pub seed: Option<u64>,
    /// The provider's own settings.
    pub settings: Vec<(String, String)>,
    /// The operator's words on how to decide; may be empty.
    pub instructions: String,
    /// Language of the rationale as a BCP 47 tag; none means the record's own.
    pub language: Option<String>,
    /// Whether a new cluster is an allowed decision.
    pub allow_new_cluster: bool,
    /// The most records that one request asks about, 1 to 64; more than 1 saves prompt tokens, and may cost care.
    pub records_per_request: usize,
    /// The most candidates that one job shows for each of its records.
    pub candidates_max: usize,
    /// When a new cluster may be born beside others.
    pub births: Births,
    /// Registry file; none keeps the registry in a temporary file, gone with the judge.
    pub registry: Option<PathBuf>,
    /// The batch that outcomes are committed under.
    pub batch_id: String,
    /// Records judged at one time: a number that all servers share, or what each is found to bear.
    pub parallel: Limit,
    /// How fast each server may be asked; none is as fast as it says.
    pub rate: RateRule,
    /// What the model's tokens cost; none where nobody said it.
    pub prices: Option<Prices>,
    /// Whether records of the same text are judged once.
    pub dedup: Dedup,
    /// Whether a call that takes unusually long gets a second beside it.
    pub hedge: bool,
    /// Attempts for one record in all, from 1.
    pub attempts: u32,
    /// The longest that one attempt may take.
    pub timeout: Duration,
    /// The longest that a record may take, attempts and waits together.
    pub total_timeout: Duration,
    /// Records a slice.
    pub slice_size: u64,
    /// Whether only the components that the folder's `plugins.lock` names are loaded.
    pub locked: bool,
    /// Keys of which one must have signed a component; none asks for no signature.
    pub trusted_keys: Vec<TrustedKey>,
    /// Whether a newer component of the provider is taken into service as soon as it comes; see [`Judge::follow`].
    ///
    /// [`Judge::follow`]: super::Judge::follow
    pub follow: bool,
    /// Folder for compiled components; none compiles them anew each time.
    pub cache_dir: Option<PathBuf>,
}

impl Default for JudgeOptions {
    fn default() -> Self {
        JudgeOptions {
            providers: "plugins".into(),
            provider: String::new(),
            endpoints: Vec::new(),
            model: None,
            api_key: None,
            allow_plain_http: false,
            proxies: None,
            temperature: None,
            max_output_tokens: None,
            seed: None,
            settings: Vec::new(),
            instructions: String::new(),
            language: None,
            allow_new_cluster: true,
            records_per_request: 1,
            candidates_max: 20,
            births: Births::default(),
            registry: None,
            batch_id: "default".to_owned(),
            parallel: Limit::fixed(5),
            rate: RateRule::default(),
            prices: None,
            dedup: Dedup::default(),
            hedge: false,
            attempts: RetryPolicy::default().attempts_max,
            timeout: TransportLimits::default().attempt,
            total_timeout: Duration::from_mins(10),
            slice_size: 60,
            locked: false,
            trusted_keys: Vec::new(),
            follow: true,
            cache_dir: None,
        }
    }
}

impl JudgeOptions {
    /// How the provider judges, once the model is known.
    pub(super) fn settings(&self, model: String) -> Settings {
        let mut extra = self.settings.clone();
        extra.sort();
        let JudgeOptions { temperature, max_output_tokens, seed, .. } = *self;
        Settings { model, temperature, max_output_tokens, seed, extra }
    }

    /// How records are judged.
    pub(super) fn policy(&self) -> Policy {
        Policy {
            instructions: Arc::new(Instructions {
                text: self.instructions.clone(),
                rationale_language: self.language.clone(),
            }),
            allow_new_cluster: self.allow_new_cluster,
            records_per_request: self.records_per_request,
            candidates_max: self.candidates_max,
            births: self.births,
            retry: RetryPolicy { attempts_max: self.attempts.max(1), ..RetryPolicy::default() },
            total_timeout: self.total_timeout,
            dedup: self.dedup,
            hedge: self.hedge,
            limit: self.parallel.clone(),
            slice_size: self.slice_size.max(1),
            ..Policy::default()
        }
    }
}
