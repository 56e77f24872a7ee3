use super::{Counters, Permits, Place, Route};
use crate::model::{Fault, HttpRequest, HttpResponse};
use crate::transport::Transport;
use std::pin::pin;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// A response, and how it came.
pub(super) struct Sent {
    pub(super) response: HttpResponse,
    /// From the sending of this call to its response.
    pub(super) latency: Duration,
    /// The place of the second call, where that was the one that was answered first.
    pub(super) second: Option<Place>,
    /// Whether there was a second call, so that one of the two was given up.
    pub(super) hedged: bool,
}

/// One call from a place; only the first of an attempt is worth a second beside it.
///
/// # Errors
/// Where nothing came back.
pub(super) async fn send_from(
    counters: &Counters,
    permits: &Permits,
    route: &Route,
    place: &Place,
    request: &HttpRequest,
    is_first: bool,
) -> Result<Sent, Fault> {
    if is_first {
        return send_hedged(counters, permits, route, place, request).await;
    }
    let begun = Instant::now();
    let response = send(counters, route.transport(place), request).await?;
    Ok(Sent { response, latency: begun.elapsed(), second: None, hedged: false })
}

/// One call from a place. Where it takes unusually long, and the route may, a second is sent beside it from a place that is
/// free: the first response counts, and the other call is given up. A second that does not go well counts for nothing.
///
/// # Errors
/// The fault of the first call: one of the second leaves the first to itself.
async fn send_hedged(
    counters: &Counters,
    permits: &Permits,
    route: &Route,
    place: &Place,
    request: &HttpRequest,
) -> Result<Sent, Fault> {
    let begun = Instant::now();
    let mut first = pin!(send(counters, route.transport(place), request));
    let (mut answered, mut hedged) = (None, false);
    if let Some(usual) = route.begun() {
        answered = timeout(usual, &mut first).await.ok();
        if answered.is_none()
            && let Some(second) = route.another_place(permits, place, request)
        {
            counters.hedged.fetch_add(1, Relaxed);
            hedged = true;
            let beside = async {
                let begun = Instant::now();
                let answered = send(counters, route.transport(&second), request).await;
                answered.ok().filter(is_success).map(|response| (response, begun.elapsed()))
            };
            tokio::select! {
                biased;
                ended = &mut first => answered = Some(ended),
                Some((response, latency)) = beside => {
                    // The first is a slow one, though it is never known how slow.
                    route.answered(begun.elapsed());
                    route.answered(latency);
                    return Ok(Sent { response, latency, second: Some(second), hedged });
                }
            }
        }
    }
    let response = match answered {
        Some(answered) => answered?,
        None => first.await?,
    };
    let latency = begun.elapsed();
    if is_success(&response) {
        // A refusal is quick, and says nothing of how long an answer takes.
        route.answered(latency);
    }
    Ok(Sent { response, latency, second: None, hedged })
}

fn is_success(response: &HttpResponse) -> bool {
    (200..300).contains(&response.status)
}

/// One call, counted unless it certainly never reached the server.
///
/// # Errors
/// Where nothing came back.
async fn send(counters: &Counters, transport: &dyn Transport, request: &HttpRequest) -> Result<HttpResponse, Fault> {
    // Counted before, since the record's time may end in the middle.
    counters.calls.fetch_add(1, Relaxed);
    let answered = transport.send(request).await;
    if matches!(&answered, Err(fault) if !fault.request_sent) {
        counters.calls.fetch_sub(1, Relaxed);
    }
    answered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::hedge::HedgeRule;
    use crate::control::retry_budget::RetryBudgetRule;
    use crate::job::permits::CallEnd;
    use crate::model::{Body, FaultKind, Settings};
    use futures_util::StreamExt;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;
    use tokio::time::sleep;

    const CALLS: u64 = 2_000;
    const HANGS: Duration = Duration::from_secs(10);

    /// Answers within 100 to 200 ms; one call in fifty hangs, and then fails or answers.
    struct Hanging {
        calls: AtomicU64,
        fails: bool,
    }

    #[async_trait::async_trait]
    impl Transport for Hanging {
        async fn send(&self, _: &HttpRequest) -> Result<HttpResponse, Fault> {
            let call = self.calls.fetch_add(1, Relaxed);
            if call % 50 == 49 {
                sleep(HANGS).await;
                if self.fails {
                    return Err(Fault { request_sent: true, ..Fault::new(FaultKind::TimedOut, "x") });
                }
            }
            sleep(Duration::from_millis(100 + call * 37 % 101)).await;
            Ok(HttpResponse { status: 200, headers: Vec::new(), body: Body::Text(String::new()) })
        }
    }

    /// What came of the calls over so many lanes.
    struct Ran {
        p50: Duration,
        p99: Duration,
        calls: u64,
        hedged: u64,
        failed: usize,
    }

    async fn run(hedges: bool, lanes: usize, fails: bool) -> Ran {
        let counters = Counters::default();
        let permits = Permits::over(Some(8), (0..lanes).map(|_| super::super::LaneRule::default()));
        let server: Arc<dyn Transport> = Arc::new(Hanging { calls: AtomicU64::new(0), fails });
        let servers = (0..lanes).map(|lane| (lane, Arc::clone(&server)));
        let settings = Arc::new(Settings::default());
        let route = Route::new(settings, None, servers, RetryBudgetRule::default());
        let route = if hedges { route.hedging(HedgeRule::default()) } else { route };
        let request =
            HttpRequest { method: "POST".into(), path_and_query: "/".into(), headers: Vec::new(), body: None };
        let call = async |_| {
            let place = route.place(&permits, &request, true).await.expect("a place");
            let begun = Instant::now();
            let sent = send_hedged(&counters, &permits, &route, &place, &request).await;
            let took = begun.elapsed();
            let failed = sent.is_err();
            if let Ok(Sent { latency, second, .. }) = sent {
                let end = CallEnd { latency, fault: None, tokens: None, report: None };
                second.unwrap_or(place).ended(&end);
            }
            (took, failed)
        };
        let ended: Vec<_> = futures_util::stream::iter(0..CALLS).map(call).buffer_unordered(8).collect().await;
        let failed = ended.iter().filter(|(_, failed)| *failed).count();
        let mut took: Vec<Duration> = ended.into_iter().map(|(took, _)| took).collect();
        took.sort_unstable();
        assert!(permits.lanes().iter().all(|lane| lane.calls == 0), "every place was given back");
        Ran {
            p50: took[took.len() / 2],
            p99: took[took.len() * 99 / 100],
            calls: counters.calls.load(Relaxed),
            hedged: counters.hedged.load(Relaxed),
            failed,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_call_takes_the_place_of_one_that_hangs() {
        for lanes in [1, 2] {
            let (plain, hedged) = (run(false, lanes, false).await, run(true, lanes, false).await);
            assert!(plain.p99 >= HANGS, "{:?}", plain.p99);
            assert!(hedged.p99 < Duration::from_secs(1), "{:?}", hedged.p99);
            assert!(hedged.p50 < Duration::from_millis(200), "{:?}", hedged.p50);
            assert_eq!((plain.calls, plain.hedged), (CALLS, 0));
            assert_eq!(hedged.calls, CALLS + hedged.hedged, "both are paid for");
            assert!((1..=CALLS / 20).contains(&hedged.hedged), "{} hedged", hedged.hedged);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_call_that_fails_leaves_the_first_to_itself() {
        let (plain, hedged) = (run(false, 1, true).await, run(true, 1, true).await);
        assert_eq!(plain.failed as u64, CALLS / 50);
        assert!(hedged.failed < plain.failed / 4, "{} failed", hedged.failed);
    }
}
