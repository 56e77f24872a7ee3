use super::{Permits, Place, Prepared};
use crate::model::{Fault, FaultKind, Settings};
use crate::transport::Transport;
use std::sync::Arc;

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
    /// Who sends, and on which lane of the run's permits; empty for a provider that sends nothing.
    pub endpoints: Vec<Endpoint>,
}

/// One server of a route.
pub struct Endpoint {
    /// Its lane.
    pub lane: usize,
    /// Who sends there.
    pub transport: Arc<dyn Transport>,
}

impl Route {
    /// Waits for a place on the way to one of the servers.
    ///
    /// # Errors
    /// `blocked` where the route has none: the composition root gives none only to a provider that declared none.
    pub(super) async fn place(&self, permits: &Permits) -> Result<(Place, &dyn Transport), Fault> {
        if self.endpoints.is_empty() {
            return Err(no_endpoint());
        }
        let lanes: Vec<_> = self.endpoints.iter().map(|endpoint| endpoint.lane).collect();
        let place = permits.place(&lanes).await;
        let chosen = self.endpoints.iter().find(|endpoint| endpoint.lane == place.lane());
        let chosen = chosen.expect("the place is on one of these lanes");
        Ok((place, chosen.transport.as_ref()))
    }
}

/// A provider that sends needs an endpoint.
pub(super) fn no_endpoint() -> Fault {
    Fault::new(FaultKind::Blocked, "the provider wants to send, but has no endpoint")
        .code("no-endpoint")
        .hint("name the server with `--endpoint URL`")
}
