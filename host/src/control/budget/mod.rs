//! What a run may spend, in money and tokens. A call **reserves** what it will probably take before it is begun, and is
//! **settled** by what it took: so those in flight do not go beyond the budget together. They go beyond it only as far
//! as the last of them take more than they were expected to.

mod charge;
mod prices;
mod purse;
#[cfg(test)]
mod tests;

use crate::model::{MicroUsd, Prices};
use purse::{Asked, Purse};

pub use charge::is_charged;
pub use prices::cost;

/// What a run may spend; none is as much as it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// In money.
    pub money: Option<MicroUsd>,
    /// In tokens, of prompts and answers together.
    pub tokens: Option<u64>,
}

/// Nobody would ever know what is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the budget is in money, and what a call costs is not known: the provider reports no cost and no prices are given"
)]
pub struct CostUnknown;

impl Budget {
    /// Whether it can be kept at all, before anything is begun: one of money needs prices, or a provider that
    /// reports what it charges.
    ///
    /// # Errors
    /// [`CostUnknown`], where there is neither. Whether a provider reports costs may show only by its first answer:
    /// then pass that it does, and [`Leave::CostUnknown`] tells.
    pub fn check(&self, prices: Option<&Prices>, provider_reports_cost: bool) -> Result<(), CostUnknown> {
        let is_known = self.money.is_none() || prices.is_some() || provider_reports_cost;
        is_known.then_some(()).ok_or(CostUnknown)
    }
}

/// What one call takes or took. None is unknown, and not 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// In money.
    pub money: Option<MicroUsd>,
    /// In tokens, of prompt and answer together.
    pub tokens: Option<u64>,
}

/// What is reserved for one call.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "to be handed back by `settle` or `cancel`"]
pub struct Reserved {
    /// None where nothing was known to reserve by.
    money: Option<u64>,
    tokens: Option<u64>,
}

impl Reserved {
    /// How much that is.
    pub fn cost(&self) -> Cost {
        Cost { money: self.money.map(MicroUsd), tokens: self.tokens }
    }

    /// Whether nothing was known to reserve by.
    pub fn is_nothing(&self) -> bool {
        self.money.is_none() && self.tokens.is_none()
    }
}

/// Whether a call may be begun.
#[derive(Debug, PartialEq, Eq)]
pub enum Leave {
    /// It may.
    Go(Reserved),
    /// Ask again when one in flight has ended: it may leave enough, or teach what a call costs.
    Wait,
    /// What is left is not enough for it: the run is to end.
    UsedUp,
    /// A call has ended, and nobody says what it cost: the budget of money cannot be kept, and the run is to end.
    CostUnknown,
    /// The same of tokens.
    TokensUnknown,
}

/// What was spent, for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpendingState {
    /// In money. Calls whose cost nobody knows count with what was reserved for them.
    pub money: MicroUsd,
    /// In tokens.
    pub tokens: u64,
    /// Reserved for calls in flight, in money.
    pub money_reserved: MicroUsd,
    /// Reserved for calls in flight, in tokens.
    pub tokens_reserved: u64,
}

/// What a run has spent of its budget.
#[derive(Clone, Debug)]
pub struct Spending {
    money: Purse,
    tokens: Purse,
    in_flight: u64,
}

impl Spending {
    /// Nothing is spent yet but `before`, such as what earlier runs did.
    pub fn new(budget: Budget, before: Cost) -> Self {
        let money = |money: MicroUsd| money.0;
        Spending {
            money: Purse::new(budget.money.map(money), before.money.map(money)),
            tokens: Purse::new(budget.tokens, before.tokens),
            in_flight: 0,
        }
    }

    /// Whether a call may be begun that is expected to take so much; what is unknown of it is taken to be as much as
    /// the calls so far took on average. Reserved if so.
    ///
    /// The first call may always begin while anything is left: by it everybody learns what one takes. While nobody
    /// knows, one is in flight at a time.
    pub fn begin(&mut self, expected: Cost) -> Leave {
        let money = self.money.ask(expected.money.map(|money| money.0), self.in_flight);
        let tokens = self.tokens.ask(expected.tokens, self.in_flight);
        match (money, tokens) {
            (Asked::Enough(money), Asked::Enough(tokens)) => {
                self.money.reserve(money);
                self.tokens.reserve(tokens);
                self.in_flight += 1;
                Leave::Go(Reserved { money, tokens })
            }
            (Asked::TooLittle, _) | (_, Asked::TooLittle) => Leave::UsedUp,
            (Asked::Unknown, _) => Leave::CostUnknown,
            (_, Asked::Unknown) => Leave::TokensUnknown,
            (Asked::Wait, _) | (_, Asked::Wait) => Leave::Wait,
        }
    }

    /// The call has ended, and took so much. What is unknown of it stands at what was reserved.
    #[expect(clippy::needless_pass_by_value, reason = "what is reserved is handed back once")]
    pub fn settle(&mut self, reserved: Reserved, took: Cost) {
        self.money.settle(reserved.money, took.money.map(|money| money.0));
        self.tokens.settle(reserved.tokens, took.tokens);
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// The call was never sent, or is not charged: see [`is_charged`].
    #[expect(clippy::needless_pass_by_value, reason = "what is reserved is handed back once")]
    pub fn cancel(&mut self, reserved: Reserved) {
        self.money.give_back(reserved.money);
        self.tokens.give_back(reserved.tokens);
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// What the calls so far took on average, where that is known.
    pub fn mean(&self) -> Cost {
        Cost { money: self.money.mean().map(MicroUsd), tokens: self.tokens.mean() }
    }

    /// There are calls of which nobody will ever know what they cost: no budget of money can be kept.
    pub fn money_is_unknown(&mut self) {
        self.money.blind();
    }

    /// What was spent so far.
    pub fn state(&self) -> SpendingState {
        SpendingState {
            money: MicroUsd(self.money.spent()),
            tokens: self.tokens.spent(),
            money_reserved: MicroUsd(self.money.reserved()),
            tokens_reserved: self.tokens.reserved(),
        }
    }
}
