//! Faults, by kind. A provider names what went wrong; whether and when to try again is the host's affair.

use crate::{Fault, FaultKind, Usage};

impl Fault {
    /// A fault of a kind, with one sentence for people: no prompt, no key, no body.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Fault {
            kind,
            code: None,
            message: message.into(),
            retry_after_ms: None,
            hint: None,
            usage: Usage::default(),
            extras: Vec::new(),
        }
    }

    /// The fault of a setting whose value cannot be read.
    pub fn bad_setting(name: &str, value: &str) -> Self {
        let shown: String = value.chars().take(40).collect();
        Fault::new(FaultKind::InvalidRequest, format!("setting `{name}` has a value that it cannot have: {shown}"))
            .code("bad-setting")
            .hint(format!("correct or drop `--setting {name}=VALUE`"))
    }

    /// The same, with the server's own code or type.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The same, with what the operator can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, not to be tried again before this many milliseconds.
    #[must_use]
    pub fn retry_after_ms(mut self, milliseconds: Option<u64>) -> Self {
        self.retry_after_ms = milliseconds;
        self
    }

    /// The same, with what the server charged all the same.
    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }
}

/// The answer is not what was asked for; `code` says in which way.
pub fn malformed(code: &str, message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Malformed, message).code(code)
}

/// The operator's request or setting is wrong.
pub fn invalid_request(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::InvalidRequest, message)
}

/// The server does not know the model.
pub fn model_not_found(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::ModelNotFound, message)
}

/// The answer was cut off; its usage is charged all the same.
pub fn truncated(message: impl Into<String>, usage: Usage) -> Fault {
    Fault::new(FaultKind::Truncated, message).usage(usage)
}

/// The model or a filter in front of it declined.
pub fn refused(message: impl Into<String>, usage: Usage) -> Fault {
    Fault::new(FaultKind::Refused, message).usage(usage)
}

/// None of the named kinds.
pub fn other(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Other, message)
}
