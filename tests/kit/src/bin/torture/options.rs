use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::str::FromStr;

/// What was asked for.
pub(crate) struct Options {
    pub(crate) host: PathBuf,
    pub(crate) providers: PathBuf,
    pub(crate) kills: u64,
    pub(crate) records: usize,
    pub(crate) parallel: usize,
    pub(crate) seed: u64,
    pub(crate) durability: String,
}

impl Options {
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
        let mut options = Options {
            host: PathBuf::new(),
            providers: PathBuf::new(),
            kills: 1000,
            records: 400,
            parallel: 64,
            seed: 1,
            durability: "full".to_owned(),
        };
        while let Some(flag) = arguments.next() {
            let value = arguments.next().with_context(|| format!("`{flag}` lacks its value"))?;
            match flag.as_str() {
                "--host" => options.host = std::path::absolute(value)?,
                "--providers" => options.providers = std::path::absolute(value)?,
                "--kills" => options.kills = number(&flag, &value)?,
                "--records" => options.records = number(&flag, &value)?,
                "--parallel" => options.parallel = number(&flag, &value)?,
                "--seed" => options.seed = number(&flag, &value)?,
                "--durability" => options.durability = value,
                _ => bail!("unknown argument: `{flag}`"),
            }
        }
        if options.host.as_os_str().is_empty() || options.providers.as_os_str().is_empty() {
            bail!("`--host PATH` and `--providers DIR` are needed");
        }
        Ok(options)
    }

    /// Numbers from 0 up to a bound, the same for the same seed.
    pub(crate) fn random(&self) -> impl FnMut(u64) -> u64 + use<> {
        let mut state = self.seed;
        move |below| {
            // SplitMix64.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % below.max(1)
        }
    }
}

fn number<N: FromStr<Err: std::error::Error + Send + Sync + 'static>>(flag: &str, value: &str) -> Result<N> {
    value.parse().with_context(|| format!("`{flag}` takes a number: `{value}`"))
}
