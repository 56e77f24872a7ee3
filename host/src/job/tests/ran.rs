//! What a run came to, and what can be read from it.

use crate::control::limit::State;

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Ran {
    /// When each answer came, in seconds.
    pub(super) answers_s: Vec<f64>,
    /// Records that failed for good.
    pub(super) failed: u64,
    /// The limit over time, each change with its moment in seconds.
    pub(super) states: Vec<(f64, State)>,
    /// The most records in flight at one moment.
    pub(super) peak: usize,
    /// When the last record ended, in seconds.
    pub(super) ended_s: f64,
}

impl Ran {
    /// Answers a second between two moments.
    pub(super) fn rate(&self, from_s: f64, to_s: f64) -> f64 {
        let answers = self.answers_s.iter().filter(|at_s| (from_s..to_s).contains(*at_s)).count();
        answers as f64 / (to_s - from_s)
    }

    /// Answers a second without those at the beginning and at the end, where not all is in flight; 0 where hardly any
    /// record was answered.
    pub(super) fn middle_rate(&self) -> f64 {
        let (first, last) = (self.answers_s.len() / 5, self.answers_s.len() * 9 / 10);
        match (self.answers_s.get(first), self.answers_s.get(last)) {
            (Some(from_s), Some(to_s)) if to_s > from_s => (last - first) as f64 / (to_s - from_s),
            _ => 0.0,
        }
    }

    /// The limits of a span of time, and how long each held, in seconds.
    pub(super) fn limits(&self, from_s: f64, to_s: f64) -> Vec<(usize, f64)> {
        let ends = self.states.iter().skip(1).map(|(at_s, _)| *at_s).chain([f64::INFINITY]);
        let spans = self.states.iter().zip(ends);
        let spans = spans.map(|((at_s, state), end_s)| (state.limit, end_s.min(to_s) - at_s.max(from_s)));
        spans.filter(|(_, span_s)| *span_s > 0.0).collect()
    }

    /// The limit that the time is spent above and below by halves.
    pub(super) fn median(&self, from_s: f64, to_s: f64) -> usize {
        let mut limits = self.limits(from_s, to_s);
        limits.sort_unstable_by_key(|(limit, _)| *limit);
        let half = limits.iter().map(|(_, span_s)| span_s).sum::<f64>() / 2.0;
        let mut passed = 0.0;
        let found = limits.iter().find(|(_, span_s)| {
            passed += span_s;
            passed >= half
        });
        found.map_or(0, |(limit, _)| *limit)
    }

    /// The share of the time that the limit is further from its median than a tenth, and further than one.
    pub(super) fn away(&self, from_s: f64, to_s: f64) -> f64 {
        let median = self.median(from_s, to_s) as f64;
        let near = |limit: usize| (limit as f64 - median).abs() <= (median * 0.1).ceil().max(1.0);
        let away =
            self.limits(from_s, to_s).iter().filter(|(limit, _)| !near(*limit)).map(|(_, span_s)| span_s).sum::<f64>();
        away / (to_s - from_s)
    }

    /// Answers until the limit was settled for the first time, and when.
    pub(super) fn settled(&self) -> Option<(u64, f64)> {
        let (at_s, _) = self.states.iter().find(|(_, state)| state.settled.is_some())?;
        Some((self.answers_s.iter().take_while(|answer_s| *answer_s <= at_s).count() as u64, *at_s))
    }
}
