use super::permits::{NoPlace, Place};
use super::shelf::Shelf;
use super::{Permits, Prepared};
use crate::control::breaker::Stop;
use crate::control::budget;
use crate::control::hedge::{Hedge, HedgeRule};
use crate::control::rate::TokenEstimate;
use crate::control::retry_budget::{RetryBudget, RetryBudgetRule};
use crate::model::{Answer, Fault, FaultKind, HttpRequest, Job, Prices, Settings, Step, Usage};
use crate::transport::Transport;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One of the chain of those who judge a record.
#[derive(Clone)]
pub struct Link {
    /// The component that a record began with.
    pub prepared: Arc<Prepared>,
    /// What stays, whatever component comes into service.
    pub route: Arc<Route>,
}

/// By what one of the chain judges in a run, and where its requests go.
pub struct Route {
    /// How to judge.
    pub settings: Arc<Settings>,
    /// What tokens cost; none where nobody said it.
    pub prices: Option<Prices>,
    /// Who sends, one for each lane.
    transports: Vec<Arc<dyn Transport>>,
    /// The lanes of the run's permits; empty for a provider that sends nothing.
    lanes: Vec<usize>,
    /// Responses that records of the same text share; none where each asks for itself.
    shelf: Option<Shelf>,
    /// What is unusual, and how many calls got a second; none where none does.
    hedge: Option<Mutex<Hedge>>,
    // Each is locked for a few instructions at a time, never across an await.
    estimate: Mutex<TokenEstimate>,
    retries: Mutex<RetryBudget>,
}

impl Route {
    /// A route to servers, each with its lane.
    pub fn new(
        settings: Arc<Settings>,
        prices: Option<Prices>,
        servers: impl IntoIterator<Item = (usize, Arc<dyn Transport>)>,
        retries: RetryBudgetRule,
    ) -> Self {
        let (lanes, transports) = servers.into_iter().unzip();
        let (estimate, retries) = (Mutex::default(), Mutex::new(RetryBudget::new(retries)));
        Route { settings, prices, transports, lanes, shelf: None, hedge: None, estimate, retries }
    }

    /// The same, on which records of the same text share one call.
    #[must_use]
    pub fn sharing(mut self) -> Self {
        self.shelf = Some(Shelf::default());
        self
    }

    /// The same, on which a call that takes unusually long gets a second beside it.
    #[must_use]
    pub fn hedging(mut self, rule: HedgeRule) -> Self {
        self.hedge = Some(Mutex::new(Hedge::new(rule)));
        self
    }

    /// Waits for a place on the way to one of the servers, for a request of this size.
    ///
    /// # Errors
    /// Where the servers are asked no more, or not now and the record does not wait; `blocked` where there are none.
    pub(super) async fn place(&self, permits: &Permits, request: &HttpRequest, waits: bool) -> Result<Place, Fault> {
        if self.lanes.is_empty() {
            return Err(no_endpoint());
        }
        permits.place(&self.lanes, self.tokens(request), waits).await.map_err(NoPlace::fault)
    }

    /// A place for a second call beside one that takes unusually long, where there is one at once and few have one yet.
    pub(super) fn another_place(&self, permits: &Permits, than: &Place, request: &HttpRequest) -> Option<Place> {
        let hedge = self.hedge.as_ref()?;
        // Looked at before, since a place takes a turn at its server's rate.
        if !lock(hedge).may_hedge() {
            return None;
        }
        let place = permits.another_place(&self.lanes, than.lane(), self.tokens(request))?;
        lock(hedge).try_hedge().then_some(place)
    }

    /// A call that may get a second is sent; how long to wait before that. None where none does.
    pub(super) fn begun(&self) -> Option<Duration> {
        lock(self.hedge.as_ref()?).begun()
    }

    /// Such a call was answered after so long.
    pub(super) fn answered(&self, latency: Duration) {
        if let Some(hedge) = &self.hedge {
            lock(hedge).answered(latency);
        }
    }

    /// Who sends from a place.
    pub(super) fn transport(&self, place: &Place) -> &dyn Transport {
        let at = self.lanes.iter().position(|lane| *lane == place.lane());
        self.transports[at.expect("the place is on one of these lanes")].as_ref()
    }

