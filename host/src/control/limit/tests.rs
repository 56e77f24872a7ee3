//! The limit alone, fed by a server of a few lines: so many slots, each call a second of work, jitter from a seed. What
//! it finds on servers of every kind is shown where the scheduler is.

use super::*;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn bounds(min: usize, max: usize, start: usize) -> Bounds {
    Bounds::try_new(min, max, start).expect("bounds that do not cross")
}

/// A call of a second that ended now, with as many in flight as the limit allows.
fn ended(limit: &Limit, at: Duration, ending: Ending) -> Ended {
    Ended { at, latency: SECOND.min(at), in_flight: limit.current(), ending }
}

/// Keeps the limit used up by a server of so many slots for a while, and tells each of its states.
fn serve(limit: &mut Limit, slots: usize, seconds: u64, each: impl FnMut(Duration, &Limit)) {
    serve_from(limit, Duration::ZERO, slots, seconds, each);
}

/// The same from a moment on; when it ends.
fn serve_from(
    limit: &mut Limit,
    from: Duration,
    slots: usize,
    seconds: u64,
    mut each: impl FnMut(Duration, &Limit),
) -> Duration {
    let mut chance = fastrand::Rng::with_seed(1);
    let mut free = vec![from; slots];
    let mut calls = BinaryHeap::new();
    let mut now = from;
    while now < from + Duration::from_secs(seconds) {
        while calls.len() < limit.current() {
            let slot = free.iter_mut().min().expect("a slot");
            *slot = (*slot).max(now) + SECOND.mul_f64(0.8 + chance.f64() * 0.4);
            calls.push(Reverse((*slot, now)));
        }
        let in_flight = calls.len();
        let Reverse((end, begun)) = calls.pop().expect("a call");
        now = end;
        limit.ended(&Ended { at: now, latency: now.saturating_sub(begun), in_flight, ending: Ending::Answered });
        each(now, limit);
    }
    now
}

#[test]
fn a_fixed_limit_heeds_nothing() {
    let mut limit = Limit::fixed(0);
    assert_eq!(limit.current(), 1, "nothing would ever be in flight");
    for _ in 0..100 {
        limit.ended(&ended(&limit, SECOND, Ending::OutOfMemory));
    }
    assert_eq!(limit.state(), State { limit: 1, settled: Some(1), reason: Reason::Fixed });
}

#[test]
fn settles_where_more_gains_nothing_and_says_so() {
    let mut limit = Limit::adaptive(bounds(1, 256, 5));
    let (mut reasons, mut told) = (Vec::new(), Vec::new());
    serve(&mut limit, 12, 1000, |_, limit| {
        told.push(limit.state().to_string());
        let reason = std::mem::discriminant(&limit.state().reason);
        if reasons.last() != Some(&reason) {
            reasons.push(reason);
        }
    });
    let state = limit.state();
    let settled = state.settled.expect("settled");
    assert!((12..=14).contains(&settled), "{state}");
    assert_eq!(reasons[0], std::mem::discriminant(&Reason::SlowStart));
    for expected in [Reason::Narrowing, Reason::ProbingUp { from: 0 }, Reason::ProbingDown { from: 0 }] {
        assert!(reasons.contains(&std::mem::discriminant(&expected)), "never {expected:?}");
    }
    assert!(told.iter().any(|told| told.contains("+1 slot gained 0.")), "{:?}", told.last());
}

#[test]
fn stays_at_the_most_that_is_allowed_and_says_so() {
    let mut limit = Limit::adaptive(bounds(1, 20, 5));
    serve(&mut limit, 64, 300, |_, limit| assert!(limit.current() <= 20));
    assert_eq!(limit.state().settled, Some(20));
    assert_eq!(limit.state().reason, Reason::HeldByMax);
}

#[test]
fn never_leaves_its_bounds_whatever_it_is_told() {
    for seed in 0..200 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let (min, more) = (chance.usize(1..8), chance.usize(0..60));
        let mut limit = Limit::adaptive(bounds(min, min + more, chance.usize(0..99)));
        let mut at = Duration::ZERO;
        let faulty = chance.f64().powi(2);
        for _ in 0..3000 {
            at += Duration::from_millis(chance.u64(0..400));
            let ending = match chance.u32(0..5) {
                _ if chance.f64() > faulty => Ending::Answered,
                0 => Ending::Overloaded { retry_after: chance.bool().then_some(SECOND * 30) },
                1 => Ending::OutOfMemory,
                2 => Ending::TimedOut,
                _ => Ending::Other,
            };
            let latency = at.mul_f64(chance.f64());
            limit.ended(&Ended { at, latency, in_flight: chance.usize(0..80), ending });
            let now = limit.current();
            assert!((min..=min + more).contains(&now), "seed {seed}: {now} outside {min} to {}", min + more);
        }
    }
}

