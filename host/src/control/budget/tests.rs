use super::*;
use proptest::prelude::*;

fn money(bound: u64) -> Spending {
    Spending::new(Budget { money: Some(MicroUsd(bound)), tokens: None }, Cost::default())
}

fn costs(micro_usd: u64) -> Cost {
    Cost { money: Some(MicroUsd(micro_usd)), tokens: None }
}

fn takes(tokens: u64) -> Cost {
    Cost { money: None, tokens: Some(tokens) }
}

#[track_caller]
fn go(spending: &mut Spending, expected: Cost) -> Reserved {
    match spending.begin(expected) {
        Leave::Go(reserved) => reserved,
        other => panic!("may not begin: {other:?}"),
    }
}

/// A call that is begun and takes so much.
#[track_caller]
fn call(spending: &mut Spending, expected: Cost, took: Cost) {
    let reserved = go(spending, expected);
    spending.settle(reserved, took);
}

#[test]
fn those_in_flight_do_not_go_beyond_it_together() {
    let mut spending = money(100);
    let mut in_flight: Vec<_> = (0..3).map(|_| go(&mut spending, costs(30))).collect();
    assert_eq!(spending.begin(costs(30)), Leave::Wait);
    spending.settle(in_flight.pop().expect("there are three"), costs(20));
    let state = spending.state();
    assert_eq!((state.money, state.money_reserved), (MicroUsd(20), MicroUsd(60)));
    assert_eq!(spending.begin(costs(30)), Leave::Wait);
    in_flight.push(go(&mut spending, costs(20)));
    for reserved in in_flight {
        spending.settle(reserved, costs(20));
    }
    assert_eq!(spending.begin(costs(30)), Leave::UsedUp);
    call(&mut spending, costs(20), costs(20));
    assert_eq!(spending.begin(costs(0)), Leave::UsedUp);
    assert_eq!(spending.state().money, MicroUsd(100));
}

#[test]
fn the_first_begins_while_anything_is_left() {
    let mut spending = money(10);
    let reserved = go(&mut spending, costs(1_000));
    assert_eq!(spending.begin(costs(1)), Leave::Wait);
    spending.settle(reserved, costs(4));
    assert_eq!(spending.begin(costs(1_000)), Leave::UsedUp, "now it is known what one takes");
    call(&mut spending, costs(4), costs(4));
    assert_eq!(money(0).begin(costs(1)), Leave::UsedUp);
    let before = Spending::new(Budget { money: Some(MicroUsd(10)), tokens: None }, costs(10)).begin(costs(1));
    assert_eq!(before, Leave::UsedUp);
}

#[test]
fn without_an_estimate_the_mean_so_far_is_reserved() {
    let mut spending = money(100);
    let first = go(&mut spending, Cost::default());
    assert_eq!(spending.begin(Cost::default()), Leave::Wait, "one at a time while nobody knows");
    spending.settle(first, costs(20));
    let second = go(&mut spending, Cost::default());
    assert_eq!(spending.state().money_reserved, MicroUsd(20));
    spending.settle(second, costs(40));
    let third = go(&mut spending, Cost::default());
    assert_eq!(spending.state().money_reserved, MicroUsd(30));
    assert_eq!(spending.begin(Cost::default()), Leave::Wait);
    spending.cancel(third);
    assert_eq!(spending.state().money_reserved, MicroUsd(0));
    assert_eq!(spending.state().money, MicroUsd(60), "what was never sent costs nothing");
}

#[test]
fn what_nobody_knows_stands_at_what_was_reserved() {
    let mut spending = money(100);
    call(&mut spending, costs(60), Cost::default());
    assert_eq!(spending.state().money, MicroUsd(60));
    call(&mut spending, costs(60), Cost::default());
    assert_eq!(spending.begin(costs(60)), Leave::UsedUp);
}

#[test]
fn a_budget_that_cannot_be_kept_is_told() {
    let mut spending = money(100);
    call(&mut spending, takes(7), takes(7));
    assert_eq!(spending.begin(takes(7)), Leave::CostUnknown);
    let free = Budget { money: None, tokens: Some(5) };
    let paid = Budget { money: Some(MicroUsd(5)), tokens: None };
    let prices = Prices { input: MicroUsd(1), cached_input: MicroUsd(1), output: MicroUsd(1) };
    assert_eq!(free.check(None, false), Ok(()));
    assert_eq!(paid.check(None, false), Err(CostUnknown));
    assert_eq!(paid.check(Some(&prices), false), Ok(()));
    assert_eq!(paid.check(None, true), Ok(()));
}

#[test]
fn tokens_and_money_both_bound() {
    let both = Budget { money: Some(MicroUsd(100)), tokens: Some(1_000) };
    let cost = |micro_usd, tokens| Cost { money: Some(MicroUsd(micro_usd)), tokens: Some(tokens) };
    let mut spending = Spending::new(both, Cost::default());
    call(&mut spending, cost(10, 900), cost(10, 900));
    assert_eq!(spending.begin(cost(10, 200)), Leave::UsedUp);
    let mut spending = Spending::new(both, Cost::default());
    call(&mut spending, cost(90, 100), cost(90, 100));
    assert_eq!(spending.begin(cost(20, 100)), Leave::UsedUp);
    call(&mut spending, cost(10, 100), cost(10, 100));
}

#[test]
fn without_a_budget_everything_is_counted_and_nothing_refused() {
    let mut spending = Spending::new(Budget::default(), Cost::default());
    call(&mut spending, Cost::default(), Cost::default());
    let all: Vec<_> = (0..100).map(|_| go(&mut spending, costs(u64::MAX))).collect();
    for reserved in all {
        spending.settle(reserved, Cost { money: Some(MicroUsd(2)), tokens: Some(3) });
    }
    let expected = SpendingState { money: MicroUsd(200), tokens: 300, ..SpendingState::default() };
    assert_eq!(spending.state(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Calls that take no more than expected never overspend, whatever their order; others by no more than they took
    /// beyond it.
    #[test]
    fn it_is_overspent_only_by_what_was_not_expected(
        bound in 1_u64..10_000,
        steps in prop::collection::vec((1_u64..500, 0_u64..600, 0_u8..3, any::<prop::sample::Index>()), 0..200),
    ) {
        let mut spending = money(bound);
        let mut in_flight = Vec::new();
        let mut unexpected = 0;
        for (expected, took, what, which) in steps {
            match what {
                0 | 1 => {
                    if let Leave::Go(reserved) = spending.begin(costs(expected)) {
                        in_flight.push((reserved, took));
                    }
                }
                _ if in_flight.is_empty() => {}
                _ => {
                    let (reserved, took) = in_flight.swap_remove(which.index(in_flight.len()));
                    unexpected += took.saturating_sub(reserved.money.unwrap_or(0));
                    spending.settle(reserved, costs(took));
                }
            }
            let state = spending.state();
            prop_assert!(state.money.0 + state.money_reserved.0 <= bound + unexpected);
        }
    }
}
