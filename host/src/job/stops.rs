use super::Drain;
use crate::control::breaker::{Stop, Turning};
use crate::model::Fault;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Changes that are kept to be told of; the oldest goes when there are more.
const CHANGES_KEPT: usize = 32;

/// Why a run ended before its input, though nobody asked it to. What was not begun stays for the next run.
#[derive(Clone, Debug, PartialEq)]
pub enum StopReason {
    /// A provider's server asks for what only a person can give: a key, money, a model.
    Person {
        /// The provider's id.
        provider: String,
        /// The last fault of them.
        fault: Fault,
    },
    /// A provider's servers were down for longer than is waited for.
    Outage {
        /// The provider's id.
        provider: String,
        /// The fault of the last that was tried.
        fault: Fault,
        /// How long.
        lasted: Duration,
    },
    /// The budget is used up.
    Budget,
    /// The budget is in money, and what records cost is not known.
    CostUnknown,
    /// The budget is in tokens, and what records take is not known.
    TokensUnknown,
}

/// A server that went or came back.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerChange {
    /// It is left alone.
    Down {
        /// The id of its provider.
        provider: String,
        /// Scheme, host and port; empty where there is none to tell.
        server: String,
        /// Why.
        fault: Fault,
    },
    /// It is asked no more in this run; others are.
    Lost {
        /// The id of its provider.
        provider: String,
        /// Scheme, host and port; empty where there is none to tell.
        server: String,
        /// Why.
        fault: Fault,
    },
    /// It is asked again.
    Back {
        /// The id of its provider.
        provider: String,
        /// Scheme, host and port; empty where there is none to tell.
        server: String,
        /// How long it was left alone.
        after: Duration,
    },
}

/// What ends a run from within, and what is told of its servers on the way.
#[derive(Debug, Default)]
pub struct Stops {
    drain: Drain,
    reason: OnceLock<StopReason>,
    changes: Mutex<VecDeque<ServerChange>>,
}

impl Stops {
    /// Ends a run by this switch.
    pub fn by(drain: Drain) -> Self {
        Stops { drain, ..Stops::default() }
    }

    /// Ends the run: nothing further is begun. The first reason is the one that is told.
    pub fn stop(&self, reason: StopReason) {
        let _ = self.reason.set(reason);
        self.drain.begin();
    }

    /// Why the run was ended, if it was.
    pub fn reason(&self) -> Option<&StopReason> {
        self.reason.get()
    }

    /// What changed since this was asked last.
    pub fn changes(&self) -> Vec<ServerChange> {
        self.kept().drain(..).collect()
    }

    /// Takes in what a call did to its server's breaker.
    pub(super) fn turned(&self, turning: Turning, provider: &str, server: &str) {
        let (provider, server) = (provider.to_owned(), server.to_owned());
        let change = match turning {
            Turning::Opened { fault, .. } => ServerChange::Down { provider, server, fault: *fault },
            Turning::Closed { after } => ServerChange::Back { provider, server, after },
            Turning::Stop(Stop::Person { fault, .. } | Stop::Outage { fault, .. }) => {
                ServerChange::Lost { provider, server, fault: *fault }
            }
        };
        let mut kept = self.kept();
        if kept.len() == CHANGES_KEPT {
            kept.pop_front();
        }
        kept.push_back(change);
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<ServerChange>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StopReason {
    /// The reason of a breaker.
    pub(super) fn of(stop: Stop, provider: &str) -> Self {
        let provider = provider.to_owned();
        match stop {
            Stop::Person { fault, .. } => StopReason::Person { provider, fault: *fault },
            Stop::Outage { fault, lasted } => StopReason::Outage { provider, fault: *fault, lasted },
        }
    }

    /// The word that stands for it in a summary.
    pub fn word(&self) -> &'static str {
        match self {
            StopReason::Person { .. } => "person-needed",
            StopReason::Outage { .. } => "outage",
            StopReason::Budget => "budget",
            StopReason::CostUnknown => "cost-unknown",
            StopReason::TokensUnknown => "tokens-unknown",
        }
    }

    /// What the operator can do about it.
    pub fn hint(&self) -> String {
        let again = "the same command again goes on where it stopped";
        match self {
            StopReason::Person { fault, .. } => {
                fault.hint.as_ref().map_or_else(|| again.to_owned(), |hint| format!("{hint}; then {again}"))
            }
            StopReason::Outage { .. } => format!("when the server is back, {again}; `--outage-max` waits longer"),
            StopReason::Budget => format!("{again}, with a budget of its own"),
            StopReason::CostUnknown => {
                "give the model's prices in judge.toml under [prices.\"MODEL\"], or bound the tokens with `--budget-tokens`"
                    .to_owned()
            }
            StopReason::TokensUnknown => {
                "its server counts no tokens: bound the money with `--budget`, or the records with `--limit`".to_owned()
            }
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StopReason::Person { provider, fault } => {
                write!(f, "provider `{provider}` needs a person, not more records: {fault}")
            }
            StopReason::Outage { provider, fault, lasted } => {
                let lasted = humantime::format_duration(Duration::from_secs(lasted.as_secs()));
                write!(f, "provider `{provider}` was down for {lasted}: {fault}")
            }
            StopReason::Budget => f.write_str("the budget is used up"),
            StopReason::CostUnknown => f.write_str("what records cost is not known, and the budget is in money"),
            StopReason::TokensUnknown => f.write_str("what records take is not known, and the budget is in tokens"),
        }
    }
}

impl fmt::Display for ServerChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |provider: &str, server: &str| match server {
            "" => format!("the server of `{provider}`"),
            server => format!("{server} (`{provider}`)"),
        };
        match self {
            ServerChange::Down { provider, server, fault } => {
                let named = named(provider, server);
                write!(f, "{named} is left alone until it answers a probe: {fault}; records wait")
            }
            ServerChange::Lost { provider, server, fault } => {
                write!(f, "{} is asked no more: {fault}; others go on", named(provider, server))
            }
            ServerChange::Back { provider, server, after } => {
                let after = humantime::format_duration(Duration::from_secs(after.as_secs()));
                write!(f, "{} is back after {after}", named(provider, server))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FaultKind;

    #[test]
    fn the_first_reason_is_told_and_ends_the_run() {
        let drain = Drain::default();
        let stops = Stops::by(drain.clone());
        assert!(!drain.begun() && stops.reason().is_none());
        stops.stop(StopReason::Budget);
        stops.stop(StopReason::CostUnknown);
        assert!(drain.begun());
        assert_eq!(stops.reason(), Some(&StopReason::Budget));
    }

    #[test]
    fn changes_are_told_once_and_only_so_many_are_kept() {
        let stops = Stops::default();
        let fault = Fault::new(FaultKind::Connect, "refused");
        for seconds in 0..40 {
            stops.turned(Turning::Closed { after: Duration::from_secs(seconds) }, "ollama", "http://gpu:11434");
        }
        stops.turned(Turning::Opened { fault: Box::new(fault), until: Duration::ZERO }, "ollama", "http://gpu:11434");
        let told: Vec<_> = stops.changes().iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), CHANGES_KEPT);
        assert_eq!(told[0], "http://gpu:11434 (`ollama`) is back after 9s");
        assert!(
            told[CHANGES_KEPT - 1].starts_with("http://gpu:11434 (`ollama`) is left alone until it answers a probe: ")
        );
        assert!(stops.changes().is_empty());
    }
}
