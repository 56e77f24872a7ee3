use super::brief::Briefs;
use crate::provider::Provider;
use std::sync::Arc;

/// A component that judges, with all that was made for it: its profile and its briefs are no other component's. A record
/// is given one of these when it begins and keeps it, whatever comes into service meanwhile.
pub struct Prepared {
    /// Who judges.
    pub provider: Arc<dyn Provider>,
    /// What its preparation returned.
    pub profile: Arc<[u8]>,
    /// The brief that jobs share.
    pub(super) briefs: Briefs,
}

impl Prepared {
    /// A component with what its preparation returned.
    pub fn new(provider: Arc<dyn Provider>, profile: impl Into<Arc<[u8]>>) -> Prepared {
        Prepared { provider, profile: profile.into(), briefs: Briefs::default() }
    }
}
