use super::intake::Item;
use super::{Counters, StopReason, Stops};
use crate::control::budget::{Budget, Cost, Leave, Reserved, Spending, SpendingState, is_charged};
use crate::model::{Fault, MicroUsd, Record, Step, Usage};
use futures_util::{Stream, StreamExt};
use std::collections::{HashMap, HashSet};
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
    /// The models of whose answers one had a cost that is known.
    told: HashSet<String>,
    /// Records that were settled, and the bytes of their texts and fields: a longer one is expected to take more.
    settled: u64,
    settled_bytes: u64,
}

#[derive(Debug)]
struct Account {
    reserved: Reserved,
    bytes: u64,
    /// The sum of what is known.
    took: Cost,
    /// Calls that may have to be paid for, of which it is not known how much, in money and in tokens.
    unknown: (u64, u64),
    /// Whether there was a call that may have to be paid for.
    is_charged: bool,
    /// Whether there was an answer.
    is_answered: bool,
}

impl Account {
    fn charge(&mut self, usage: &Usage) {
        self.is_charged = true;
        let add = |sum: Option<u64>, part: u64| Some(sum.unwrap_or(0).saturating_add(part));
        match usage.cost_micro_usd {
            Some(cost) => self.took.money = add(self.took.money.map(|money| money.0), cost).map(MicroUsd),
            None => self.unknown.0 += 1,
        }
        match usage.tokens() {
            Some(tokens) => self.took.tokens = add(self.took.tokens, tokens),
            None => self.unknown.1 += 1,
        }
    }

    /// What all its calls took: those of unknown cost stand at what was reserved.
    fn cost(&self) -> Cost {
        let reserved = self.reserved.cost();
        let stand = |each: Option<u64>, calls: u64| each.unwrap_or(0).saturating_mul(calls);
        let money = stand(reserved.money.map(|money| money.0), self.unknown.0);
        let tokens = stand(reserved.tokens, self.unknown.1);
        Cost {
            money: self.took.money.map(|took| MicroUsd(took.0.saturating_add(money))),
            tokens: self.took.tokens.map(|took| took.saturating_add(tokens)),
        }
    }
}

