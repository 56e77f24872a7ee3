use super::simulation::{Call, Sent, run};
use super::{HOLD_MAX, Rate, RateRule, Reservation, Turn};
use crate::model::{Allowance, RateReport};
use proptest::prelude::*;
use std::num::NonZeroU32;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn rule(rpm: u32, tpm: u32) -> RateRule {
    RateRule { rpm: NonZeroU32::new(rpm), tpm: NonZeroU32::new(tpm) }
}

/// A call that goes at once.
#[track_caller]
fn go(rate: &mut Rate, now: Duration, tokens: u64) -> Reservation {
    let reservation = rate.reserve(tokens);
    assert_eq!(rate.turn(now, &reservation), Turn::Go);
    reservation
}

/// How long one that comes now would be told to wait; it does not stay.
fn wait(rate: &mut Rate, now: Duration, tokens: u64) -> Duration {
    let reservation = rate.reserve(tokens);
    let wait = match rate.turn(now, &reservation) {
        Turn::Go => Duration::ZERO,
        Turn::Wait(wait) => wait,
    };
    rate.cancel(reservation);
    wait
}

/// The most of something that any 60 seconds hold, each beginning where a call was let go.
fn most_in_a_minute(sent: &[Sent], amount: impl Fn(&Sent, Duration) -> i128) -> i128 {
    let windows = sent.iter().enumerate().map(|(first, start)| {
        let mut sum = 0;
        let inside = sent[first..].iter().take_while(|sent| sent.went < start.went + MINUTE);
        inside.map(|sent| (sum += amount(sent, start.went), sum).1).max().unwrap_or(0)
    });
    windows.max().unwrap_or(0)
}

