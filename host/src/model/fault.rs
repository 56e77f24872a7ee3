use super::{RateReport, Usage};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What a fault is, for whoever decides on it. The first fourteen are the contract's; the rest the host makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Too many requests or tokens in a span of time.
    RateLimited,
    /// The server has too much to do.
    Overloaded,
    /// The server cannot be used right now.
    Unavailable,
    /// Nobody answered in time.
    TimedOut,
    /// The key is missing, wrong or lacks permission.
    Credentials,
    /// The account's money or allowance is used up.
    Quota,
    /// The server does not know the model.
    ModelNotFound,
    /// The server says that the request is wrong.
    InvalidRequest,
    /// Prompt and answer do not fit the model's context.
    TooLong,
    /// The model or a filter declined.
    Refused,
    /// The answer was cut off.
    Truncated,
    /// The answer is not what was asked for.
    Malformed,
    /// This server, model or setting cannot do what was asked.
    Unsupported,
    /// None of the others.
    Other,
    /// The component trapped.
    Trap,
    /// The component used up its CPU or wall time.
    Deadline,
    /// The component asked for more memory than its limit.
    Memory,
    /// No connection: refused, unreachable, reset, unknown host.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// A body, a verdict list or a guest's output is over its bound.
    TooLarge,
    /// The host's rules forbid what the component asked for.
    Blocked,
    /// The input row cannot be read as a record.
    BadInput,
}

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it is.
    pub kind: FaultKind,
    /// The server's own code or type, or the host's finer word.
    pub code: Option<String>,
    /// One sentence for people, without prompt, key or body.
    pub message: String,
    /// Not to be tried again before this.
    pub retry_after: Option<Duration>,
    /// What the operator can do about it.
    pub hint: Option<String>,
    /// What the server charged all the same.
    pub usage: Usage,
    /// False where it is certain that the server never saw the request, so that nothing was paid.
    pub request_sent: bool,
    /// What the server told of its rates beside it.
    pub rate: Option<Box<RateReport>>,
}

impl Fault {
    /// The code by which a provider says that the server's card has not the memory for what was asked of it at once.
    pub const OUT_OF_MEMORY: &str = "out-of-memory";

    /// A fault of a kind, with its sentence.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Fault {
            kind,
            code: None,
            message: message.into(),
            retry_after: None,
            hint: None,
            usage: Usage::default(),
            request_sent: false,
            rate: None,
        }
    }

    /// The same, with the finer word.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The same, with what the operator can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for Fault {}
