use super::intake::Item;
use super::{Counters, StopReason, Stops};
use crate::control::budget::{Budget, Cost, Leave, Reserved, Spending, SpendingState, is_charged};
use crate::model::{Fault, MicroUsd, Record, Step, Usage};
use futures_util::{Stream, StreamExt};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What a run spends of its budget: each record reserves before it is begun, is charged for its calls, and is settled by
/// them in the end.
#[derive(Debug)]
pub struct Ledger {
    // Held for a few instructions at a time, never across an await.
    pages: Mutex<Pages>,
    // Wakes who waits for another to be settled.
    settled: Notify,
}

#[derive(Debug)]
struct Pages {
    spending: Spending,
    /// Those of the records in flight, by their ids.
    accounts: HashMap<String, Account>,
}

#[derive(Debug)]
struct Account {
    reserved: Reserved,
    took: Usage,
    /// Whether there was a call that may have to be paid for.
    is_charged: bool,
    /// Whether there was an answer.
    is_answered: bool,
}

impl Ledger {
    /// Nothing is spent yet of this budget.
    pub fn new(budget: Budget) -> Self {
        let pages = Pages { spending: Spending::new(budget, Cost::default()), accounts: HashMap::new() };
        Ledger { pages: Mutex::new(pages), settled: Notify::new() }
    }

    /// Items as long as the budget lasts; then the run is stopped, and the item that it did not last for is not taken. Rows
    /// that are no records cost nothing.
    pub fn lasting(
        self: Arc<Self>,
        items: impl Stream<Item = Item> + Unpin,
        counters: Arc<Counters>,
        stops: Arc<Stops>,
    ) -> impl Stream<Item = Item> {
        futures_util::stream::unfold(items, move |mut items| {
            let (ledger, counters, stops) = (Arc::clone(&self), Arc::clone(&counters), Arc::clone(&stops));
            async move {
                let item = items.next().await?;
                if let Item::Record { record, .. } = &item
                    && let Err(reason) = ledger.begin(&record.request_id, &counters).await
                {
                    stops.stop(reason);
                    return None;
                }
                Some((item, items))
            }
        })
    }

    /// Waits until a record may be begun. It is expected to take what those before it took on average; the first is begun
    /// alone, and teaches that. To be settled in the end.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// Why the run is to end.
    async fn begin(&self, request_id: &str, counters: &Counters) -> Result<(), StopReason> {
        let mut waits = None;
        loop {
            // Before the look, so that no settlement is missed between the two.
            let settled = self.settled.notified();
            if let Some(begun) = self.ask(request_id) {
                return begun;
            }
            waits.get_or_insert_with(|| counters.waiting_for_budget.enter());
            settled.await;
        }
    }

    /// Charges a call to the records that it was about, each its share.
    pub(super) fn charge(&self, records: &[Arc<Record>], result: &Result<Step, Fault>) {
        let (usage, is_answered) = match result {
            Ok(Step::Done(answer)) => (answer.usage, true),
            // What it took is in what comes of the further request.
            Ok(Step::Send(_)) => (Usage::default(), false),
            Err(fault) if is_charged(fault) => (fault.usage, false),
            Err(_) => return,
        };
        let mut pages = self.lock();
        for (index, record) in records.iter().enumerate() {
            let Some(account) = pages.accounts.get_mut(&record.request_id) else { continue };
            account.is_charged = true;
            account.is_answered |= is_answered;
            account.took.add(&usage.share(index, records.len()));
        }
    }

    /// The record has its outcome.
    pub fn settle(&self, request_id: &str) {
        let mut pages = self.lock();
        let Some(Account { reserved, took, is_charged, is_answered }) = pages.accounts.remove(request_id) else {
            return;
        };
        let took = Cost { money: took.cost_micro_usd.map(MicroUsd), tokens: took.tokens() };
        // Calls that all failed and told nothing, where nothing was reserved that they could stand at, teach nothing. The
        // next record may.
        let teaches = is_answered || took != Cost::default() || !reserved.is_nothing();
        if is_charged && teaches {
            pages.spending.settle(reserved, took);
        } else {
            pages.spending.cancel(reserved);
        }
        drop(pages);
        self.settled.notify_waiters();
    }

    /// What is spent and reserved now.
    pub fn state(&self) -> SpendingState {
        self.lock().spending.state()
    }

    /// Whether a record may be begun now; none where it is to wait.
    fn ask(&self, request_id: &str) -> Option<Result<(), StopReason>> {
        let mut pages = self.lock();
        let reserved = match pages.spending.begin(Cost::default()) {
            Leave::Go(reserved) => reserved,
            Leave::Wait => return None,
            Leave::UsedUp => return Some(Err(StopReason::Budget)),
            Leave::CostUnknown => return Some(Err(StopReason::CostUnknown)),
        };
        let account = Account { reserved, took: Usage::default(), is_charged: false, is_answered: false };
        pages.accounts.insert(request_id.to_owned(), account);
        Some(Ok(()))
    }

