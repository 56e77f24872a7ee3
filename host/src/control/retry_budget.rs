//! How many of the calls may be retries: a share of the first calls, and a few a minute besides. A server in trouble is
//! asked little more often than one in health, however many records would like to try again.

use std::time::Duration;

/// Retries in parts of a hundred of the first calls.
pub const RETRY_PERCENT: u32 = 20;
/// Retries beside them in a minute, of which the first minute's are there at once: small runs and slow servers make few
/// first calls. And while everybody in flight waits for a retry nobody makes a first call.
pub const RETRIES_A_MINUTE: u32 = 10;
/// Retries that are saved up at most. A long time without faults buys no storm of retries.
pub const RETRIES_SAVED_MAX: u32 = 100;

/// Of a retry: a hundred by as many as a minute has milliseconds, so that shares and moments are whole numbers.
const PARTS: u64 = 6_000_000;
const MINUTE_MILLIS: u64 = 60_000;

/// How many of the calls may be retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryBudgetRule {
    /// Retries in parts of a hundred of the first calls.
    pub percent: u32,
    /// Retries beside them in a minute.
    pub per_minute: u32,
    /// Retries that are there at the beginning.
    pub first: u32,
    /// Retries that are saved up at most; at least those of a minute, and 1.
    pub saved_max: u32,
}

impl Default for RetryBudgetRule {
    fn default() -> Self {
        RetryBudgetRule {
            percent: RETRY_PERCENT,
            per_minute: RETRIES_A_MINUTE,
            first: RETRIES_A_MINUTE,
            saved_max: RETRIES_SAVED_MAX,
        }
    }
}

/// The retries that are left, for all records that share an endpoint.
///
/// Whoever finds none left waits as long as [`RetryBudget::wait`] says and tries once more, if the record has the time
/// for it; otherwise the record fails with the fault that it has. It must not send all the same.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    rule: RetryBudgetRule,
    /// What is left, in parts.
    parts: u64,
    /// Up to which millisecond of the run the minutes' share is paid out.
    paid_ms: u64,
}

impl RetryBudget {
    /// One with the retries that are there at the beginning.
    pub fn new(rule: RetryBudgetRule) -> Self {
        RetryBudget { rule, parts: u64::from(rule.first) * PARTS, paid_ms: 0 }
    }

    /// A first call is made: it pays for its share of a retry.
    pub fn deposit(&mut self) {
        self.add(u64::from(self.rule.percent) * PARTS / 100);
    }

    /// Whether a retry may be made now; if so it is taken. `now` is since the run began.
    pub fn try_withdraw(&mut self, now: Duration) -> bool {
        self.pay_out(now);
        let is_there = self.parts >= PARTS;
        if is_there {
            self.parts -= PARTS;
        }
        is_there
    }

    /// How long it takes until a retry is there even if nobody makes a first call; none where that is never.
    pub fn wait(&mut self, now: Duration) -> Option<Duration> {
        self.pay_out(now);
        let lacking = PARTS.saturating_sub(self.parts);
        let each_ms = self.parts_a_milli();
        match (lacking, each_ms) {
            (0, _) => Some(Duration::ZERO),
            (_, 0) => None,
            _ => Some(Duration::from_millis(lacking.div_ceil(each_ms))),
        }
    }

    fn pay_out(&mut self, now: Duration) {
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let passed = now_ms.saturating_sub(self.paid_ms);
        self.paid_ms = self.paid_ms.max(now_ms);
        self.add(passed.saturating_mul(self.parts_a_milli()));
    }

    fn add(&mut self, parts: u64) {
        let saved_max = u64::from(self.rule.saved_max.max(self.rule.per_minute).max(self.rule.first).max(1)) * PARTS;
        self.parts = self.parts.saturating_add(parts).min(saved_max);
    }

    fn parts_a_milli(&self) -> u64 {
        u64::from(self.rule.per_minute) * (PARTS / MINUTE_MILLIS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: Duration = Duration::ZERO;

    fn all(budget: &mut RetryBudget, now: Duration) -> usize {
        (0..1_000_000).take_while(|_| budget.try_withdraw(now)).count()
    }

    #[test]
    fn a_small_run_may_try_again_a_few_times() {
        let mut budget = RetryBudget::new(RetryBudgetRule::default());
        assert_eq!(all(&mut budget, START), 10);
        assert_eq!(budget.wait(START), Some(Duration::from_secs(6)));
        assert!(!budget.try_withdraw(Duration::from_millis(5_999)));
        assert!(budget.try_withdraw(Duration::from_secs(6)));
        assert_eq!(all(&mut budget, Duration::from_secs(66)), 10);
    }

    #[test]
    fn first_calls_pay_for_a_fifth_of_a_retry_each() {
        let mut budget = RetryBudget::new(RetryBudgetRule::default());
        all(&mut budget, START);
        (0..4).for_each(|_| budget.deposit());
        assert!(!budget.try_withdraw(START));
        budget.deposit();
        assert!(budget.try_withdraw(START));
        assert!(!budget.try_withdraw(START));
    }

    #[test]
    fn no_more_is_saved_up_than_a_bound() {
        let mut budget = RetryBudget::new(RetryBudgetRule::default());
        (0..100_000).for_each(|_| budget.deposit());
        assert_eq!(all(&mut budget, Duration::from_hours(9)), 100);
    }

    #[test]
    fn an_outage_does_not_double_the_load() {
        // A thousand calls a second for ten minutes, each of which fails and would like three retries.
        let mut budget = RetryBudget::new(RetryBudgetRule::default());
        let (mut first, mut retries) = (0_u32, 0_u32);
        for second in 0..600 {
            for _ in 0..1_000 {
                first += 1;
                budget.deposit();
                retries += (0..3).map(|_| u32::from(budget.try_withdraw(Duration::from_secs(second)))).sum::<u32>();
            }
        }
        assert!(retries * 1000 <= first * 201, "{retries} of {first}");
    }

    #[test]
    fn without_a_share_of_time_only_first_calls_pay() {
        let mut budget = RetryBudget::new(RetryBudgetRule { per_minute: 0, first: 0, ..RetryBudgetRule::default() });
        assert_eq!(budget.wait(Duration::from_hours(1)), None);
        (0..5).for_each(|_| budget.deposit());
        assert_eq!(budget.wait(START), Some(START));
        let none = RetryBudgetRule { percent: 0, per_minute: 0, first: 0, saved_max: 0 };
        let mut none = RetryBudget::new(none);
        (0..1000).for_each(|_| none.deposit());
        assert_eq!(all(&mut none, Duration::MAX), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn retries_are_never_more_than_their_share(
            steps in prop::collection::vec((0_u64..5_000, 0_u8..3, 0_u8..8), 0..300),
            percent in 0_u32..150,
            per_minute in 0_u32..50,
        ) {
            let mut budget = RetryBudget::new(RetryBudgetRule { percent, per_minute, first: per_minute, saved_max: 100 });
            let (mut now, mut first, mut retries) = (0_u64, 0_u64, 0_u64);
            for (pause_ms, calls, wishes) in steps {
                now += pause_ms;
                for _ in 0..calls {
                    first += 1;
                    budget.deposit();
                }
                for _ in 0..wishes {
                    retries += u64::from(budget.try_withdraw(Duration::from_millis(now)));
                }
                // In parts of 100 × 60,000, without a fraction.
                let granted = first * u64::from(percent) * 60_000 + u64::from(per_minute) * (60_000 + now) * 100;
                prop_assert!(retries * 6_000_000 <= granted, "{retries} of {first} in {now} ms");
            }
        }
    }
}
