//! Whose fault a fault of several records in one request is: whether each alone may fare better.

use crate::model::FaultKind;

/// Whether each of the records is asked about alone after this; else the fault stands for all of them.
#[expect(clippy::match_same_arms, reason = "one row a reason")]
pub fn is_mended_alone(kind: FaultKind) -> bool {
    match kind {
        // Less fits: the prompt, the answer, or what the component makes of them.
        FaultKind::TooLong | FaultKind::Truncated | FaultKind::TooLarge => true,
        FaultKind::Deadline | FaultKind::Memory => true,
        // One text may have brought it on all: a filter's, a model's or a component's dislike.
        FaultKind::Refused | FaultKind::Malformed | FaultKind::InvalidRequest | FaultKind::Trap => true,
        // The server, its network or the account there: as many further calls would meet the same.
        FaultKind::RateLimited | FaultKind::Overloaded | FaultKind::Unavailable | FaultKind::TimedOut => false,
        FaultKind::Credentials | FaultKind::Quota | FaultKind::ModelNotFound => false,
        FaultKind::Connect | FaultKind::Tls => false,
        // The setting or the component's request, which is the same for one.
        FaultKind::Unsupported | FaultKind::Blocked => false,
        // Unknown, and as often as not the server's.
        FaultKind::Other => false,
        // The row's own already.
        FaultKind::BadInput => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_may_have_caused_is_asked_again_and_what_a_server_has_is_not() {
        for kind in [FaultKind::TooLong, FaultKind::Truncated, FaultKind::Malformed, FaultKind::Refused] {
            assert!(is_mended_alone(kind), "{kind}");
        }
        for kind in [FaultKind::Credentials, FaultKind::Connect, FaultKind::RateLimited, FaultKind::TimedOut] {
            assert!(!is_mended_alone(kind), "{kind}");
        }
    }
}
