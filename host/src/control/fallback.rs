//! Whose fault a fault is: whether another provider may judge what one could not.

use crate::model::FaultKind;

/// Whether it makes sense to ask another provider after this.
#[expect(clippy::match_same_arms, reason = "one row a reason")]
pub fn is_mended_by_another(kind: FaultKind) -> bool {
    match kind {
        // The server, its network or the account there.
        FaultKind::RateLimited | FaultKind::Overloaded | FaultKind::Unavailable | FaultKind::TimedOut => true,
        FaultKind::Credentials | FaultKind::Quota | FaultKind::ModelNotFound => true,
        FaultKind::Connect | FaultKind::Tls => true,
        // The model: another has a longer context, another filter, or keeps to the form.
        FaultKind::TooLong | FaultKind::Refused | FaultKind::Truncated | FaultKind::Malformed => true,
        FaultKind::Unsupported => true,
        // The component, or the request that it made.
        FaultKind::Trap | FaultKind::Deadline | FaultKind::Memory | FaultKind::Blocked => true,
        FaultKind::InvalidRequest | FaultKind::TooLarge | FaultKind::Other => true,
        // The row, which is the same for everybody.
        FaultKind::BadInput => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_row_is_bad_for_everybody_and_a_bad_server_is_not() {
        assert!(is_mended_by_another(FaultKind::Quota) && is_mended_by_another(FaultKind::Refused));
        assert!(!is_mended_by_another(FaultKind::BadInput));
    }
}
