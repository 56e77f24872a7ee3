//! When a second request is sent beside one that takes unusually long: the few that hang are what a run waits for in
//! the end. Whichever answers first counts, the other is given up, and both may have to be paid for; so only few are.

use std::collections::VecDeque;
use std::time::Duration;

/// Answers that are looked back on.
pub const ANSWERS_LOOKED_AT: usize = 200;
/// Answers before anything is said of what is unusual.
pub const ANSWERS_MIN: usize = 20;
/// Of a hundred answers so many are no slower than what is usual.
pub const USUAL_PERCENT: u8 = 95;
/// Calls of a hundred that may be hedged.
pub const HEDGED_PERCENT: u8 = 5;

/// Bounds by which calls are hedged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HedgeRule {
    /// Answers that are looked back on; at least 1.
    pub answers: usize,
    /// Answers before anything is hedged.
    pub answers_min: usize,
    /// Of a hundred answers so many are no slower than what is usual; at most 100.
    pub usual_percent: u8,
    /// Calls of a hundred that may be hedged; 0 hedges none.
    pub hedged_percent: u8,
}

impl Default for HedgeRule {
    fn default() -> Self {
        HedgeRule {
            answers: ANSWERS_LOOKED_AT,
            answers_min: ANSWERS_MIN,
            usual_percent: USUAL_PERCENT,
            hedged_percent: HEDGED_PERCENT,
        }
    }
}

/// What is usual at one endpoint, and how many calls were hedged there.
#[derive(Clone, Debug)]
pub struct Hedge {
    rule: HedgeRule,
    /// The last latencies, oldest first.
    latencies: VecDeque<Duration>,
    calls: u64,
    hedged: u64,
}

impl Hedge {
    /// An endpoint that nothing is known of yet: nothing is hedged.
    pub fn new(rule: HedgeRule) -> Self {
        Hedge { rule, latencies: VecDeque::new(), calls: 0, hedged: 0 }
    }

    /// A call is sent; how long to wait for its answer before a second is thought of. None where too few answers have
    /// been seen, or none is ever hedged.
    pub fn begun(&mut self) -> Option<Duration> {
        self.calls += 1;
        if self.rule.hedged_percent == 0 {
            return None;
        }
        self.usual()
    }

    /// Whether a second may be sent now, for a call that has waited so long.
    pub fn may_hedge(&self) -> bool {
        (self.hedged + 1) * 100 <= self.calls * u64::from(self.rule.hedged_percent)
    }

    /// The same; if so it is counted. Hedges are no calls.
    pub fn try_hedge(&mut self) -> bool {
        let may_hedge = self.may_hedge();
        self.hedged += u64::from(may_hedge);
        may_hedge
    }

    /// A call was answered after so long, counted from its own sending. Of one whose second was faster, the time that it
    /// had had until then is to be told: it is one of the slow ones, and otherwise ever less would be unusual.
    pub fn answered(&mut self, latency: Duration) {
        if self.latencies.len() >= self.rule.answers.max(1) {
            self.latencies.pop_front();
        }
        self.latencies.push_back(latency);
    }

    /// What answers usually take at most; none where too few have been seen.
    pub fn usual(&self) -> Option<Duration> {
        let count = self.latencies.len();
        if count < self.rule.answers_min.max(1) {
            return None;
        }
        let mut latencies: Vec<Duration> = self.latencies.iter().copied().collect();
        let rank = (count * usize::from(self.rule.usual_percent.min(100))).div_ceil(100).max(1);
        let (_, usual, _) = latencies.select_nth_unstable(rank - 1);
        Some(*usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn nothing_is_unusual_before_enough_answers() {
        let mut hedge = Hedge::new(HedgeRule::default());
        for _ in 0..19 {
            hedge.answered(MILLI);
            assert_eq!(hedge.begun(), None);
        }
        hedge.answered(MILLI);
        assert_eq!(hedge.begun(), Some(MILLI));
    }

    #[test]
    fn a_call_is_waited_for_as_long_as_nearly_all_take() {
        let mut hedge = Hedge::new(HedgeRule::default());
        // In an order that is none.
        (0..100_u32).for_each(|n| hedge.answered(MILLI * (n * 37 % 100 + 1)));
        assert_eq!(hedge.usual(), Some(MILLI * 95));
        (0..200).for_each(|_| hedge.answered(MILLI * 7));
        assert_eq!(hedge.usual(), Some(MILLI * 7), "what is long ago is forgotten");
    }

    #[test]
    fn one_call_in_twenty_is_hedged_and_no_more() {
        let mut hedge = Hedge::new(HedgeRule::default());
        (0..20).for_each(|_| hedge.answered(MILLI));
        let mut hedged = 0_u64;
        for calls in 1..=1_000_u64 {
            hedge.begun();
            hedged += u64::from(hedge.try_hedge());
            assert!(hedged * 20 <= calls, "{hedged} of {calls}");
        }
        assert_eq!(hedged, 50);
        // A storm of slow calls.
        (0..100).for_each(|_| _ = hedge.begun());
        assert_eq!((0..100).filter(|_| hedge.try_hedge()).count(), 5);
    }

    #[test]
    fn hedging_can_be_switched_off() {
        let mut hedge = Hedge::new(HedgeRule { hedged_percent: 0, ..HedgeRule::default() });
        (0..200).for_each(|_| hedge.answered(MILLI));
        assert_eq!(hedge.begun(), None);
        assert!(!hedge.try_hedge());
    }

    #[test]
    fn bounds_at_their_ends_do_no_harm() {
        let rule = HedgeRule { answers: 0, answers_min: 0, usual_percent: 0, hedged_percent: 255 };
        let mut hedge = Hedge::new(rule);
        assert_eq!(hedge.usual(), None);
        hedge.answered(MILLI * 3);
        hedge.answered(MILLI * 2);
        assert_eq!(hedge.usual(), Some(MILLI * 2));
        let all = Hedge { rule: HedgeRule { usual_percent: 200, ..rule }, ..hedge };
        assert_eq!(all.usual(), Some(MILLI * 2));
    }
}
