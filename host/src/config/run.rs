use super::value::{Given, Origin};
use super::{ChainLink, ConfigError, Key, Layers, card, start_for_vram};
use crate::model::{Births, Confidence, Dedup, Durability, MicroUsd, Parallel, Prices, TrustedKey};
use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

/// Most memory of a GPU, in GB: more than that of any card, and of most racks.
const VRAM_GB_MAX: NonZeroU32 = NonZeroU32::new(4096).expect("is over 0");
/// Most attempts at one record.
const ATTEMPTS_MAX: NonZeroU32 = NonZeroU32::new(100).expect("is over 0");
/// Most clusters shown for one record: the most that answer schemas with an enum of ids may list.
const CANDIDATES_MAX: NonZeroUsize = NonZeroUsize::new(1000).expect("is over 0");
/// Most records in one slice.
const SLICE_SIZE_MAX: NonZeroUsize = NonZeroUsize::new(1_000_000).expect("is over 0");

/// Most records asked about in one request: beyond it, answers grow long and are mixed up.
const RECORDS_PER_REQUEST_MAX: NonZeroUsize = NonZeroUsize::new(64).expect("is over 0");

/// Where the rows go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// JSONL to the standard output.
    Stdout,
    /// A file; its extension says the format.
    File(PathBuf),
}

/// What a run needs to know, whatever the provider; every value in its range.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own, as on the command line")]
pub struct RunConfig {
    /// Folder of the providers.
    pub providers: PathBuf,
    /// The providers that judge, in the order in which they are asked; none where nobody named one.
    pub chain: Vec<ChainLink>,
    /// Records in flight at once.
    pub parallel: Parallel,
    /// Memory of the server's GPU in GB; none where nobody said it.
    pub vram_gb: Option<NonZeroU32>,
    /// Most requests a minute; none leaves it to what the server says.
    pub rpm: Option<NonZeroU32>,
    /// Most tokens a minute, prompts and answers together; none leaves it to what the server says.
    pub tpm: Option<NonZeroU32>,
    /// Most retries as a share of the first calls, in percent, 0 to 100.
    pub retry_budget_percent: u32,
    /// Longest wait for a connection; not over `timeout`.
    pub connect_timeout: Duration,
    /// Longest that records wait for a server that is down.
    pub outage_max: Duration,
    /// Whether a slow call gets a second beside it.
    pub hedge: bool,
    /// Whether records of the same text are judged once.
    pub dedup: Dedup,
    /// Most money that the run may cost.
    pub budget: Option<MicroUsd>,
    /// Most tokens that the run may take.
    pub budget_tokens: Option<NonZeroU64>,
    /// What models cost, by their names as their servers know them.
    pub prices: BTreeMap<String, Prices>,
    /// An answer of less confidence goes on to the next of the chain, which then has at least two; none asks only one.
    pub escalate_below: Option<Confidence>,
    /// Records asked about in one request, 1 to 64.
    pub records_per_request: NonZeroUsize,
    /// File of the registry.
    pub registry: PathBuf,
    /// When a commit is answered.
    pub durability: Durability,
    /// Name of the batch; none means the input's file stem.
    pub batch_id: Option<String>,
    /// Where the rows go.
    pub out: Output,
    /// Clusters to put into the registry first.
    pub clusters: Option<PathBuf>,
    /// File of the operator's words.
    pub instructions: Option<PathBuf>,
    /// Language of the rationale as a BCP 47 tag; none means the record's own.
    pub language: Option<String>,
    /// Longest wait for one attempt.
    pub timeout: Duration,
    /// Longest time for one record, all attempts and waits together.
    pub total_timeout: Duration,
    /// Attempts at one record in all.
    pub attempts: NonZeroU32,
    /// Most clusters shown for one record.
    pub candidates_max: NonZeroUsize,
    /// Whether new clusters may be proposed.
    pub allow_new_cluster: bool,
    /// When they may be born beside others.
    pub births: Births,
    /// Records in one slice.
    pub slice_size: NonZeroUsize,
    /// Whether every request and response body is shown on stderr.
    pub log_bodies: bool,
    /// Folder of compiled providers; none where neither the operator nor the environment names a place.
    pub cache_dir: Option<PathBuf>,
    /// Whether only the components that the folder's lock file names are loaded.
    pub locked: bool,
    /// Keys of which one must have signed a component; none asks for no signature.
    pub trusted_keys: Vec<TrustedKey>,
}

impl RunConfig {
    /// Id of the provider that is asked first; none where nobody named one.
    pub fn provider(&self) -> Option<&str> {
        self.chain.first().map(|link| link.id.as_str())
    }

    /// How many records in flight a run at this level begins with: the fixed number, or what the card is likely to bear,
    /// within the bounds of `auto`.
    pub fn start(&self, level: Parallel) -> NonZeroUsize {
        level.start(self.vram_gb.map_or(card::START, |gb| start_for_vram(gb).start))
    }
}

