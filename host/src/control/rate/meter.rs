use super::bucket::Bucket;
use crate::model::Allowance;
use std::time::Duration;

/// A server that says that its allowance is used up for longer than this is asked again after it: its next answer
/// tells anew.
pub const HOLD_MAX: Duration = Duration::from_mins(10);

/// One of the things that servers count: what it may be taken of, and from when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meter {
    /// The operator's grant a minute.
    own: Option<u64>,
    /// None where nobody has set a limit.
    bucket: Option<Bucket>,
    /// The allowance is used up until then.
    held_until: Duration,
}

impl Meter {
    pub(super) fn new(own: Option<u64>) -> Self {
        Meter { own, bucket: own.map(Bucket::new), held_until: Duration::ZERO }
    }

    pub(super) fn per_minute(&self) -> Option<u64> {
        self.bucket.map(|bucket| bucket.per_minute())
    }

    pub(super) fn held_until(&self) -> Duration {
        self.held_until
    }

    pub(super) fn ready_at(&self, cost: u64) -> Duration {
        self.bucket.map_or(Duration::ZERO, |bucket| bucket.ready_at(cost)).max(self.held_until)
    }

    pub(super) fn take(&mut self, at: Duration, cost: u64) {
        if let Some(bucket) = &mut self.bucket {
            bucket.take(at, cost);
        }
    }

    pub(super) fn give_back(&mut self, cost: u64) {
        if let Some(bucket) = &mut self.bucket {
            bucket.give_back(cost);
        }
    }

    /// The server's word: its grant caps the operator's and never raises it. Where what is left of it is no more than
    /// what is on its way, nothing goes before it is whole again.
    pub(super) fn observe(&mut self, now: Duration, allowance: &Allowance, in_flight: u64) {
        if let Some(limit) = allowance.limit.filter(|limit| *limit > 0) {
            self.keep_to(now, self.own.map_or(limit, |own| own.min(limit)));
        }
        match (allowance.remaining, allowance.reset) {
            (Some(remaining), Some(reset)) if remaining <= in_flight => {
                self.held_until = now.saturating_add(reset.min(HOLD_MAX));
            }
            (Some(_), _) => self.held_until = Duration::ZERO,
            (None, _) => {}
        }
    }

    fn keep_to(&mut self, now: Duration, per_minute: u64) {
        match &mut self.bucket {
            Some(bucket) if bucket.per_minute() == per_minute => {}
            Some(bucket) => bucket.change(now, per_minute),
            None => self.bucket = Some(Bucket::new(per_minute)),
        }
    }
}
