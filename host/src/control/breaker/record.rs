use super::{BreakerRule, Health};
use std::collections::VecDeque;

/// The ends of the calls since the endpoint was last let in.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Of the last ones, oldest first: whether each says that it is down.
    recent: VecDeque<bool>,
    /// Since the last that says that it is up.
    down_in_a_row: u32,
    /// The same, with those that say that it has too much to do.
    failed_in_a_row: u32,
}

impl Record {
    /// Takes in the end of a call; whether it is enough to leave the endpoint alone.
    pub(super) fn add(&mut self, health: Health, rule: &BreakerRule) -> bool {
        match health {
            Health::Unknown => return false,
            Health::Up => (self.down_in_a_row, self.failed_in_a_row) = (0, 0),
            Health::Busy => self.failed_in_a_row += 1,
            Health::Down => {
                self.down_in_a_row += 1;
                self.failed_in_a_row += 1;
            }
        }
        let calls = rule.calls.max(1);
        if self.recent.len() >= calls {
            self.recent.pop_front();
        }
        self.recent.push_back(health == Health::Down);
        let failed = self.failed_in_a_row >= rule.failed_in_a_row.max(1);
        match health {
            Health::Down => failed || self.down_in_a_row >= rule.down_in_a_row.max(1) || self.is_share_over(rule),
            Health::Busy => failed,
            Health::Up | Health::Unknown => false,
        }
    }

    fn is_share_over(&self, rule: &BreakerRule) -> bool {
        let down = self.recent.iter().filter(|down| **down).count();
        self.recent.len() >= rule.calls && down * 100 >= rule.calls * usize::from(rule.down_percent)
    }
}
