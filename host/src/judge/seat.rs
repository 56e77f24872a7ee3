use super::Policy;
use crate::control::hedge::HedgeRule;
use crate::control::rate::RateRule;
use crate::control::retry_budget::RetryBudgetRule;
use crate::job::{self, Link, Prepared, Route};
use crate::model::{Fault, Prices, Settings};
use crate::provider::Provider;
use crate::transport::Transport;
use arc_swap::ArcSwap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// A place in the chain of those who judge. Who sits there changes when a newer component comes; by what it judges, and
/// where its requests go, stays.
pub struct Seat {
    serving: ArcSwap<Prepared>,
    /// How it judges.
    pub settings: Arc<Settings>,
    /// What its tokens cost; none where nobody said it.
    pub prices: Option<Prices>,
    /// How fast each of its servers may be asked.
    pub rate: RateRule,
    /// Who sends, one for each of its servers; empty for a provider that sends nothing.
    pub transports: Vec<Arc<dyn Transport>>,
}

impl Seat {
    /// A seat for a provider, not yet prepared.
    pub fn new(
        provider: Arc<dyn Provider>,
        settings: Settings,
        transports: impl IntoIterator<Item = Arc<dyn Transport>>,
    ) -> Seat {
        Seat {
            serving: ArcSwap::from_pointee(Prepared::new(provider, [])),
            settings: Arc::new(settings),
            prices: None,
            rate: RateRule::default(),
            transports: transports.into_iter().collect(),
        }
    }

    /// Who judges the records that begin now.
    pub fn provider(&self) -> Arc<dyn Provider> {
        Arc::clone(&self.serving.load().provider)
    }

    /// The same, with what was made for it.
    pub(super) fn serving(&self) -> Arc<Prepared> {
        self.serving.load_full()
    }

    /// Puts a component in service, for the records that begin from now on.
    pub(super) fn seat(&self, prepared: Prepared) {
        self.serving.store(Arc::new(prepared));
    }

    /// Whether a component of this id has the seat.
    pub(super) fn is_of(&self, id: &str) -> bool {
        self.serving.load().provider.identity().descriptor.id == id
    }

    /// Lets a component look at the seat's servers: the first that it can start with says what it learned.
    ///
    /// # Errors
    /// The fault of the last, where it can start with none.
    pub(super) async fn prepared(
        &self,
        provider: &Arc<dyn Provider>,
        policy: &Policy,
        total: Duration,
    ) -> Result<Prepared, Fault> {
        let servers = self.transports.iter().map(|transport| Some(transport.as_ref()));
        let servers = servers.chain(self.transports.is_empty().then_some(None));
        let mut last = None;
        for server in servers {
            match job::prepare(provider.as_ref(), server, &self.settings, &policy.retry, total).await {
                Ok(profile) => return Ok(Prepared::new(Arc::clone(provider), profile)),
                Err(fault) => last = Some(fault),
            }
        }
        Err(last.expect("one server or none is tried at least"))
    }

    /// Its part of a run's plan, with these lanes for its servers.
    pub(super) fn link(&self, lanes: Range<usize>, policy: &Policy, retries: RetryBudgetRule) -> Link {
        let servers = lanes.zip(self.transports.iter().cloned());
        let route = Route::new(Arc::clone(&self.settings), self.prices, servers, retries);
        let route = if policy.dedup.is_on(self.settings.temperature) { route.sharing() } else { route };
        let route = if policy.hedge { route.hedging(HedgeRule::default()) } else { route };
        Link { prepared: self.serving(), route: Arc::new(route) }
    }
}
