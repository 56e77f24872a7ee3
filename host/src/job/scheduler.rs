//! Bounded parallel: permit first, then the next item, and the permit moves into its task.

use super::{Drain, Permits};
use futures_util::{Stream, StreamExt};
use std::future::Future;
use std::pin::pin;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

/// Works on the items of a stream, never on more at once than there are permits, and sends each result on as it comes.
/// An item counts as in flight until its result was taken in, so that a slow reader of results holds everything
/// back. With one permit the results come in the order of the items, and the next item is not read before.
///
/// Ends when the items end, or when `drain` asks: then no further item is taken, and those in flight finish
/// unless `drain` asks to stop at once.
///
/// Dropping the future gives up what is in flight.
///
/// # Panics
/// Where `work` panicked: the item's result would be lost in silence otherwise.
pub async fn schedule<T, O, F, Fut>(
    permits: &Permits,
    items: impl Stream<Item = T>,
    work: F,
    results: mpsc::Sender<O>,
    drain: &Drain,
) where
    F: Fn(T) -> Fut,
    Fut: Future<Output = O> + Send + 'static,
    O: Send + 'static,
{
    let mut items = pin!(items);
    let mut tasks = JoinSet::new();
    loop {
        let permit = tokio::select! {
            biased;
            () = drain.asked() => break,
            permit = permits.acquire() => permit,
        };
        let item = tokio::select! {
            biased;
            () = drain.asked() => break,
            item = items.next() => match item { Some(item) => item, None => break },
        };
        let (judging, results) = (work(item), results.clone());
        tasks.spawn(async move {
            let result = judging.await;
            // Whoever reads the results may have left; then the run is being given up.
            let _ = results.send(result).await;
            drop(permit);
        });
        while let Some(ended) = tasks.try_join_next() {
            surface(ended);
        }
    }
    loop {
        tokio::select! {
            biased;
            () = drain.asked_to_stop() => return tasks.shutdown().await,
            ended = tasks.join_next() => match ended { Some(ended) => surface(ended), None => return },
        }
    }
}

fn surface(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::time::Duration;

    #[derive(Default)]
    struct Seen {
        now: AtomicUsize,
        peak: AtomicUsize,
        begun: AtomicUsize,
    }

    async fn run(limit: usize, items: usize, drain: Drain, drain_after: Option<usize>) -> (Vec<usize>, Arc<Seen>) {
        let seen = Arc::new(Seen::default());
        let (tx, mut rx) = mpsc::channel(1);
        let shared = Arc::clone(&seen);
        let switch = drain.clone();
        let work = move |item: usize| {
            let (seen, drain) = (Arc::clone(&shared), switch.clone());
            async move {
                let begun = seen.begun.fetch_add(1, SeqCst) + 1;
                if drain_after == Some(begun) {
                    drain.begin();
                }
                let now = seen.now.fetch_add(1, SeqCst) + 1;
                seen.peak.fetch_max(now, SeqCst);
                // Later items finish sooner, so that order is no accident.
                tokio::time::sleep(Duration::from_millis(1000 - item as u64)).await;
                seen.now.fetch_sub(1, SeqCst);
                item
            }
        };
        let permits = Permits::fixed(limit);
        let scheduling = schedule(&permits, futures_util::stream::iter(0..items), work, tx, &drain);
        let collecting = async {
            let mut results = Vec::new();
            while let Some(result) = rx.recv().await {
                results.push(result);
            }
            results
        };
        let ((), results) = tokio::join!(scheduling, collecting);
        (results, seen)
    }

    #[tokio::test(start_paused = true)]
    async fn never_exceeds_the_limit_and_reaches_it() {
        for limit in [1, 2, 5, 64] {
            let (mut results, seen) = run(limit, 200, Drain::default(), None).await;
            results.sort_unstable();
            assert_eq!(results, (0..200).collect::<Vec<_>>(), "limit {limit}");
            assert_eq!(seen.peak.load(SeqCst), limit);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_of_one_keeps_the_order() {
        let (results, _) = run(1, 50, Drain::default(), None).await;
        assert_eq!(results, (0..50).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn draining_finishes_what_is_in_flight_and_begins_nothing() {
        let (results, seen) = run(5, 200, Drain::default(), Some(12)).await;
        assert_eq!(results.len(), seen.begun.load(SeqCst), "everything begun is finished");
        assert!((12..=17).contains(&results.len()), "{} begun", results.len());
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_gives_up_what_is_in_flight() {
        let drain = Drain::default();
        let (tx, mut rx) = mpsc::channel(1);
        drain.stop_now();
        schedule(&Permits::fixed(5), futures_util::stream::iter(0..9), |_| std::future::pending::<()>(), tx, &drain)
            .await;
        assert_eq!(rx.recv().await, None);
    }

    #[tokio::test]
    #[should_panic(expected = "a bug in the work")]
    async fn a_panic_in_the_work_is_not_swallowed() {
        let (tx, _rx) = mpsc::channel(1);
        let work = |_| async { panic!("a bug in the work") };
        schedule::<_, (), _, _>(&Permits::fixed(2), futures_util::stream::iter(0..1), work, tx, &Drain::default())
            .await;
    }
}