impl Layers {
    /// What does not depend on the provider, checked.
    ///
    /// # Errors
    /// The first value that cannot be used, with where it came from.
    pub fn run(&self) -> Result<RunConfig, ConfigError> {
        let text = |key| self.given(key).map(|given| given.text()).transpose();
        let path = |key| self.given(key).map(|given| given.path()).transpose();
        // Wrong values of what the provider is told are found here, before anything is loaded.
        self.sampling()?;
        let chain = self.chain()?;
        let escalate_below = self.escalate_below(&chain)?;
        let (connect_timeout, timeout, total_timeout) = self.timeouts()?;
        Ok(RunConfig {
            providers: self.defaulted(Key::Providers).path()?,
            chain,
            parallel: self.defaulted(Key::Parallel).parallel()?,
            vram_gb: self.given(Key::VramGb).map(|given| given.whole(NonZeroU32::MIN..=VRAM_GB_MAX)).transpose()?,
            rpm: self.given(Key::Rpm).map(|given| given.whole(NonZeroU32::MIN..=NonZeroU32::MAX)).transpose()?,
            tpm: self.given(Key::Tpm).map(|given| given.whole(NonZeroU32::MIN..=NonZeroU32::MAX)).transpose()?,
            retry_budget_percent: self.defaulted(Key::RetryBudget).percent()?,
            connect_timeout,
            outage_max: self.defaulted(Key::OutageMax).duration()?,
            hedge: self.defaulted(Key::Hedge).boolean()?,
            dedup: self.defaulted(Key::Dedup).dedup()?,
            budget: self.given(Key::Budget).map(|given| given.budget()).transpose()?,
            budget_tokens: self.given(Key::BudgetTokens).map(|given| given.tokens()).transpose()?,
            prices: self.prices()?,
            escalate_below,
            records_per_request: self
                .defaulted(Key::RecordsPerRequest)
                .whole(NonZeroUsize::MIN..=RECORDS_PER_REQUEST_MAX)?,
            registry: self.defaulted(Key::Registry).path()?,
            durability: self.defaulted(Key::Durability).durability()?,
            batch_id: text(Key::BatchId)?,
            out: match self.defaulted(Key::Out).text()?.as_str() {
                "-" => Output::Stdout,
                file => Output::File(file.into()),
            },
            clusters: path(Key::Clusters)?,
            instructions: path(Key::Instructions)?,
            language: self.given(Key::Language).map(|given| given.language()).transpose()?,
            timeout,
            total_timeout,
            attempts: self.defaulted(Key::Attempts).whole(NonZeroU32::MIN..=ATTEMPTS_MAX)?,
            candidates_max: self.defaulted(Key::CandidatesMax).whole(NonZeroUsize::MIN..=CANDIDATES_MAX)?,
            allow_new_cluster: self.defaulted(Key::NewCluster).boolean()?,
            births: self.defaulted(Key::Births).births()?,
            slice_size: self.defaulted(Key::SliceSize).whole(NonZeroUsize::MIN..=SLICE_SIZE_MAX)?,
            log_bodies: self.defaulted(Key::LogBodies).boolean()?,
            cache_dir: path(Key::CacheDir)?.or_else(|| self.default_cache_dir()),
            locked: self.defaulted(Key::Locked).boolean()?,
            trusted_keys: self.given(Key::TrustedKeys).map_or(Ok(Vec::new()), |given| given.trusted_keys())?,
        })
    }

    fn defaulted(&self, key: Key) -> Given {
        self.given(key).unwrap_or_else(|| Given::new("", Origin::Default(key.spec().name)))
    }

    // A longer wait for one attempt makes no sense without more time for the record, nor one for a connection that is
    // longer than both, so the defaults give way.
    fn timeouts(&self) -> Result<(Duration, Duration, Duration), ConfigError> {
        let timeout = self.defaulted(Key::Timeout).duration()?;
        let total = self.defaulted(Key::TotalTimeout);
        let total_timeout = match total.origin {
            Origin::Default(_) => total.duration()?.max(timeout),
            _ => total.duration()?,
        };
        let connect = self.defaulted(Key::ConnectTimeout);
        let connect_timeout = connect.duration()?;
        let longest = timeout.min(total_timeout);
        match connect.origin {
            Origin::Default(_) => Ok((connect_timeout.min(longest), timeout, total_timeout)),
            _ if connect_timeout > longest => {
                let longest = humantime::format_duration(longest);
                Err(connect
                    .wrong(format!("a time not over the longest for an attempt or a record, which is `{longest}`")))
            }
            _ => Ok((connect_timeout, timeout, total_timeout)),
        }
    }

    // Who names one provider over a chain of a lower layer wants that one asked, and nothing else changed.
    fn escalate_below(&self, chain: &[ChainLink]) -> Result<Option<Confidence>, ConfigError> {
        let Some(given) = self.given(Key::EscalateBelow) else { return Ok(None) };
        let confidence = given.escalate_below()?;
        let over = |provider: Given| provider.origin.rank() > given.origin.rank();
        match chain {
            [_, _, ..] => Ok(Some(confidence)),
            _ if self.given(Key::Provider).is_some_and(over) => Ok(None),
            _ => Err(ConfigError::NoEscalation { origin: given.origin }),
        }
    }

    fn default_cache_dir(&self) -> Option<PathBuf> {
        let xdg = self.environment.get("XDG_CACHE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
        let home = || self.environment.get("HOME").map(|home| PathBuf::from(home).join(".cache"));
        Some(xdg.or_else(home)?.join("judge-host"))
    }
}

#[cfg(test)]
mod tests;
