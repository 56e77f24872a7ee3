use std::time::Duration;

const MINUTE_NANOS: u64 = 60_000_000_000;
/// After a rest so many parts of a minute's grant may go at once: a second's worth.
const BURSTS_A_MINUTE: u64 = 60;

/// What a minute grants of one thing, as a bucket that fills up evenly. It may be in debt: what asks for more than it
/// holds goes when it is full, and those behind wait longer.
///
/// It fills a little slower than the minute grants, by what may go at once. So no 60 seconds hold more than the grant,
/// wherever the server lets its minutes begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    per_minute: u64,
    /// When it is full again if nothing more is taken.
    full_at: Duration,
}

impl Bucket {
    /// A full one; a grant of 0 counts as 1.
    pub(super) fn new(per_minute: u64) -> Self {
        Bucket { per_minute: per_minute.max(1), full_at: Duration::ZERO }
    }

    pub(super) fn per_minute(&self) -> u64 {
        self.per_minute
    }

    /// What it holds when it is full.
    fn burst(&self) -> u64 {
        (self.per_minute / BURSTS_A_MINUTE).max(1)
    }

    /// From when on so much may be taken; of more than it holds, from when on it is full.
    pub(super) fn ready_at(&self, cost: u64) -> Duration {
        self.full_at.saturating_sub(self.time_of(self.burst() - cost.min(self.burst())))
    }

    /// Takes so much, whether it is there or not.
    pub(super) fn take(&mut self, at: Duration, cost: u64) {
        self.full_at = self.full_at.max(at).saturating_add(self.time_of(cost));
    }

    /// Puts so much back.
    pub(super) fn give_back(&mut self, cost: u64) {
        self.full_at = self.full_at.saturating_sub(self.time_of(cost));
    }

    /// Grants another amount from now on. What it lacks stays what it is, and is filled up at the new pace.
    pub(super) fn change(&mut self, now: Duration, per_minute: u64) {
        let lacking = self.full_at.saturating_sub(now).as_nanos().div_ceil(u128::from(self.nanos_each()));
        self.per_minute = per_minute.max(1);
        self.full_at = now.saturating_add(self.time_of(u64::try_from(lacking).unwrap_or(u64::MAX)));
    }

    /// The time in which so much flows; five centuries at most, which no run outlives.
    fn time_of(&self, amount: u64) -> Duration {
        Duration::from_nanos(amount.saturating_mul(self.nanos_each()))
    }

    /// Rounded up, so that no number of small costs adds up to more than the grant.
    fn nanos_each(&self) -> u64 {
        MINUTE_NANOS.div_ceil(self.per_minute - (self.burst() - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_seconds_worth_goes_at_once_and_the_rest_evenly() {
        let mut bucket = Bucket::new(600);
        assert_eq!(bucket.burst(), 10);
        for _ in 0..10 {
            assert_eq!(bucket.ready_at(1), Duration::ZERO);
            bucket.take(Duration::ZERO, 1);
        }
        // 591 flow in a minute, so that ten at once and those of a minute are no more than 600.
        let pace = SECOND * 60 / 591;
        assert!(bucket.ready_at(1) >= pace && bucket.ready_at(1) < pace + Duration::from_micros(1));
        assert_eq!(Bucket::new(7).burst(), 1, "a request at least");
    }

    #[test]
    fn more_than_it_holds_goes_when_it_is_full_and_leaves_a_debt() {
        let mut bucket = Bucket::new(60);
        bucket.take(Duration::ZERO, 1);
        assert_eq!(bucket.ready_at(30), SECOND);
        bucket.take(SECOND, 30);
        assert_eq!(bucket.ready_at(1), SECOND * 31);
        bucket.give_back(20);
        assert_eq!(bucket.ready_at(1), SECOND * 11);
        bucket.take(SECOND * 100, 1);
        assert_eq!(bucket.ready_at(1), SECOND * 101, "time beyond fullness is not saved up");
    }

    #[test]
    fn another_grant_leaves_the_debt_as_it_is() {
        let mut bucket = Bucket::new(60);
        bucket.take(Duration::ZERO, 30);
        bucket.change(SECOND * 10, 30);
        assert_eq!(bucket.ready_at(1), SECOND * 50, "the twenty that lacked take two seconds each");
        bucket.change(SECOND * 50, 60);
        assert_eq!(bucket.ready_at(1), SECOND * 50);
    }

    #[test]
    fn amounts_beyond_all_reason_do_no_harm() {
        let mut bucket = Bucket::new(0);
        bucket.take(Duration::MAX, u64::MAX);
        bucket.change(SECOND, u64::MAX);
        bucket.take(SECOND, u64::MAX);
        bucket.give_back(u64::MAX);
        assert_eq!(Bucket::new(u64::MAX).ready_at(u64::MAX), Duration::ZERO);
    }
}
