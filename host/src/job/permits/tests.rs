use super::*;
use crate::control::limit::Bounds;
use crate::model::FaultKind;

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
