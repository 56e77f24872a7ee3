use crate::model::{Body, Cluster, Fault, Task};
use crate::provider::Provider;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The briefs of the tasks that were asked last: one for records that go alone, one for those that go together. While all
/// clusters fit the prompt, the records of an epoch share them.
#[derive(Default)]
pub(super) struct Briefs {
    alone: ArcSwapOption<Briefed>,
    together: ArcSwapOption<Briefed>,
}

struct Briefed {
    task: Arc<Task>,
    /// Made by whoever needs it first; the others wait for that one.
    brief: OnceCell<Arc<Body>>,
}

impl Briefs {
    /// The task over these candidates, for jobs of so many records at most, and what the provider makes of it. `task` is
    /// called for others than the last.
    ///
    /// Dropped, it leaves the making to the next who asks.
    pub(super) async fn of(
        &self,
        provider: &dyn Provider,
        candidates: &[Arc<Cluster>],
        records_max: u32,
        task: impl FnOnce() -> Task,
    ) -> Result<(Arc<Task>, Arc<Body>), Fault> {
        let slot = if records_max == 1 { &self.alone } else { &self.together };
        let is_last = |last: &Task| last.records_max == records_max && are_same(&last.candidates, candidates);
        let last = slot.load_full().filter(|last| is_last(&last.task));
        let briefed = last.unwrap_or_else(|| {
            let next = Arc::new(Briefed { task: Arc::new(task()), brief: OnceCell::new() });
            slot.store(Some(Arc::clone(&next)));
            next
        });
        let make = || async { provider.brief(&briefed.task).await.map(Arc::new) };
        let brief = briefed.brief.get_or_try_init(make).await?;
        Ok((Arc::clone(&briefed.task), Arc::clone(brief)))
    }
}

/// Whether these are the same values, not only equal ones: an edited cluster is another value.
fn are_same(one: &[Arc<Cluster>], other: &[Arc<Cluster>]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| Arc::ptr_eq(one, other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FaultKind, HttpResponse, Job, Preparation, Previous, Settings, Step};
    use crate::provider::Identity;
    use async_trait::async_trait;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    /// Counts the briefs that it is asked for; the first few of them are faults.
    struct Counting {
        identity: Identity,
        faults: usize,
        asked: AtomicUsize,
    }

    fn counting(faults: usize) -> Counting {
        let identity = Identity { path: "counting.wasm".into(), ..Identity::default() };
        Counting { identity, faults, asked: AtomicUsize::new(0) }
    }

    #[async_trait]
    impl Provider for Counting {
        fn identity(&self) -> &Identity {
            &self.identity
        }

        async fn prepare(&self, _: &Settings, _: Option<Previous>) -> Result<Preparation, Fault> {
            unreachable!("a brief needs no preparation")
        }

        async fn brief(&self, task: &Task) -> Result<Body, Fault> {
            let asked = self.asked.fetch_add(1, SeqCst);
            tokio::task::yield_now().await;
            if asked < self.faults {
                return Err(Fault::new(FaultKind::Trap, "the component aborted"));
            }
            let ids = task.candidate_ids().cloned().collect::<Vec<_>>().join(",");
            Ok(Body::Text(if task.records_max == 1 { ids } else { format!("{} of {ids}", task.records_max) }))
        }

        async fn build_request(&self, _: &Job) -> Result<Step, Fault> {
            unreachable!("a brief is no request")
        }

        async fn parse_response(&self, _: &Job, _: Vec<u8>, _: HttpResponse) -> Result<Step, Fault> {
            unreachable!("a brief has no response")
        }
    }

    fn clusters(ids: &[&str]) -> Arc<[Arc<Cluster>]> {
        ids.iter().map(|id| Arc::new(Cluster { cluster_id: (*id).to_owned(), ..Cluster::default() })).collect()
    }

    async fn brief(briefs: &Briefs, provider: &Counting, candidates: &Arc<[Arc<Cluster>]>) -> Result<String, Fault> {
        brief_of(briefs, provider, candidates, 1).await
    }

    async fn brief_of(
        briefs: &Briefs,
        provider: &Counting,
        candidates: &Arc<[Arc<Cluster>]>,
        records_max: u32,
    ) -> Result<String, Fault> {
        let task = || Task {
            candidates: Arc::clone(candidates),
            instructions: Arc::default(),
            allow_new_cluster: true,
            records_max,
            settings: Arc::default(),
            profile: Arc::default(),
        };
        let (task, brief) = briefs.of(provider, candidates, records_max, task).await?;
        assert!(are_same(&task.candidates, candidates), "the task is that of the candidates");
        Ok(String::from_utf8_lossy(brief.as_bytes()).into_owned())
    }

    #[tokio::test]
    async fn records_that_are_shown_the_same_share_a_brief_and_others_do_not() {
        let (provider, briefs) = (counting(0), Briefs::default());
        let (first, second) = (clusters(&["a", "b"]), clusters(&["a", "b", "c"]));
        let at_once = (0..50).map(|_| brief(&briefs, &provider, &first));
        for made in futures_util::future::join_all(at_once).await {
            assert_eq!(made.as_deref(), Ok("a,b"));
        }
        assert_eq!(provider.asked.load(SeqCst), 1);
        let chosen_anew: Arc<[Arc<Cluster>]> = first.iter().cloned().collect();
        assert_eq!(brief(&briefs, &provider, &chosen_anew).await.as_deref(), Ok("a,b"));
        assert_eq!(provider.asked.load(SeqCst), 1, "the same clusters in another list are the same");
        assert_eq!(brief(&briefs, &provider, &second).await.as_deref(), Ok("a,b,c"));
        assert_eq!(brief(&briefs, &provider, &clusters(&["a", "b", "c"])).await.as_deref(), Ok("a,b,c"));
        assert_eq!(provider.asked.load(SeqCst), 3, "an edited cluster is another, whatever its id");
    }

    #[tokio::test]
    async fn a_fault_is_not_kept() {
        let (provider, briefs, candidates) = (counting(1), Briefs::default(), clusters(&["a"]));
        let fault = brief(&briefs, &provider, &candidates).await.expect_err("the first is a fault");
        assert_eq!(fault.kind, FaultKind::Trap);
        assert_eq!(brief(&briefs, &provider, &candidates).await.as_deref(), Ok("a"));
    }

    #[tokio::test]
    async fn records_that_go_alone_and_together_take_nothing_from_each_other() {
        let (provider, briefs, candidates) = (counting(0), Briefs::default(), clusters(&["a", "b"]));
        for _ in 0..3 {
            assert_eq!(brief_of(&briefs, &provider, &candidates, 10).await.as_deref(), Ok("10 of a,b"));
            assert_eq!(brief(&briefs, &provider, &candidates).await.as_deref(), Ok("a,b"));
        }
        assert_eq!(provider.asked.load(SeqCst), 2);
        assert_eq!(brief_of(&briefs, &provider, &candidates, 5).await.as_deref(), Ok("5 of a,b"));
        assert_eq!(provider.asked.load(SeqCst), 3, "another number of records is another task");
    }
}
