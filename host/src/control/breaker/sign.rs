use crate::model::{Fault, FaultKind};

/// What the end of a call says of the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answers, whatever the answer is good for.
    Up,
    /// It answers that it has too much to do. Many of these alone are as good as none: a load balancer says the same
    /// where nothing is left behind it.
    Busy,
    /// It does not answer, or for it a proxy that cannot reach it.
    Down,
    /// Nothing.
    Unknown,
}

impl Health {
    /// What a fault says of the endpoint.
    #[expect(clippy::match_same_arms, reason = "one row a reason")]
    pub fn of_fault(fault: &Fault) -> Self {
        match fault.kind {
            // The server itself tells how its card is.
            _ if fault.code.as_deref() == Some(Fault::OUT_OF_MEMORY) => Health::Busy,
            // Nobody there, or nobody who can prove who they are.
            FaultKind::Connect | FaultKind::Tls => Health::Down,
            // 500, 502 and pages of a proxy; a model that is not loaded.
            FaultKind::Unavailable => Health::Down,
            // A hung server keeps its connections.
            FaultKind::TimedOut => Health::Down,
            FaultKind::Overloaded => Health::Busy,
            // Somebody counts, and is there to say so.
            FaultKind::RateLimited => Health::Up,
            // Somebody looked at the key, the account, the model or the request.
            FaultKind::Credentials
            | FaultKind::Quota
            | FaultKind::ModelNotFound
            | FaultKind::InvalidRequest
            | FaultKind::TooLong
            | FaultKind::Unsupported => Health::Up,
            // A model wrote something, or declined to.
            FaultKind::Refused | FaultKind::Truncated | FaultKind::Malformed => Health::Up,
            // The component's affair, or a rule of our own; perhaps nothing was sent.
            FaultKind::Trap
            | FaultKind::Deadline
            | FaultKind::Memory
            | FaultKind::TooLarge
            | FaultKind::Blocked
            | FaultKind::BadInput => Health::Unknown,
            // The provider itself does not know.
            FaultKind::Other => Health::Unknown,
        }
    }
}

/// Whether nothing goes well before a person has changed something: the key, the bill, the model's name, the
/// certificate. Every record would fail alike.
pub fn needs_person(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::Credentials | FaultKind::Quota | FaultKind::ModelNotFound | FaultKind::Tls)
}
