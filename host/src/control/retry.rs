//! When to try again after a fault: decided by its kind, with full jitter and the server's own wish as a floor.

use crate::model::{Fault, FaultKind};
use std::time::Duration;

/// The wait before the first retry lies below this; it doubles from retry to retry.
pub const BACKOFF_BASE: Duration = Duration::from_millis(500);
/// No wait of our own choice is longer than this.
pub const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// A server that asks for a longer wait than this is taken at its word, but not waited for: the record fails.
pub const RETRY_AFTER_MAX: Duration = Duration::from_mins(10);

/// How often a kind of fault may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retryable {
    /// Trying again gives the same fault, or costs the operator's trust.
    Never,
    /// Chance had a part in it; twice in a row is no chance.
    Once,
    /// It passes by itself: as often as the policy allows.
    Always,
}

/// How a kind is treated.
#[expect(clippy::match_same_arms, reason = "one row a reason")]
pub fn retryable(kind: FaultKind) -> Retryable {
    match kind {
        // Passes with time.
        FaultKind::RateLimited | FaultKind::Overloaded | FaultKind::Unavailable => Retryable::Always,
        // The network, or a server that restarts.
        FaultKind::TimedOut | FaultKind::Connect => Retryable::Always,
        // Sampling may go better; at temperature 0 a batching server still varies.
        FaultKind::Malformed | FaultKind::Truncated => Retryable::Once,
        // A fresh instance may fare better under another load; a deterministic bug will not.
        FaultKind::Trap | FaultKind::Deadline | FaultKind::Memory => Retryable::Once,
        // Unknown: once, so that a bad code in a provider does not burn money.
        FaultKind::Other => Retryable::Once,
        // A person must change something first.
        FaultKind::Credentials | FaultKind::Quota | FaultKind::ModelNotFound | FaultKind::Tls => Retryable::Never,
        // The same request gets the same answer.
        FaultKind::InvalidRequest
        | FaultKind::TooLong
        | FaultKind::Refused
        | FaultKind::Unsupported
        | FaultKind::TooLarge
        | FaultKind::Blocked
        | FaultKind::BadInput => Retryable::Never,
    }
}

/// How far a record is pursued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; at least 1.
    pub attempts_max: u32,
    /// The bound of the first wait.
    pub backoff_base: Duration,
    /// The bound of every wait of our own choice.
    pub backoff_max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy { attempts_max: 4, backoff_base: BACKOFF_BASE, backoff_max: BACKOFF_MAX }
    }
}

impl RetryPolicy {
    /// How long to wait before the next attempt, or none where this fault is final.
    ///
    /// `attempts` are those made so far, `left` is what remains of the record's total time, `chance` is a random
    /// number in 0..1. Full jitter: any wait up to the bound is as likely as another. A `Retry-After` is a floor,
    /// with a little jitter on top so that those who were told the same do not come back in one instant.
    pub fn wait(&self, fault: &Fault, attempts: u32, left: Duration, chance: f64) -> Option<Duration> {
        let attempts_max = match retryable(fault.kind) {
            Retryable::Never => 1,
            Retryable::Once => self.attempts_max.min(2),
            Retryable::Always => self.attempts_max,
        };
        if attempts >= attempts_max {
            return None;
        }
        let bound = self.backoff_base.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(self.backoff_max);
        let own = bound.mul_f64(chance);
        let wait = match fault.retry_after {
            Some(floor) if floor > RETRY_AFTER_MAX => return None,
            Some(floor) => own.max(floor + self.backoff_base.mul_f64(chance)),
            None => own,
        };
        (wait < left).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    fn fault(kind: FaultKind, retry_after_ms: Option<u64>) -> Fault {
        Fault { retry_after: retry_after_ms.map(Duration::from_millis), ..Fault::new(kind, "x") }
    }

    #[test]
    fn full_jitter_doubles_its_bound_and_stops_at_the_maximum() {
        let policy = RetryPolicy { attempts_max: 100, ..RetryPolicy::default() };
        let overloaded = fault(FaultKind::Overloaded, None);
        let bound = |attempts| policy.wait(&overloaded, attempts, LONG, 1.0).expect("a retry is left");
        assert_eq!(bound(1), BACKOFF_BASE);
        assert_eq!(bound(2), BACKOFF_BASE * 2);
        assert_eq!(bound(3), BACKOFF_BASE * 4);
        assert_eq!(bound(20), BACKOFF_MAX);
        assert_eq!(bound(99), BACKOFF_MAX);
        assert_eq!(policy.wait(&overloaded, 3, LONG, 0.0), Some(Duration::ZERO), "any wait up to the bound may come");
    }

    #[test]
    fn retry_after_is_a_floor_whatever_the_chance() {
        let policy = RetryPolicy::default();
        let limited = fault(FaultKind::RateLimited, Some(7_000));
        for chance in [0.0, 0.3, 0.999] {
            let wait = policy.wait(&limited, 1, LONG, chance).expect("a retry is left");
            assert!(wait >= Duration::from_secs(7), "{wait:?} at chance {chance}");
            assert!(wait <= Duration::from_secs(7) + BACKOFF_BASE, "{wait:?} at chance {chance}");
        }
    }

    #[test]
    fn waits_that_cannot_end_in_time_are_not_begun() {
        let policy = RetryPolicy::default();
        let limited = fault(FaultKind::RateLimited, Some(7_000));
        assert_eq!(policy.wait(&limited, 1, Duration::from_secs(5), 0.5), None);
        assert_eq!(policy.wait(&fault(FaultKind::RateLimited, Some(3_600_000)), 1, LONG * 9, 0.5), None);
    }

    #[test]
    fn attempts_are_bounded_by_kind() {
        let policy = RetryPolicy { attempts_max: 4, ..RetryPolicy::default() };
        let allowed = |kind| (1..20).take_while(|n| policy.wait(&fault(kind, None), *n, LONG, 0.5).is_some()).count();
        for (kind, retries) in [
            (FaultKind::RateLimited, 3),
            (FaultKind::Connect, 3),
            (FaultKind::TimedOut, 3),
            (FaultKind::Malformed, 1),
            (FaultKind::Trap, 1),
            (FaultKind::Credentials, 0),
            (FaultKind::Quota, 0),
            (FaultKind::ModelNotFound, 0),
            (FaultKind::InvalidRequest, 0),
            (FaultKind::Refused, 0),
            (FaultKind::Blocked, 0),
        ] {
            assert_eq!(allowed(kind), retries, "{kind}");
        }
        let single = RetryPolicy { attempts_max: 1, ..policy };
        assert_eq!(single.wait(&fault(FaultKind::Connect, None), 1, LONG, 0.5), None, "`--attempts 1` never retries");
    }
}
