use std::collections::VecDeque;
use std::time::Duration;

/// How far back the rate looks: long enough for slow calls, short enough to follow a limit that moves.
const LOOKED_BACK: Duration = Duration::from_secs(30);
/// No two samples are closer than this, so that there are few.
const APART: Duration = Duration::from_secs(1);

/// How many records a second a run does at present.
#[derive(Debug)]
pub(super) struct Pace {
    /// When, and how many were done by then; the oldest first, never empty.
    samples: VecDeque<(Duration, u64)>,
}

impl Default for Pace {
    fn default() -> Self {
        Pace { samples: VecDeque::from([(Duration::ZERO, 0)]) }
    }
}

impl Pace {
    /// Records a second over the last while, with what is done now.
    pub(super) fn rate(&mut self, now: Duration, done: u64) -> f64 {
        while self.samples.get(1).is_some_and(|(at, _)| now.saturating_sub(*at) >= LOOKED_BACK) {
            self.samples.pop_front();
        }
        let (since, before) = self.samples[0];
        let rate = done.saturating_sub(before) as f64 / now.saturating_sub(since).as_secs_f64().max(f64::EPSILON);
        if self.samples.back().is_some_and(|(at, _)| now.saturating_sub(*at) >= APART) {
            self.samples.push_back((now, done));
        }
        rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_half_minute() {
        let mut pace = Pace::default();
        let mut done = 0;
        for second in 1..=100 {
            done += if second <= 50 { 10 } else { 40 };
            let rate = pace.rate(Duration::from_secs(second), done);
            match second {
                1..=50 => assert!((rate - 10.0).abs() < 1e-9, "{rate} at {second}"),
                51..=80 => assert!((10.0..=40.0).contains(&rate), "{rate} at {second}"),
                _ => assert!((rate - 40.0).abs() < 1e-9, "{rate} at {second}"),
            }
        }
        assert!(pace.samples.len() <= 32, "{}", pace.samples.len());
    }
}