impl Ledger {
    /// Nothing is spent yet of this budget.
    pub fn new(budget: Budget) -> Self {
        let pages = Pages {
            spending: Spending::new(budget, Cost::default()),
            accounts: HashMap::new(),
            told: HashSet::new(),
            settled: 0,
            settled_bytes: 0,
        };
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
                    && let Err(reason) = ledger.begin(record, &counters).await
                {
                    stops.stop(reason);
                    return None;
                }
                Some((item, items))
            }
        })
    }

    /// Waits until a record may be begun. It is expected to take what those before it took on average, and more by as much as
    /// it is longer; the first is begun alone, and teaches that. To be settled in the end.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// Why the run is to end.
    async fn begin(&self, record: &Record, counters: &Counters) -> Result<(), StopReason> {
        let mut waits = None;
        loop {
            // Before the look, so that no settlement is missed between the two.
            let settled = self.settled.notified();
            if let Some(begun) = self.ask(record) {
                return begun;
            }
            waits.get_or_insert_with(|| counters.waiting_for_budget.enter());
            settled.await;
        }
    }

    /// Charges a call of a model to the records that it was about, each its share; and where another was given up beside it, that
    /// one, too. A model whose first answer tells no cost never will.
    pub(super) fn charge(&self, records: &[Arc<Record>], result: &Result<Step, Fault>, (model, hedged): (&str, bool)) {
        let (usage, is_answered) = match result {
            Ok(Step::Done(answer)) => (answer.usage, true),
            // What it took is in what comes of the further request.
            Ok(Step::Send(_)) => (Usage::default(), false),
            Err(fault) if is_charged(fault) => (fault.usage, false),
            Err(_) => return,
        };
        let goes_on = matches!(result, Ok(Step::Send(_)));
        let mut pages = self.lock();
        // What is reserved for one of the records is of its size.
        if hedged && let Some(account) = records.first().and_then(|one| pages.accounts.get_mut(&one.request_id)) {
            account.charge(&Usage::default());
        }
        if usage.cost_micro_usd.is_some() {
            pages.told.insert(model.to_owned());
        } else if is_answered && !pages.told.contains(model) {
            pages.spending.money_is_unknown();
        }
        for (index, record) in records.iter().enumerate() {
            let Some(account) = pages.accounts.get_mut(&record.request_id) else { continue };
            account.is_charged = true;
            account.is_answered |= is_answered;
            if !goes_on {
                account.charge(&usage.share(index, records.len()));
            }
        }
    }

    /// The record has its outcome.
    pub fn settle(&self, request_id: &str) {
        let mut pages = self.lock();
        let Some(account) = pages.accounts.remove(request_id) else { return };
        let took = account.cost();
        let Account { reserved, bytes, is_charged, is_answered, .. } = account;
        // Calls that all failed and told nothing, where nothing was reserved that they could stand at, teach nothing. The
        // next record may.
        let teaches = is_answered || took != Cost::default() || !reserved.is_nothing();
        if is_charged && teaches {
            pages.settled += 1;
            pages.settled_bytes = pages.settled_bytes.saturating_add(bytes);
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
    fn ask(&self, record: &Record) -> Option<Result<(), StopReason>> {
        let mut pages = self.lock();
        let bytes = record.bytes();
        let expected = pages.expected(bytes);
        let reserved = match pages.spending.begin(expected) {
            Leave::Go(reserved) => reserved,
            Leave::Wait => return None,
            Leave::UsedUp => return Some(Err(StopReason::Budget)),
            Leave::CostUnknown => return Some(Err(StopReason::CostUnknown)),
            Leave::TokensUnknown => return Some(Err(StopReason::TokensUnknown)),
        };
        let (took, unknown) = (Cost::default(), (0, 0));
        let account = Account { reserved, bytes, took, unknown, is_charged: false, is_answered: false };
        pages.accounts.insert(record.request_id.clone(), account);
        Some(Ok(()))
    }

    // Nothing panics while it is locked.
    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    /// What a record of so many bytes will probably take: as much as those before it on average, or more by as much as it is
    /// longer. What all prompts share makes that too much, never too little.
    fn expected(&self, bytes: u64) -> Cost {
        let mean = self.spending.mean();
        let longer = |amount: u64| {
            let grown = u128::from(amount) * u128::from(bytes) * u128::from(self.settled)
                / u128::from(self.settled_bytes.max(1));
            u64::try_from(grown).unwrap_or(u64::MAX).max(amount)
        };
        Cost { money: mean.money.map(|money| MicroUsd(longer(money.0))), tokens: mean.tokens.map(longer) }
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
        ledger.begin(&Record::new("r", "x"), &Counters::default()).await?;
        for call in calls {
            ledger.charge(&records(&["r"]), call, ("m", false));
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
        ledger.charge(&records(&["a"]), &answered(Some(30)), ("m", false));
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
                ledger.charge(&records(&[id]), &answered(Some(30)), ("m", false));
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
        let ledger = money(1_000);
        assert_eq!(record(&ledger, &[answered(Some(40))]).await, Ok(()));
        assert_eq!(record(&ledger, &[timed_out(), answered(Some(30))]).await, Ok(()));
        assert_eq!(ledger.state().money, MicroUsd(110), "so does one before an answer");
        assert_eq!(ledger.begin(&Record::new("h", "x"), &Counters::default()).await, Ok(()));
        let reserved = ledger.state().money_reserved.0;
        ledger.charge(&records(&["h"]), &answered(Some(30)), ("m", true));
        ledger.settle("h");
        assert_eq!(ledger.state().money, MicroUsd(140 + reserved), "and one that was given up beside it");
        let ledger = money(100);
        assert_eq!(record(&ledger, &[answered(None)]).await, Ok(()));
        assert_eq!(record(&ledger, &[]).await, Err(StopReason::CostUnknown));
    }

    #[tokio::test(start_paused = true)]
    async fn records_of_one_call_share_what_it_cost() {
        let (ledger, counters) = (money(1_000), Counters::default());
        assert_eq!(record(&ledger, &[answered(Some(10))]).await, Ok(()));
        for id in ["a", "b", "c"] {
            assert_eq!(ledger.begin(&Record::new(id, "x"), &counters).await, Ok(()));
        }
        ledger.charge(&records(&["a", "b", "c"]), &answered(Some(11)), ("m", false));
        ledger.settle("a");
        assert_eq!(ledger.state().money, MicroUsd(14));
        for id in ["b", "c"] {
            ledger.settle(id);
        }
        assert_eq!(ledger.state().money, MicroUsd(21));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_costs_nothing_does_not_hide_one_of_unknown_cost() {
        let (ledger, counters) = (money(100), Counters::default());
        assert_eq!(ledger.begin(&Record::new("r", "x"), &counters).await, Ok(()));
        ledger.charge(&records(&["r"]), &answered(Some(0)), ("free", false));
        ledger.charge(&records(&["r"]), &answered(None), ("dear", false));
        ledger.settle("r");
        assert_eq!(ledger.begin(&Record::new("s", "x"), &counters).await, Err(StopReason::CostUnknown));
    }

    #[tokio::test(start_paused = true)]
    async fn a_longer_record_is_expected_to_take_more() {
        let (ledger, counters) = (money(1_000), Counters::default());
        assert_eq!(record(&ledger, &[answered(Some(10))]).await, Ok(()));
        assert_eq!(ledger.begin(&Record::new("long", "x".repeat(40)), &counters).await, Ok(()));
        assert_eq!(ledger.state().money_reserved, MicroUsd(400));
        assert_eq!(ledger.begin(&Record::new("empty", ""), &counters).await, Ok(()));
        assert_eq!(ledger.state().money_reserved, MicroUsd(410));
    }
}