    // Nothing panics while it is locked.
    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Answer, FaultKind};
    use std::time::Duration;

    fn money(micro_usd: u64) -> Arc<Ledger> {
        Arc::new(Ledger::new(Budget { money: Some(MicroUsd(micro_usd)), tokens: None }))
    }

    fn records(ids: &[&str]) -> Vec<Arc<Record>> {
        ids.iter().map(|id| Arc::new(Record::new(*id, "x"))).collect()
    }

    #[expect(clippy::unnecessary_wraps, reason = "what a call comes to")]
    fn answered(cost_micro_usd: Option<u64>) -> Result<Step, Fault> {
        Ok(Step::Done(Answer { usage: Usage { cost_micro_usd, ..Usage::default() }, ..Answer::default() }))
    }

    fn timed_out() -> Result<Step, Fault> {
        Err(Fault { request_sent: true, ..Fault::new(FaultKind::TimedOut, "late") })
    }

    fn item(id: &str) -> Item {
        Item::Record { record: Record::new(id, "x"), slice_id: 0 }
    }

    /// A record that is begun, comes to these, and is settled.
    async fn record(ledger: &Ledger, calls: &[Result<Step, Fault>]) -> Result<(), StopReason> {
        ledger.begin("r", &Counters::default()).await?;
        for call in calls {
            ledger.charge(&records(&["r"]), call);
        }
        ledger.settle("r");
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_is_begun_alone_and_the_run_stops_at_the_line() {
        let (ledger, counters, stops) = (money(100), Arc::new(Counters::default()), Arc::new(Stops::default()));
        let items = futures_util::stream::iter(["a", "b", "c", "d", "e"].map(item));
        let items = Arc::clone(&ledger).lasting(items, Arc::clone(&counters), Arc::clone(&stops));
        let mut items = std::pin::pin!(items);
        assert!(items.next().await.is_some());
        let second = tokio::time::timeout(Duration::from_secs(1), items.next());
        assert!(second.await.is_err(), "nobody knows yet what one takes");
        assert_eq!(counters.waiting_for_budget.waiting(), 1);
        ledger.charge(&records(&["a"]), &answered(Some(30)));
        ledger.settle("a");
        for _ in ["b", "c"] {
            assert!(items.next().await.is_some());
        }
        assert_eq!(counters.waiting_for_budget.waiting(), 0);
        assert_eq!(ledger.state().money_reserved, MicroUsd(60));
        let fourth = async {
            tokio::task::yield_now().await;
            assert_eq!(counters.waiting_for_budget.waiting(), 1);
            for id in ["b", "c"] {
                ledger.charge(&records(&[id]), &answered(Some(30)));
                ledger.settle(id);
            }
        };
        let (taken, ()) = tokio::join!(items.next(), fourth);
        assert!(taken.is_none(), "what is left is less than one takes");
        assert_eq!(stops.reason(), Some(&StopReason::Budget));
        assert_eq!(ledger.state().money, MicroUsd(90));
    }

    #[tokio::test(start_paused = true)]
    async fn what_needs_no_call_and_what_is_turned_away_costs_nothing() {
        let ledger = money(100);
        let turned_away = || Err(Fault { request_sent: true, ..Fault::new(FaultKind::RateLimited, "wait") });
        for calls in [vec![], vec![turned_away()], vec![turned_away(), turned_away()]] {
            assert_eq!(record(&ledger, &calls).await, Ok(()));
        }
        assert_eq!(ledger.state(), SpendingState::default());
        let unreadable = || Item::Unreadable {
            request_id: "line-1".into(),
            fault: Fault::new(FaultKind::BadInput, "x"),
            slice_id: 0,
        };
        let rows = futures_util::stream::iter((0..3).map(|_| unreadable()));
        let items = money(0).lasting(rows, Arc::default(), Arc::default());
        assert_eq!(items.count().await, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_of_unknown_cost_ends_the_run_and_a_failure_of_unknown_cost_does_not() {
        let ledger = money(100);
        assert_eq!(record(&ledger, &[timed_out()]).await, Ok(()));
        assert_eq!(record(&ledger, &[timed_out(), answered(Some(40))]).await, Ok(()));
        assert_eq!(ledger.state().money, MicroUsd(40));
        assert_eq!(record(&ledger, &[timed_out()]).await, Ok(()));
        assert_eq!(ledger.state().money, MicroUsd(80), "it stands at what was reserved");
        let ledger = money(100);
        assert_eq!(record(&ledger, &[answered(None)]).await, Ok(()));
        assert_eq!(record(&ledger, &[]).await, Err(StopReason::CostUnknown));
    }

    #[tokio::test(start_paused = true)]
    async fn records_of_one_call_share_what_it_cost() {
        let (ledger, counters) = (money(1_000), Counters::default());
        assert_eq!(record(&ledger, &[answered(Some(10))]).await, Ok(()));
        for id in ["a", "b", "c"] {
            assert_eq!(ledger.begin(id, &counters).await, Ok(()));
        }
        ledger.charge(&records(&["a", "b", "c"]), &answered(Some(11)));
        ledger.settle("a");
        assert_eq!(ledger.state().money, MicroUsd(14));
        for id in ["b", "c"] {
            ledger.settle(id);
        }
        assert_eq!(ledger.state().money, MicroUsd(21));
    }
}
