use crate::model::HttpResponse;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The most bytes of responses that are kept; the oldest go first. Those of some ten thousand records: what people write
/// word for word alike they write often.
const KEPT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Those who lead and fail, that a record waits for before it asks for itself: what fails for all is not asked one by one.
const LEADS_AWAITED_MAX: usize = 3;
/// What keeping a response takes beside its texts: its place here, the hash it is found by, the pieces of its headers.
const KEEPING_BYTES: usize = 512;

/// Responses that records of the same text share. Who asks first leads; who asks the same meanwhile waits for that response,
/// and who asks later finds it, as long as it is kept.
#[derive(Debug)]
pub(super) struct Shelf {
    kept_bytes_max: usize,
    // Held for a few instructions at a time, never across an await.
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    of: HashMap<Key, Asked>,
    /// Those that are kept, the oldest first.
    kept: VecDeque<Key>,
    kept_bytes: usize,
}

/// The hash of the question, and which request of its job it is.
type Key = (Arc<str>, usize);

#[derive(Debug)]
enum Asked {
    /// Somebody is asking, and says when that is over.
    Led(Arc<Notify>),
    Kept(Arc<HttpResponse>),
}

/// What there is for who asks.
pub(super) enum Found<'a> {
    /// Nothing: ask, and tell.
    Lead(Lead<'a>),
    /// The response to the same request of another record.
    Shared(Arc<HttpResponse>),
    /// Nothing, and others who asked have failed: ask, as everybody does.
    Alone,
}

/// The task of asking what others wait for. Dropped without a response that can be used, the next one of them leads.
pub(super) struct Lead<'a> {
    shelf: &'a Shelf,
    key: Key,
    over: Arc<Notify>,
}

impl Default for Shelf {
    fn default() -> Self {
        Shelf { kept_bytes_max: KEPT_BYTES_MAX, places: Mutex::default() }
    }
}

impl Shelf {
    /// What there is for a question's request after so many others; waits where somebody asks the same now.
    ///
    /// Dropping the future loses nothing.
    pub(super) async fn find(&self, question: String, sends: usize) -> Found<'_> {
        let key: Key = (question.into(), sends);
        let mut awaited = 0;
        loop {
            let led = {
                let mut places = self.lock();
                match places.of.get(&key) {
                    Some(Asked::Kept(response)) => return Found::Shared(Arc::clone(response)),
                    Some(Asked::Led(_)) if awaited == LEADS_AWAITED_MAX => return Found::Alone,
                    Some(Asked::Led(led)) => Arc::clone(led),
                    None => {
                        let over = Arc::<Notify>::default();
                        places.of.insert(key.clone(), Asked::Led(Arc::clone(&over)));
                        return Found::Lead(Lead { shelf: self, key, over });
                    }
                }
            };
            let over = led.notified();
            // It may have been over before the line above.
            if self.is_led(&key, &led) {
                over.await;
            }
            awaited += 1;
        }
    }

    fn is_led(&self, key: &Key, by: &Arc<Notify>) -> bool {
        matches!(self.lock().of.get(key), Some(Asked::Led(led)) if Arc::ptr_eq(led, by))
    }

    // Nothing panics while it is locked.
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lead<'_> {
    /// The response is one that others can use.
    pub(super) fn keep(self, response: HttpResponse) {
        let bytes = size(&response);
        if bytes > self.shelf.kept_bytes_max {
            return;
        }
        let mut places = self.shelf.lock();
        places.of.insert(self.key.clone(), Asked::Kept(Arc::new(response)));
        places.kept.push_back(self.key.clone());
        places.kept_bytes += bytes;
        while places.kept_bytes > self.shelf.kept_bytes_max
            && let Some(oldest) = places.kept.pop_front()
        {
            if let Some(Asked::Kept(response)) = places.of.remove(&oldest) {
                places.kept_bytes -= size(&response);
            }
        }
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if self.shelf.is_led(&self.key, &self.over) {
            self.shelf.lock().of.remove(&self.key);
        }
        self.over.notify_waiters();
    }
}

fn size(response: &HttpResponse) -> usize {
    let headers: usize = response.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    KEEPING_BYTES + headers + response.body.as_bytes().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Body;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::time::Duration;
    use tokio::time::sleep;

    fn response(body: &str) -> HttpResponse {
        HttpResponse { status: 200, headers: Vec::new(), body: Body::Text(body.to_owned()) }
    }

    async fn find<'a>(shelf: &'a Shelf, question: &str) -> Found<'a> {
        shelf.find(question.to_owned(), 0).await
    }

    /// Five that ask the same at once, the first few of which fail after a second: how often was asked, and how many
    /// share.
    async fn five(failures: usize) -> (usize, usize) {
        let (shelf, asked) = (Shelf::default(), AtomicUsize::new(0));
        let one = async || match find(&shelf, "q").await {
            Found::Shared(response) => response.body.as_bytes() == b"right",
            Found::Alone => {
                asked.fetch_add(1, Relaxed);
                sleep(Duration::from_secs(1)).await;
                false
            }
            Found::Lead(lead) => {
                let nth = asked.fetch_add(1, Relaxed);
                sleep(Duration::from_secs(1)).await;
                if nth >= failures {
                    lead.keep(response("right"));
                }
                false
            }
        };
        let shared = futures_util::future::join_all((0..5).map(|_| one())).await;
        (asked.load(Relaxed), shared.into_iter().filter(|shared| *shared).count())
    }

    #[tokio::test(start_paused = true)]
    async fn one_asks_and_the_others_share() {
        assert_eq!(five(0).await, (1, 4));
    }

    #[tokio::test(start_paused = true)]
    async fn where_it_fails_the_next_one_asks_and_what_failed_is_not_shared() {
        assert_eq!(five(2).await, (3, 2));
        let begun = tokio::time::Instant::now();
        assert_eq!(five(9).await, (5, 0));
        assert_eq!(begun.elapsed(), Duration::from_secs(4), "what fails for all is asked at once in the end");
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_leads_nobody_astray() {
        let shelf = Shelf::default();
        let Found::Lead(lead) = find(&shelf, "q").await else { panic!("nobody asked before") };
        let waits = find(&shelf, "q");
        assert!(tokio::time::timeout(Duration::from_secs(1), waits).await.is_err(), "it waits");
        drop(lead);
        assert!(matches!(find(&shelf, "q").await, Found::Lead(_)));
        assert!(matches!(shelf.find("q".to_owned(), 1).await, Found::Lead(_)), "another request of the same job");
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_responses_go_first() {
        let shelf = Shelf { kept_bytes_max: 2 * (KEEPING_BYTES + 5), ..Shelf::default() };
        let large = "x".repeat(shelf.kept_bytes_max);
        for (question, body) in [("a", "1234"), ("b", "1234"), ("c", "1234"), ("d", large.as_str())] {
            if let Found::Lead(lead) = find(&shelf, question).await {
                lead.keep(response(body));
            }
        }
        let mut kept = Vec::new();
        for question in ["a", "b", "c", "d"] {
            kept.push(matches!(find(&shelf, question).await, Found::Shared(_)));
        }
        assert_eq!(kept, [false, true, true, false]);
        assert_eq!(shelf.lock().kept_bytes, 2 * (KEEPING_BYTES + 4));
    }
}