    /// The same, with the cost of the call by the prices, where its tokens were counted and its server tells no cost.
    pub(super) fn priced(&self, mut result: Result<Step, Fault>) -> Result<Step, Fault> {
        let usage = match &mut result {
            Ok(Step::Done(answer)) => &mut answer.usage,
            Ok(Step::Send(_)) => return result,
            Err(fault) => &mut fault.usage,
        };
        usage.cost_micro_usd = budget::cost(usage, self.prices.as_ref()).map(|cost| cost.0);
        result
    }

    /// Where the responses to a job's requests are shared: not for jobs of several records, whose answers name them.
    pub(super) fn shelf(&self, job: &Job) -> Option<&Shelf> {
        self.shelf.as_ref().filter(|_| job.records.len() == 1)
    }

    /// What a response that another record has paid for means for this one.
    pub(super) fn free(&self, step: Step) -> Step {
        let Step::Done(answer) = step else { return step };
        // Without prices not even this is said: a sum of what is known would look like a sum of all.
        let usage = Usage { cost_micro_usd: self.prices.map(|_| 0), ..Usage::default() };
        Step::Done(Answer { usage, rate: None, ..answer })
    }

    /// How many tokens a request will probably take.
    fn tokens(&self, request: &HttpRequest) -> u64 {
        lock(&self.estimate).tokens(bytes(request), self.settings.max_output_tokens)
    }

    /// Learns what a request took.
    pub(super) fn learn(&self, request: &HttpRequest, usage: &Usage) {
        lock(&self.estimate).learn(bytes(request), usage);
    }

    /// Counts a first call, which pays for its share of retries.
    pub(super) fn first_call(&self) {
        lock(&self.retries).deposit();
    }

    /// How long to wait until there is a retry in the budget, which is taken where it is there at once; none where there
    /// never is.
    pub(super) fn retry_in(&self, now: Duration) -> Option<Duration> {
        let mut retries = lock(&self.retries);
        if retries.try_withdraw(now) { Some(Duration::ZERO) } else { retries.wait(now) }
    }

    /// Whether it sends anywhere: otherwise there is no server that retries could be too much for.
    pub(super) fn has_servers(&self) -> bool {
        !self.lanes.is_empty()
    }

    /// Why its servers are asked no more; none while one of them may be.
    pub(super) fn stopped(&self, permits: &Permits) -> Option<Stop> {
        if self.lanes.is_empty() { None } else { permits.stopped(&self.lanes) }
    }
}

fn bytes(request: &HttpRequest) -> usize {
    request.body.as_ref().map_or(0, |body| body.as_bytes().len())
}

/// A provider that sends needs an endpoint; the composition root gives none only to one that declared none.
pub(super) fn no_endpoint() -> Fault {
    Fault::new(FaultKind::Blocked, "the provider wants to send, but has no endpoint")
        .code("no-endpoint")
        .hint("name the server with `--endpoint URL`")
}

// What is guarded is changed in one step each time, so a panic elsewhere leaves it whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MicroUsd;

    fn route(prices: Option<Prices>) -> Route {
        let settings = Settings { model: "m".into(), ..Settings::default() };
        Route::new(Arc::new(settings), prices, [], RetryBudgetRule::default())
    }

    #[test]
    fn a_call_costs_what_its_server_says_or_what_its_tokens_do() {
        let prices = Prices { input: MicroUsd(1_000_000), cached_input: MicroUsd(0), output: MicroUsd(2_000_000) };
        let counted = Usage { input_tokens: Some(10), output_tokens: Some(5), ..Usage::default() };
        let told = Usage { cost_micro_usd: Some(7), ..counted };
        for (prices, usage, expected) in [
            (Some(prices), counted, Some(20)),
            (Some(prices), told, Some(7)),
            (None, told, Some(7)),
            (None, counted, None),
            (Some(prices), Usage::default(), None),
        ] {
            let route = route(prices);
            let answered = route.priced(Ok(Step::Done(Answer { usage, ..Answer::default() })));
            let Ok(Step::Done(answer)) = answered else { panic!("an answer stays one") };
            assert_eq!(answer.usage.cost_micro_usd, expected, "{usage:?}");
            let failed = route.priced(Err(Fault { usage, ..Fault::new(FaultKind::Truncated, "x") }));
            assert_eq!(failed.expect_err("a fault stays one").usage.cost_micro_usd, expected, "{usage:?}");
        }
    }
}
