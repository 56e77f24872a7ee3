use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// What was asked for.
pub(crate) struct Options {
    pub(crate) host: PathBuf,
    pub(crate) providers: PathBuf,
    pub(crate) records: usize,
    pub(crate) parallel: usize,
    pub(crate) delay: Duration,
}

impl Options {
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
        let mut options = Options {
            host: PathBuf::new(),
            providers: PathBuf::new(),
            records: 2000,
            parallel: 64,
            delay: Duration::from_millis(20),
        };
        while let Some(flag) = arguments.next() {
            let value = arguments.next().with_context(|| format!("`{flag}` lacks its value"))?;
            match flag.as_str() {
                "--host" => options.host = std::path::absolute(value)?,
                "--providers" => options.providers = std::path::absolute(value)?,
                "--records" => options.records = number(&flag, &value)?,
                "--parallel" => options.parallel = number(&flag, &value)?,
                "--delay-ms" => options.delay = Duration::from_millis(number(&flag, &value)?),
                _ => bail!("unknown argument: `{flag}`"),
            }
        }
        if options.host.as_os_str().is_empty() || options.providers.as_os_str().is_empty() {
            bail!("`--host PATH` and `--providers DIR` are needed");
        }
        if options.parallel < 2 {
            bail!("with fewer than 2 in flight there is nothing to compare: `--parallel {}`", options.parallel);
        }
        Ok(options)
    }
}

fn number<N: FromStr<Err: std::error::Error + Send + Sync + 'static>>(flag: &str, value: &str) -> Result<N> {
    value.parse().with_context(|| format!("`{flag}` takes a number: `{value}`"))
}
