//! The best documents so far, and what it takes to be among them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// At most so many documents, by score and then by key.
pub(super) struct Best<'a, K> {
    max: usize,
    /// By what factor a bound may fall short of what it bounds.
    slack: f32,
    /// The best scores as bits: those of numbers that are not negative are in the order of the numbers.
    scores: BinaryHeap<Reverse<u32>>,
    /// The least of them, where there are enough; else 0.
    bar: f32,
    /// All that were not below the bar when they came.
    found: Vec<(&'a K, f32)>,
}

impl<'a, K: Clone + Ord> Best<'a, K> {
    /// None so far of so many, at least one.
    pub(super) fn new(max: usize, slack: f32) -> Self {
        Best { max, slack, scores: BinaryHeap::new(), bar: 0.0, found: Vec::new() }
    }

    /// Whether a document can be among the best whose score this bounds, but for rounding.
    pub(super) fn can_be(&self, bound: f32) -> bool {
        // One that is as good as the last may come before it by its key.
        bound * self.slack >= self.bar
    }

    pub(super) fn add(&mut self, key: &'a K, score: f32) {
        if score < self.bar {
            return;
        }
        self.found.push((key, score));
        self.scores.push(Reverse(score.to_bits()));
        if self.scores.len() > self.max {
            self.scores.pop();
        }
        if self.scores.len() == self.max {
            self.bar = self.scores.peek().map_or(0.0, |least| f32::from_bits(least.0));
        }
    }

    pub(super) fn into_ranked(mut self) -> Vec<(K, f32)> {
        let order = |a: &(&K, f32), b: &(&K, f32)| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0));
        if self.found.len() > self.max {
            // The rest need not be sorted.
            self.found.select_nth_unstable_by(self.max - 1, order);
            self.found.truncate(self.max);
        }
        self.found.sort_unstable_by(order);
        self.found.into_iter().map(|(key, score)| (key.clone(), score)).collect()
    }
}
