//! Which of several endpoints is asked next: the one that has the least to do for what it bears. One that comes back
//! from an outage is given its share little by little, since its caches are cold and others wait for it too.

use std::cmp::Ordering;
use std::time::Duration;

/// How long it takes until an endpoint that came back has its whole share.
pub const SLOW_START: Duration = Duration::from_secs(30);
/// The share that it has at once, in thousandths.
pub const SLOW_START_SHARE: u64 = 100;

const WHOLE: u64 = 1000;

/// What is known of one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointLoad {
    /// Calls in flight there.
    pub outstanding: usize,
    /// How many it may have; 0 is none at all.
    pub limit: usize,
    /// Whether its breaker lets nobody through.
    pub is_open: bool,
    /// When it came back from its last outage, since the run began; none where it had none.
    pub returned_at: Option<Duration>,
}

impl EndpointLoad {
    fn has_room(&self) -> bool {
        !self.is_open && self.outstanding < self.limit
    }

    /// Its limit, in thousandths, as far as it is warm again.
    fn weight(&self, now: Duration) -> u128 {
        let back = self.returned_at.map_or(SLOW_START, |at| now.saturating_sub(at)).min(SLOW_START);
        let warm = u128::from(WHOLE - SLOW_START_SHARE) * back.as_millis() / SLOW_START.as_millis();
        wide(self.limit) * (u128::from(SLOW_START_SHARE) + warm)
    }

    /// By what each would have to do for its weight if it were asked now.
    fn compare(&self, other: &Self, now: Duration) -> Ordering {
        let mine = (wide(self.outstanding) + 1) * other.weight(now);
        let theirs = (wide(other.outstanding) + 1) * self.weight(now);
        mine.cmp(&theirs)
    }
}

/// The index of the endpoint to ask, or none where none has room. Among those that are equal it goes round: `turn` is a
/// number that grows by one from choice to choice.
pub fn choose(endpoints: &[EndpointLoad], now: Duration, turn: usize) -> Option<usize> {
    let with_room = || endpoints.iter().enumerate().filter(|(_, endpoint)| endpoint.has_room());
    let (_, best) = with_room().min_by(|(_, one), (_, other)| one.compare(other, now))?;
    let equal = || with_room().filter(|(_, endpoint)| endpoint.compare(best, now).is_eq());
    let chosen = equal().nth(turn % equal().count())?;
    Some(chosen.0)
}

/// Beyond four billion all are alike, so that products of two fit.
fn wide(count: usize) -> u128 {
    u128::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    fn endpoint(outstanding: usize, limit: usize) -> EndpointLoad {
        EndpointLoad { outstanding, limit, is_open: false, returned_at: None }
    }

    /// Asks so often, and none comes to an end; how many each has then.
    fn shares(mut endpoints: Vec<EndpointLoad>, now: Duration, count: usize) -> Vec<usize> {
        for turn in 0..count {
            if let Some(index) = choose(&endpoints, now, turn) {
                endpoints[index].outstanding += 1;
            }
        }
        endpoints.iter().map(|endpoint| endpoint.outstanding).collect()
    }

    #[test]
    fn each_is_asked_by_what_it_bears() {
        assert_eq!(shares(vec![endpoint(0, 10), endpoint(0, 10), endpoint(0, 10)], NOW, 15), [5, 5, 5]);
        assert_eq!(shares(vec![endpoint(0, 40), endpoint(0, 10)], NOW, 25), [20, 5]);
        assert_eq!(choose(&[endpoint(3, 8), endpoint(2, 8)], NOW, 0), Some(1));
    }

    #[test]
    fn nobody_is_asked_beyond_its_limit_or_while_it_is_open() {
        assert_eq!(shares(vec![endpoint(0, 3), endpoint(0, 2), endpoint(0, 0)], NOW, 100), [3, 2, 0]);
        let open = EndpointLoad { is_open: true, ..endpoint(0, 8) };
        assert_eq!(shares(vec![open, endpoint(0, 8)], NOW, 8), [0, 8]);
        assert_eq!(choose(&[open, endpoint(8, 8)], NOW, 0), None);
        assert_eq!(choose(&[], NOW, 7), None);
    }

    #[test]
    fn among_equals_it_goes_round() {
        let equal = [endpoint(2, 8), endpoint(1, 4), endpoint(3, 8), endpoint(2, 8)];
        // One more makes 3/8, 2/4, 4/8 and 3/8.
        let chosen: Vec<_> = (0..4).map(|turn| choose(&equal, NOW, turn)).collect();
        assert_eq!(chosen, [Some(0), Some(3), Some(0), Some(3)]);
        assert!(choose(&equal, NOW, usize::MAX).is_some());
    }

    #[test]
    fn who_comes_back_has_a_tenth_at_first_and_all_after_half_a_minute() {
        let share = |seconds| {
            let back = EndpointLoad { returned_at: Some(NOW), ..endpoint(0, 1_000) };
            shares(vec![back, endpoint(0, 1_000)], NOW + Duration::from_secs(seconds), 220)[0]
        };
        assert_eq!(share(0), 20);
        assert!((75..=80).contains(&share(15)), "a little more than half of the other's: {}", share(15));
        assert_eq!(share(30), 110);
        assert_eq!(share(3_000), 110);
        let alone = EndpointLoad { returned_at: Some(NOW), ..endpoint(0, 8) };
        assert_eq!(shares(vec![alone], NOW, 100), [8], "where there is no other it has all");
    }

    #[test]
    fn a_moment_in_the_future_and_limits_beyond_reason_do_no_harm() {
        let odd = EndpointLoad { returned_at: Some(Duration::MAX), ..endpoint(usize::MAX - 1, usize::MAX) };
        assert_eq!(choose(&[odd, endpoint(0, 1)], NOW, 0), Some(1));
        assert_eq!(choose(&[odd], NOW, 0), Some(0));
    }
}