fn calls(exact: bool) -> impl Strategy<Value = Vec<Call>> {
    let call = (0_u64..40_000, 0_u64..3_000, 0_u64..3_000, 0_u64..20_000, prop::bool::weighted(0.1));
    prop::collection::vec(call, 1..300).prop_map(move |mut calls| {
        calls.sort_unstable();
        let call = |(at_ms, estimated, other, latency_ms, gives_up)| Call {
            at_ms,
            estimated,
            used: if exact { estimated } else { other },
            latency_ms,
            gives_up,
        };
        calls.into_iter().map(call).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn no_minute_holds_more_than_was_granted(calls in calls(true), rpm in 1_u32..300, tpm in 500_u32..500_000) {
        let sent = run(&mut Rate::new(rule(rpm, tpm)), &calls);
        prop_assert!(most_in_a_minute(&sent, |_, _| 1) <= i128::from(rpm));
        // One that is more than the bucket holds goes in the end, and makes a debt.
        let largest = sent.iter().map(|sent| i128::from(sent.call.used)).max().unwrap_or(0);
        let most = most_in_a_minute(&sent, |sent, _| i128::from(sent.call.used));
        prop_assert!(most <= i128::from(tpm) + largest, "{most} of {tpm}, the largest of {largest}");
    }

    #[test]
    fn wrong_estimates_are_made_good(calls in calls(false), tpm in 500_u32..300_000) {
        let sent = run(&mut Rate::new(rule(10_000, tpm)), &calls);
        let largest = sent.iter().map(|sent| i128::from(sent.call.estimated)).max().unwrap_or(0);
        let wrong = |sent: &&Sent| i128::from(sent.call.used.abs_diff(sent.call.estimated));
        for start in sent.iter().map(|sent| sent.went) {
            let inside: Vec<&Sent> =
                sent.iter().filter(|sent| sent.went >= start && sent.went < start + MINUTE).collect();
            let last = inside.last().map_or(start, |sent| sent.went);
            let used: i128 = inside.iter().map(|sent| i128::from(sent.call.used)).sum();
            // Given back in this minute by those before it, and not known in it of those in it.
            let given_back: i128 =
                sent.iter().filter(|sent| sent.went < start && sent.settled >= start).map(|sent| wrong(&sent)).sum();
            let unsettled: i128 = inside.iter().filter(|sent| sent.settled > last).map(wrong).sum();
            let bound = i128::from(tpm) + largest + given_back + unsettled;
            prop_assert!(used <= bound, "{used} of {bound}");
        }
    }

    #[test]
    fn turns_come_in_order_and_no_later_than_told(calls in calls(true), rpm in 1_u32..400, tpm in 500_u32..300_000) {
        let calls: Vec<Call> = calls.into_iter().map(|call| Call { gives_up: false, ..call }).collect();
        let sent = run(&mut Rate::new(rule(rpm, tpm)), &calls);
        prop_assert_eq!(sent.len(), calls.len(), "everybody goes in the end");
        for (sent, call) in sent.iter().zip(&calls) {
            prop_assert_eq!(sent.came, Duration::from_millis(call.at_ms));
            prop_assert_eq!(sent.went, sent.came + sent.told);
        }
    }
}

#[test]
fn what_is_granted_is_used_to_the_full() {
    let call = Call { at_ms: 0, estimated: 1_500, used: 1_500, latency_ms: 2_000, gives_up: false };
    for (rule, expected) in [(rule(120, 0), 600), (rule(0, 30_000), 100), (rule(120, 30_000), 100), (rule(7, 0), 35)] {
        let sent = run(&mut Rate::new(rule), &vec![call; 800]);
        let in_five_minutes = sent.iter().filter(|sent| sent.went < MINUTE * 5).count();
        let is_near = in_five_minutes * 100 >= expected * 97 && in_five_minutes <= expected + 2;
        assert!(is_near, "{in_five_minutes} by {rule:?}");
    }
}

#[test]
fn what_was_reserved_for_nothing_serves_others() {
    let call = Call { at_ms: 0, estimated: 1_500, used: 500, latency_ms: 1_000, gives_up: false };
    let sent = run(&mut Rate::new(rule(0, 30_000)), &vec![call; 800]);
    let in_five_minutes = sent.iter().filter(|sent| sent.went < MINUTE * 5).count();
    assert!((285..=305).contains(&in_five_minutes), "{in_five_minutes}: 60 a minute by use, 20 by estimate");
}

#[test]
fn without_any_limit_nobody_waits() {
    let mut rate = Rate::new(RateRule::default());
    let all: Vec<_> = (0..500).map(|_| go(&mut rate, Duration::ZERO, 1 << 40)).collect();
    assert_eq!(rate.state(Duration::ZERO).in_flight, all.len());
    for reservation in all {
        rate.settle(seconds(1), reservation, None);
    }
    let state = rate.state(seconds(1));
    assert_eq!((state.in_flight, state.waiting, state.requests_per_minute), (0, 0, None));
}

#[test]
fn a_small_call_does_not_pass_a_large_one() {
    let mut rate = Rate::new(rule(0, 600));
    let first = go(&mut rate, Duration::ZERO, 100);
    let large = rate.reserve(10_000);
    let small = rate.reserve(1);
    let Turn::Wait(of_large) = rate.turn(Duration::ZERO, &large) else { panic!("the bucket is empty") };
    let Turn::Wait(of_small) = rate.turn(Duration::ZERO, &small) else { panic!("it is behind the large one") };
    assert!(of_small > of_large);
    assert_eq!(rate.turn(of_large, &large), Turn::Go, "more than the bucket ever holds");
    rate.cancel(large);
    assert_eq!(rate.turn(of_large, &small), Turn::Go, "the large one was not sent after all");
    rate.cancel(small);
    rate.settle(of_large, first, None);
}

#[test]
fn who_gives_up_leaves_the_turn_to_the_next() {
    let mut rate = Rate::new(rule(60, 0));
    let first = go(&mut rate, Duration::ZERO, 0);
    let second = rate.reserve(0);
    let third = rate.reserve(0);
    assert_eq!(rate.turn(Duration::ZERO, &third), Turn::Wait(seconds(2)));
    rate.cancel(second);
    assert_eq!(rate.turn(Duration::ZERO, &third), Turn::Wait(seconds(1)));
    rate.cancel(first);
    assert_eq!(rate.turn(Duration::ZERO, &third), Turn::Go, "what was never sent is not counted");
}

#[test]
fn many_who_give_up_do_not_make_a_burst() {
    let mut rate = Rate::new(rule(60, 0));
    let queue: Vec<_> = (0..100).map(|_| rate.reserve(0)).collect();
    for reservation in queue {
        rate.cancel(reservation);
    }
    let went = (0..100).filter(|_| wait(&mut rate, Duration::ZERO, 0).is_zero()).count();
    assert_eq!(went, 100, "each was taken back");
    let queue: Vec<_> = (0..100).map(|_| rate.reserve(0)).collect();
    let went = queue.iter().filter(|reservation| rate.turn(seconds(50), reservation) == Turn::Go).count();
    assert_eq!(went, 1);
}

#[test]
fn the_servers_grant_caps_the_operators_and_never_raises_it() {
    let report = |limit| RateReport {
        requests: Allowance { limit: Some(limit), ..Allowance::default() },
        ..RateReport::default()
    };
    for (own, told, kept) in [
        (Some(100), 50, Some(50)),
        (Some(100), 5_000, Some(100)),
        (None, 5_000, Some(5_000)),
        (None, 0, None),
        (Some(100), 0, Some(100)),
    ] {
        let mut rate = Rate::new(rule(own.unwrap_or(0), 0));
        let reservation = go(&mut rate, Duration::ZERO, 0);
        rate.observe(Duration::ZERO, &reservation, &report(told));
        assert_eq!(rate.state(Duration::ZERO).requests_per_minute, kept, "{own:?}, told {told}");
        rate.settle(Duration::ZERO, reservation, None);
    }
    let mut rate = Rate::new(rule(100, 0));
    let reservation = go(&mut rate, Duration::ZERO, 0);
    rate.observe(Duration::ZERO, &reservation, &report(50));
    rate.observe(Duration::ZERO, &reservation, &report(80));
    assert_eq!(rate.state(Duration::ZERO).requests_per_minute, Some(80), "the server's last word");
    rate.cancel(reservation);
}

fn left(requests: u64, tokens: u64, reset: Duration) -> RateReport {
    let of = |remaining| Allowance { limit: None, remaining: Some(remaining), reset: Some(reset) };
    RateReport { requests: of(requests), tokens: of(tokens) }
}

#[test]
fn a_used_up_allowance_is_waited_for() {
    let check = |report: RateReport, expected: Duration| {
        let mut rate = Rate::new(RateRule::default());
        let reported = go(&mut rate, Duration::ZERO, 500);
        let later = [go(&mut rate, Duration::ZERO, 500), go(&mut rate, Duration::ZERO, 500)];
        rate.observe(seconds(1), &reported, &report);
        assert_eq!(wait(&mut rate, seconds(1), 500), expected, "{report:?}");
        for reservation in later {
            rate.cancel(reservation);
        }
        rate.cancel(reported);
    };
    check(left(0, 9_999, seconds(20)), seconds(20));
    check(left(99, 0, seconds(20)), seconds(20));
    // The two that are on their way may use up what is left.
    check(left(2, 9_999, seconds(20)), seconds(20));
    check(left(99, 1_000, seconds(20)), seconds(20));
    check(left(3, 1_001, seconds(20)), Duration::ZERO);
    check(left(0, 0, seconds(1_000_000)), HOLD_MAX);
    check(left(0, 0, Duration::MAX), HOLD_MAX);
    check(RateReport::default(), Duration::ZERO);
}

#[test]
fn the_newest_report_counts() {
    let mut rate = Rate::new(RateRule::default());
    let old = go(&mut rate, Duration::ZERO, 0);
    let new = go(&mut rate, Duration::ZERO, 0);
    rate.observe(seconds(1), &new, &left(50, 50, seconds(30)));
    rate.observe(seconds(2), &old, &left(0, 0, seconds(30)));
    assert_eq!(wait(&mut rate, seconds(2), 0), Duration::ZERO, "it was overtaken by the newer one");
    rate.observe(seconds(3), &new, &left(0, 50, seconds(30)));
    assert_eq!(wait(&mut rate, seconds(3), 0), seconds(30));
    rate.observe(seconds(4), &new, &left(50, 50, seconds(30)));
    assert_eq!(wait(&mut rate, seconds(4), 0), Duration::ZERO, "there is some again");
    rate.cancel(old);
    rate.cancel(new);
}

#[test]
fn a_pause_is_a_floor_for_everybody() {
    let mut rate = Rate::new(rule(60_000, 0));
    let waiting = rate.reserve(0);
    rate.pause_until(seconds(30));
    rate.pause_until(seconds(10));
    assert_eq!(rate.state(seconds(5)).held_until, Some(seconds(30)));
    assert_eq!(rate.turn(seconds(5), &waiting), Turn::Wait(seconds(25)), "a shorter one takes nothing back");
    assert_eq!(rate.turn(seconds(30), &waiting), Turn::Go);
    assert_eq!(rate.state(seconds(30)).held_until, None);
    rate.cancel(waiting);
}
