use crate::model::{Fault, FaultKind, Usage};

/// Whether a call that came to this fault may have to be paid for. Where so and nobody says how much, what was reserved
/// for it stands as spent; otherwise it is given back.
#[expect(clippy::match_same_arms, reason = "one row a reason")]
pub fn is_charged(fault: &Fault) -> bool {
    if fault.usage != Usage::default() {
        return true;
    }
    if !fault.request_sent {
        return false;
    }
    match fault.kind {
        // Turned away before a model read it.
        FaultKind::RateLimited
        | FaultKind::Overloaded
        | FaultKind::Credentials
        | FaultKind::Quota
        | FaultKind::ModelNotFound
        | FaultKind::InvalidRequest
        | FaultKind::TooLong
        | FaultKind::Unsupported => false,
        // Not charged by those whose prices are known.
        FaultKind::Unavailable => false,
        // Never got there.
        FaultKind::Connect | FaultKind::Tls | FaultKind::Blocked | FaultKind::BadInput => false,
        // A model wrote, or may write still.
        FaultKind::TimedOut | FaultKind::Refused | FaultKind::Truncated | FaultKind::Malformed => true,
        // An answer came, and something else went wrong.
        FaultKind::Trap | FaultKind::Deadline | FaultKind::Memory | FaultKind::TooLarge | FaultKind::Other => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_turned_away_pays_nothing() {
        let sent = |kind| Fault { request_sent: true, ..Fault::new(kind, "x") };
        for (fault, charged) in [
            (sent(FaultKind::RateLimited), false),
            (sent(FaultKind::Unavailable), false),
            (sent(FaultKind::TimedOut), true),
            (sent(FaultKind::Malformed), true),
            (Fault::new(FaultKind::TimedOut, "never sent"), false),
            (
                Fault { usage: Usage { output_tokens: Some(1), ..Usage::default() }, ..sent(FaultKind::Unavailable) },
                true,
            ),
        ] {
            assert_eq!(is_charged(&fault), charged, "{fault:?}");
        }
    }
}
