use super::value::{Given, Origin};
use super::{ChainLink, ConfigError, Key, Layers, card, start_for_vram};
use crate::model::{Births, Durability, Parallel, TrustedKey};
use std::num::{NonZeroU32, NonZeroUsize};
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
pub struct RunConfig {
    /// Folder of the providers.
    pub providers: PathBuf,
    /// The providers that judge, in the order in which they are asked; none where nobody named one.
    pub chain: Vec<ChainLink>,
    /// Records in flight at once.
    pub parallel: Parallel,
    /// Memory of the server's GPU in GB; none where nobody said it.
    pub vram_gb: Option<NonZeroU32>,
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
        let (timeout, total_timeout) = self.timeouts()?;
        Ok(RunConfig {
            providers: self.defaulted(Key::Providers).path()?,
            chain: self.chain()?,
            parallel: self.defaulted(Key::Parallel).parallel()?,
            vram_gb: self.given(Key::VramGb).map(|given| given.whole(NonZeroU32::MIN..=VRAM_GB_MAX)).transpose()?,
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

    // A longer wait for one attempt makes no sense without more time for the record, so the default gives way.
    fn timeouts(&self) -> Result<(Duration, Duration), ConfigError> {
        let timeout = self.defaulted(Key::Timeout).duration()?;
        let total = self.defaulted(Key::TotalTimeout);
        let total_timeout = match total.origin {
            Origin::Default(_) => total.duration()?.max(timeout),
            _ => total.duration()?,
        };
        Ok((timeout, total_timeout))
    }

    fn default_cache_dir(&self) -> Option<PathBuf> {
        let xdg = self.environment.get("XDG_CACHE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
        let home = || self.environment.get("HOME").map(|home| PathBuf::from(home).join(".cache"));
        Some(xdg.or_else(home)?.join("judge-host"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Flags};
    use crate::control::retry::RetryPolicy;
    use std::path::Path;

    /// The layers of a case: flags by key, variables, and the text of judge.toml.
    fn layers(flags: &[(Key, &str)], environment: Environment, file: &str) -> Layers {
        let dir = tempfile::tempdir().expect("a folder for the test");
        std::fs::write(dir.path().join("judge.toml"), file).expect("the file is written");
        let mut given = Flags::default();
        for (key, value) in flags {
            given.set(*key, Some(*value));
        }
        Layers::read(given, environment, dir.path()).expect("a good file")
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let run = Layers::read(Flags::default(), Environment::default(), Path::new("/nowhere"));
        let run = run.expect("no file").run().expect("good defaults");
        assert_eq!((run.parallel.to_string().as_str(), run.vram_gb), ("5", None));
        assert_eq!(run.attempts.get(), RetryPolicy::default().attempts_max);
        assert_eq!((run.timeout.as_secs(), run.total_timeout.as_secs()), (120, 600));
        assert_eq!((run.candidates_max.get(), run.slice_size.get()), (20, 60));
        assert_eq!((run.providers.as_path(), run.registry.as_path()), (Path::new("plugins"), Path::new("judge.db")));
        assert_eq!(run.out, Output::Stdout);
        assert!(run.allow_new_cluster && !run.log_bodies);
        assert_eq!((run.provider(), &run.cache_dir), (None, &None));
        assert!(!run.locked && run.trusted_keys.is_empty());
    }

    #[test]
    fn the_higher_layer_wins() {
        let env = || Environment::from([("PARALLEL_INFERENCE_BATCH_SIZE", "16"), ("DEFAULT_LLM_PROVIDER", "triton")]);
        let file = "parallel = 8\nprovider = \"openai\"";
        let flags = [(Key::Parallel, "32"), (Key::Provider, "ollama")];
        for (flags, environment, file, parallel, provider) in [
            (&flags[..], env(), file, 32, Some("ollama")),
            (&[], env(), file, 16, Some("triton")),
            (&[], Environment::from([("PARALLEL_INFERENCE_BATCH_SIZE", "")]), file, 8, Some("openai")),
            (&[], Environment::default(), file, 8, Some("openai")),
            (&[], Environment::default(), "", 5, None),
        ] {
            let run = layers(flags, environment, file).run().expect("good layers");
            assert_eq!((run.start(run.parallel).get(), run.provider()), (parallel, provider));
        }
    }

    const PARALLEL: &str = "expected: a whole number from 1 to 4096, or `auto`, or `auto:MIN-MAX` with both from 1 to 4096 \
                            and MIN not over MAX, such as `auto:2-64`";

    #[test]
    fn wrong_values_are_told_with_their_origin() {
        let none = Environment::default;
        let env = |name, value| Environment::from([(name, value)]);
        for (layers, error, hint) in [
            (layers(&[(Key::Parallel, "0")], none(), ""), "wrong value from flag `--parallel`: `0`", PARALLEL),
            (
                layers(&[], env("PARALLEL_INFERENCE_BATCH_SIZE", "many"), ""),
                "wrong value from environment `PARALLEL_INFERENCE_BATCH_SIZE`: `many`",
                PARALLEL,
            ),
            (layers(&[], none(), "parallel = 4097"), "wrong value from `judge.toml: parallel`: `4097`", PARALLEL),
            (
                layers(&[(Key::VramGb, "0")], none(), ""),
                "wrong value from flag `--vram-gb`: `0`",
                "expected: a whole number from 1 to 4096",
            ),
            (
                layers(&[(Key::Attempts, "101")], none(), ""),
                "wrong value from flag `--attempts`: `101`",
                "expected: a whole number from 1 to 100",
            ),
            (
                layers(&[], env("DEFAULT_TEMPERATURE", "hot"), ""),
                "wrong value from environment `DEFAULT_TEMPERATURE`: `hot`",
                "expected: a number from 0 to 2",
            ),
            (
                layers(&[], env("DEFAULT_MAX_TOKENS", "0"), ""),
                "wrong value from environment `DEFAULT_MAX_TOKENS`: `0`",
                "expected: a whole number from 1 to 4294967295",
            ),
            (
                layers(&[], none(), "timeout = \"soon\""),
                "wrong value from `judge.toml: timeout`: `soon`",
                "expected: a time over 0 and up to 24h, such as `120s` or `2m`; a bare number is seconds",
            ),
            (
                layers(&[], none(), "log_bodies = \"maybe\""),
                "wrong value from `judge.toml: log_bodies`: `maybe`",
                "expected: `true` or `false`",
            ),
            (
                layers(&[(Key::Language, "по-русски")], none(), ""),
                "wrong value from flag `--language`: `по-русски`",
                "expected: a BCP 47 tag such as `ru` or `pt-BR`",
            ),
            (
                layers(&[], none(), "trusted_keys = [\"untrusted comment\"]"),
                "wrong value from `judge.toml: trusted_keys`: `untrusted comment`",
                "expected: minisign public keys, each `RW…` (56 characters) or `NAME=RW…`",
            ),
            (
                layers(&[], none(), "trusted_keys = []"),
                "wrong value from `judge.toml: trusted_keys`: ``",
                "expected: minisign public keys, each `RW…` (56 characters) or `NAME=RW…`",
            ),
            (
                layers(&[(Key::BatchId, " ")], none(), ""),
                "wrong value from flag `--batch-id`: ` `",
                "expected: a text that is not empty",
            ),
        ] {
            let told = layers.run().expect_err(error);
            assert_eq!((told.to_string().as_str(), told.hint().as_deref()), (error, Some(hint)));
        }
    }

    #[test]
    fn trusted_keys_are_a_list_with_or_without_names() {
        const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
        let key = |name: Option<&str>| TrustedKey { name: name.map(str::to_owned), base64: KEY.to_owned() };
        let listed = format!("trusted_keys = [\"{KEY}\", \"release={KEY}\"]");
        let flag = format!(" {KEY},ci = {KEY} ");
        for (layers, expected) in [
            (layers(&[], Environment::default(), &listed), vec![key(None), key(Some("release"))]),
            (layers(&[(Key::TrustedKeys, &flag)], Environment::default(), ""), vec![key(None), key(Some("ci"))]),
        ] {
            assert_eq!(layers.run().expect("good keys").trusted_keys, expected);
        }
    }

    #[test]
    fn the_default_total_gives_way_to_a_longer_timeout() {
        for (flags, timeout, total) in [
            (&[(Key::Timeout, "20m")][..], 1200, 1200),
            (&[(Key::Timeout, "20m"), (Key::TotalTimeout, "5m")][..], 1200, 300),
            (&[(Key::Timeout, "30")][..], 30, 600),
        ] {
            let run = layers(flags, Environment::default(), "").run().expect("good layers");
            assert_eq!((run.timeout.as_secs(), run.total_timeout.as_secs()), (timeout, total));
        }
    }

    #[test]
    fn the_cache_lies_where_caches_lie() {
        for (environment, expected) in [
            (Environment::from([("XDG_CACHE_HOME", "/xdg"), ("HOME", "/home/me")]), Some("/xdg/judge-host")),
            (Environment::from([("HOME", "/home/me")]), Some("/home/me/.cache/judge-host")),
            (Environment::from([("XDG_CACHE_HOME", "relative"), ("HOME", "/h")]), Some("/h/.cache/judge-host")),
            (Environment::default(), None),
        ] {
            let run = layers(&[], environment, "").run().expect("good layers");
            assert_eq!(run.cache_dir.as_deref(), expected.map(Path::new));
        }
    }

    #[test]
    fn a_chain_is_a_list_in_the_file_and_has_commas_elsewhere() {
        for (layers, expected) in [
            (layers(&[], Environment::default(), "provider = \"ollama,openai\""), &["ollama", "openai"][..]),
            (layers(&[], Environment::default(), "provider = [\"ollama\", \"openai\"]"), &["ollama", "openai"]),
            (layers(&[], Environment::default(), "[provider]\ndefault = [\"openai:m\"]"), &["openai"]),
            (layers(&[], Environment::from([("DEFAULT_LLM_PROVIDER", "a,b")]), "provider = \"c\""), &["a", "b"]),
            (layers(&[(Key::Provider, "c")], Environment::from([("DEFAULT_LLM_PROVIDER", "a,b")]), ""), &["c"]),
        ] {
            let run = layers.run().expect("good layers");
            assert_eq!(run.chain.iter().map(|link| link.id.as_str()).collect::<Vec<_>>(), expected);
            assert_eq!(run.provider(), expected.first().copied());
        }
    }

    #[test]
    fn a_model_that_no_provider_would_take_is_told() {
        let told = layers(&[(Key::Provider, "a:m,b:n"), (Key::Model, "x")], Environment::default(), "").run();
        let told = told.expect_err("all have models");
        assert_eq!(told.to_string(), "wrong value from flag `--model`: `x`");
        assert_eq!(
            told.hint().as_deref(),
            Some("expected: none: every provider in `provider` is named with its own model")
        );
    }

    #[test]
    fn auto_begins_with_what_the_card_bears_within_its_bounds() {
        for (file, start) in [
            ("parallel = \"auto\"", 5),
            ("parallel = \"auto\"\nvram_gb = 8", 3),
            ("parallel = \"auto\"\nvram_gb = 80", 10),
            ("parallel = \"auto:12-64\"\nvram_gb = 24", 12),
            ("parallel = \"auto:1-2\"", 2),
            ("parallel = 7\nvram_gb = 24", 7),
        ] {
            let run = layers(&[], Environment::default(), file).run().expect("good layers");
            assert_eq!(run.start(run.parallel).get(), start, "{file}");
        }
    }
}
