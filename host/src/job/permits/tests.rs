use super::*;
use crate::control::limit::Bounds;
use crate::model::FaultKind;
use std::num::NonZeroU32;

async fn take(permits: &Permits, number: usize) -> Vec<Permit> {
    let mut taken = Vec::new();
    for _ in 0..number {
        taken.push(permits.acquire().await);
    }
    taken
}

async fn is_empty(permits: &Permits) -> bool {
    tokio::time::timeout(Duration::from_secs(1), permits.acquire()).await.is_err()
}

async fn ended(permits: &Permits, latency: Duration, fault: Option<&Fault>) -> Turned {
    let place = permits.place(&[0], 0, true).await.expect("the lane is asked");
    place.ended(&CallEnd { latency, fault, tokens: None, report: None })
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_sinks_takes_nothing_back_and_gives_nothing_until_enough_came_back() {
    let permits = Permits::new(Limit::adaptive(Bounds::try_new(1, 64, 16).expect("bounds")));
    let mut taken = take(&permits, 16).await;
    assert!(is_empty(&permits).await);
    ended(&permits, Duration::ZERO, Some(&Fault::new(FaultKind::Overloaded, "full").code(Fault::OUT_OF_MEMORY))).await;
    assert_eq!((permits.limit(), permits.in_flight()), (8, 16));
    taken.truncate(8);
    assert!(is_empty(&permits).await, "eight are in flight, and eight are allowed");
    taken.truncate(7);
    assert!(!is_empty(&permits).await);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_grows_wakes_who_waits() {
    let permits = Permits::new(Limit::adaptive(Bounds::try_new(1, 64, 2).expect("bounds")));
    let taken = take(&permits, 2).await;
    let waiting = tokio::spawn({
        let permits = permits.clone();
        async move { take(&permits, 2).await.len() }
    });
    for _ in 0..200 {
        tokio::time::advance(Duration::from_millis(500)).await;
        ended(&permits, Duration::from_secs(1), None).await;
    }
    assert!(permits.limit() >= 4, "{:?}", permits.lanes());
    let got = tokio::time::timeout(Duration::from_secs(1), waiting).await.expect("woken").expect("no panic");
    assert_eq!((got, taken.len()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_leaves_loses_no_permit() {
    let permits = Permits::fixed(1);
    let taken = permits.acquire().await;
    for _ in 0..3 {
        assert!(is_empty(&permits).await);
    }
    drop(taken);
    assert!(!is_empty(&permits).await);
    assert_eq!(permits.in_flight(), 0);
}

const DEAD: Duration = Duration::from_millis(1);

fn refused() -> Fault {
    Fault::new(FaultKind::Connect, "refused")
}

fn end(fault: Option<&Fault>) -> CallEnd<'_> {
    CallEnd { latency: DEAD, fault, tokens: None, report: None }
}

/// Five calls to a lane that end in a refused connection.
async fn open(permits: &Permits, lane: usize) {
    for number in 1..=5 {
        let turned = permits.place(&[lane], 0, true).await.expect("it is closed").ended(&end(Some(&refused())));
        assert_eq!(matches!(turned, Some(Turning::Opened { .. })), number == 5, "{turned:?}");
    }
}

fn adaptive(start: usize) -> LaneRule {
    LaneRule { limit: Some(Limit::adaptive(Bounds::try_new(1, 64, start).expect("bounds"))), ..LaneRule::default() }
}

#[tokio::test(start_paused = true)]
async fn limits_of_lanes_add_up_and_one_that_is_left_alone_bears_one() {
    let permits = Permits::over(None, [adaptive(3), adaptive(5)]);
    assert_eq!(permits.limit(), 8);
    open(&permits, 1).await;
    assert_eq!(permits.limit(), 3 + 1);
    let taken = take(&permits, 4).await;
    assert!(is_empty(&permits).await);
    drop(taken);
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_is_left_alone_is_asked_by_one_probe_and_then_by_all() {
    let permits = Permits::over(Some(8), [LaneRule::default(), LaneRule::default()]);
    open(&permits, 0).await;
    for _ in 0..4 {
        let place = permits.place(&[0, 1], 0, true).await.expect("the other is there");
        assert_eq!(place.lane(), 1);
        place.ended(&end(None));
    }
    let down = permits.place(&[0], 0, false).await.expect_err("it does not wait").fault();
    assert!(is_left_alone(&down) && down.kind == FaultKind::Connect, "{down:?}");
    tokio::time::advance(Duration::from_secs(2)).await;
    let probe = permits.place(&[0, 1], 0, true).await.expect("a probe");
    assert_eq!(probe.lane(), 0);
    let beside = permits.place(&[0, 1], 0, true).await.expect("the other is there");
    assert_eq!(beside.lane(), 1);
    let waiting = tokio::spawn({
        let permits = permits.clone();
        async move { permits.place(&[0], 0, true).await.map(|place| place.lane()) }
    });
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!((waiting.is_finished(), permits.waiting().breaker), (false, 1));
    assert!(matches!(probe.ended(&end(None)), Some(Turning::Closed { .. })));
    assert_eq!(waiting.await.expect("no panic"), Ok(0));
    assert_eq!(permits.waiting(), Waiting::default());
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_its_turn_at_the_rate() {
    let rate = RateRule { rpm: NonZeroU32::new(60), tpm: None };
    let permits = Permits::over(Some(8), [LaneRule { rate, ..LaneRule::default() }]);
    let first = permits.place(&[0], 0, true).await.expect("at once");
    assert_eq!(permits.now(), Duration::ZERO);
    let second = tokio::spawn({
        let permits = permits.clone();
        async move { permits.place(&[0], 0, true).await.map(|_| permits.now().as_millis()) }
    });
    tokio::task::yield_now().await;
    assert_eq!(permits.waiting(), Waiting { rate: 1, breaker: 0 });
    drop(first);
    let at_ms = second.await.expect("no panic").expect("a place");
    assert!((1000..1100).contains(&at_ms), "a call that was given up was sent all the same: {at_ms} ms");
    assert_eq!(permits.waiting(), Waiting::default());
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_asks_for_a_wait_is_called_by_nobody_until_then_and_never_paused_for_hours() {
    for (asked_s, paused_s) in [(7, 7), (36_000, 600)] {
        let permits = Permits::fixed(4);
        let place = permits.place(&[0], 0, true).await.expect("at once");
        let retry_after = Some(Duration::from_secs(asked_s));
        place.ended(&end(Some(&Fault { retry_after, ..Fault::new(FaultKind::RateLimited, "slow down") })));
        permits.place(&[0], 0, true).await.expect("later").ended(&end(None));
        assert_eq!(permits.now().as_secs(), paused_s);
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_turn_calls_no_lane_that_is_left_alone_meanwhile() {
    let rate = RateRule { rpm: NonZeroU32::new(600), tpm: None };
    // No probe within the time that is looked at.
    let breaker =
        BreakerRule { probe_base: Duration::from_mins(2), probe_max: Duration::from_mins(2), ..BreakerRule::default() };
    let permits = Permits::over(Some(32), [LaneRule { breaker, rate, ..LaneRule::default() }]);
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let permits = permits.clone();
            tokio::spawn(async move {
                let place = permits.place(&[0], 0, false).await.ok()?;
                tokio::time::sleep(DEAD).await;
                Some(place.ended(&end(Some(&refused()))))
            })
        })
        .collect();
    let mut called = 0;
    for waiting in waiting {
        called += usize::from(waiting.await.expect("no panic").is_some());
    }
    assert_eq!((called, permits.lanes()[0].calls), (10, 0), "ten at once are a second's worth");
}

#[tokio::test(start_paused = true)]
async fn a_place_beside_another_call_is_on_another_lane_and_at_once_or_not_at_all() {
    let one = || LaneRule { limit: Some(Limit::fixed(1)), ..LaneRule::default() };
    let permits = Permits::over(None, [one(), one()]);
    let first = permits.place(&[0, 1], 0, true).await.expect("at once");
    let second = permits.another_place(&[0, 1], first.lane(), 0).expect("the other has room");
    assert_ne!(second.lane(), first.lane());
    assert!(permits.another_place(&[0, 1], first.lane(), 0).is_none(), "it is full");
    drop(second);
    assert!(permits.another_place(&[first.lane()], first.lane(), 0).is_none(), "the only one is full");

    let rate = RateRule { rpm: NonZeroU32::new(60), tpm: None };
    let permits = Permits::over(Some(4), [LaneRule { rate, ..LaneRule::default() }]);
    let first = permits.place(&[0], 0, true).await.expect("at once");
    assert!(permits.another_place(&[0], first.lane(), 0).is_none(), "its turn is later");
    assert_eq!(permits.lanes()[0].calls, 1);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(permits.another_place(&[0], first.lane(), 0).expect("its turn has come").lane(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lane_counts_its_calls_and_the_waits_for_its_rate() {
    let rate = RateRule { rpm: NonZeroU32::new(1), ..RateRule::default() };
    let permits = Permits::over(Some(5), [LaneRule { rate, ..LaneRule::default() }]);
    assert_eq!(permits.waited(), Waited::default());
    for _ in 0..3 {
        ended(&permits, Duration::ZERO, None).await;
    }
    assert_eq!(permits.lanes()[0].calls_ended, 3);
    let waited = permits.waited();
    assert!(waited.rate >= Duration::from_mins(1) && waited.breaker.is_zero(), "{waited:?}");
}
