//! Puts an error's own hint around it, for the printer to find.

use judge_host::config::ConfigError;
use judge_host::conformance::VectorError;
use judge_host::job::sink::TargetError;
use judge_host::job::source::SourceError;
use judge_host::judge::{OpenError, RunError};
use judge_host::provider::{CatalogError, LockError, Refused, UnknownProvider};
use judge_host::registry::RegistryError;
use judge_host::registry::exchange::ExchangeError;
use judge_host::report::hinted;
use judge_host::sandbox::SandboxError;

/// An error that may know what the operator can do.
pub(super) trait Advice: std::error::Error + Send + Sync + 'static {
    fn advice(&self) -> Option<String>;
}

/// The result with the error's hint around it.
pub(super) fn of<T, E: Advice>(result: Result<T, E>) -> anyhow::Result<T> {
    result.map_err(|error| {
        let advice = error.advice();
        hinted(error, advice)
    })
}

/// An error of one sentence, and what to do about it.
pub(super) fn error(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    hinted(Plain(message.into()), Some(hint.into()))
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Plain(String);

macro_rules! advice {
    ($($error:ty => $advice:expr),* $(,)?) => {
        $(impl Advice for $error {
            fn advice(&self) -> Option<String> {
                let advice: fn(&$error) -> Option<String> = $advice;
                advice(self)
            }
        })*
    };
}

advice! {
    CatalogError => |error| Some(error.hint()),
    ConfigError => ConfigError::hint,
    ExchangeError => ExchangeError::hint,
    OpenError => OpenError::hint,
    LockError => |error| Some(error.hint()),
    Refused => |error| error.hint.clone(),
    RegistryError => RegistryError::hint,
    RunError => RunError::hint,
    SandboxError => |_| None,
    SourceError => SourceError::hint,
    TargetError => TargetError::hint,
    UnknownProvider => |error| Some(error.hint()),
    VectorError => |error| Some(error.hint().to_owned()),
}