#[test]
fn answers_that_end_while_slots_are_free_say_nothing() {
    let mut limit = Limit::adaptive(bounds(1, 64, 10));
    for number in 1..5000 {
        let at = SECOND + Duration::from_millis(250) * number;
        limit.ended(&Ended { in_flight: 4, ..ended(&limit, at, Ending::Answered) });
    }
    assert_eq!(limit.current(), 10, "{}", limit.state());
}

#[test]
fn one_out_of_memory_cuts_by_half_and_no_more_for_those_of_the_same_moment() {
    let mut limit = Limit::adaptive(bounds(1, 64, 16));
    for _ in 0..16 {
        // They all began before the cut.
        limit.ended(&Ended { in_flight: 16, ..ended(&limit, SECOND * 2, Ending::OutOfMemory) });
    }
    assert_eq!(limit.current(), 8);
    let expected = Reason::Cut { pressure: Pressure::OutOfMemory, from: 16 };
    assert_eq!(limit.state().reason, expected);
}

#[test]
fn a_number_that_ran_out_of_memory_is_avoided_for_minutes() {
    let mut limit = Limit::adaptive(bounds(1, 64, 16));
    limit.ended(&ended(&limit, SECOND, Ending::OutOfMemory));
    let mut first = None;
    serve(&mut limit, 64, 2000, |at, limit| {
        if limit.current() >= 16 {
            first.get_or_insert(at);
        }
    });
    let first = first.expect("it is tried again one day");
    assert!(first >= Duration::from_mins(10), "{first:?}");
}

#[test]
fn a_stray_refusal_cuts_nothing_and_many_cut_again_and_again() {
    let refused = Ending::Overloaded { retry_after: None };
    let mut limit = Limit::adaptive(bounds(1, 64, 32));
    for number in 1..400 {
        let ending = if number % 8 == 0 { refused } else { Ending::Answered };
        // With a slot free, so that nothing is measured.
        limit.ended(&Ended { in_flight: 16, ..ended(&limit, SECOND * 2 + SECOND / 32 * number, ending) });
    }
    assert_eq!(limit.current(), 32, "one of eight");
    let mut levels = vec![32];
    for number in 0..400 {
        limit.ended(&ended(&limit, SECOND * 20 + SECOND / 8 * number, refused));
        if levels.last() != Some(&limit.current()) {
            levels.push(limit.current());
        }
    }
    assert_eq!(levels, [32, 16, 8, 4, 2, 1]);
}

#[test]
fn refusals_at_every_number_are_not_blamed_on_the_number() {
    let mut limit = Limit::adaptive(bounds(1, 64, 5));
    let mut at = serve_from(&mut limit, Duration::ZERO, 12, 600, |_, _| {});
    let settled = limit.state().settled.expect("settled");
    for _ in 0..200 {
        at += SECOND / 4;
        limit.ended(&Ended { latency: Duration::ZERO, ..ended(&limit, at, Ending::Overloaded { retry_after: None }) });
    }
    assert_eq!(limit.current(), 1);
    let mut blamed = false;
    serve_from(&mut limit, at, 12, 120, |_, limit| {
        blamed |= matches!(limit.state().reason, Reason::HeldBy { .. });
    });
    assert_eq!(limit.state().settled, Some(settled), "{}", limit.state());
    assert!(!blamed);
}

#[test]
fn a_server_that_changes_is_probed_soon() {
    let mut limit = Limit::adaptive(bounds(1, 64, 5));
    // Long enough for probes to be minutes apart.
    let at = serve_from(&mut limit, Duration::ZERO, 24, 4280, |_, _| {});
    let mut probed = None;
    serve_from(&mut limit, at, 12, 800, |now, limit| {
        if matches!(limit.state().reason, Reason::ProbingDown { .. }) {
            probed.get_or_insert(now.saturating_sub(at));
        }
    });
    let probed = probed.expect("fewer are tried, as fewer are served");
    assert!(probed < Duration::from_mins(3), "{probed:?}");
}

#[test]
fn no_more_are_in_flight_before_the_time_that_the_server_asked_for() {
    let refused = Ending::Overloaded { retry_after: Some(SECOND * 40) };
    let mut limit = Limit::adaptive(bounds(1, 64, 16));
    for _ in 0..40 {
        limit.ended(&Ended { latency: Duration::ZERO, ..ended(&limit, SECOND, refused) });
    }
    let after_cut = limit.current();
    assert!(after_cut < 16);
    let at = serve_from(&mut limit, SECOND, 64, 38, |at, limit| {
        assert!(limit.current() <= after_cut, "{} at {at:?}", limit.state());
    });
    serve_from(&mut limit, at, 64, 100, |_, _| {});
    assert!(limit.current() > after_cut, "{}", limit.state());
}

#[test]
fn refused_connections_change_nothing() {
    let mut limit = Limit::adaptive(bounds(1, 64, 16));
    for number in 0..1000 {
        limit.ended(&ended(&limit, SECOND + SECOND / 100 * number, Ending::Other));
    }
    assert_eq!(limit.current(), 16);
}
