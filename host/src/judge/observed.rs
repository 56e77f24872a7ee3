use super::Seat;
use crate::job::{Counters, LaneState, Permits, Stops};
use std::sync::Arc;

/// A run as it can be watched while it goes on. Clones are of the same run.
#[derive(Clone, Debug)]
pub struct Observed {
    /// What it counts.
    pub counters: Arc<Counters>,
    /// Why it ends from within, and which servers go and come back.
    pub stops: Arc<Stops>,
    /// How much is in flight, how much may be, and who waits for what.
    pub permits: Permits,
    servers: Arc<[Server]>,
}

/// One of a run's servers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Server {
    provider: String,
    origin: String,
}

/// Where one of a run's servers stands.
#[derive(Clone, Debug)]
pub struct ServerState {
    /// The id of the provider that asks it.
    pub provider: String,
    /// Scheme, host and port; empty where there is none to tell.
    pub origin: String,
    /// Its calls, its limit and its rate.
    pub lane: LaneState,
}

impl Observed {
    /// Seats' servers have their lanes in the order of the seats.
    pub(super) fn new(counters: Arc<Counters>, stops: Arc<Stops>, permits: Permits, seats: &[Seat]) -> Observed {
        let of_seat = |seat: &Seat| {
            let provider = seat.provider().identity().descriptor.id.clone();
            let server = |origin: &str| Server { provider: provider.clone(), origin: origin.to_owned() };
            seat.transports.iter().map(|transport| server(transport.origin())).collect::<Vec<_>>()
        };
        Observed { counters, stops, permits, servers: seats.iter().flat_map(of_seat).collect() }
    }

    /// Where each server stands, in the order of the chain; none for providers that send nothing.
    pub fn servers(&self) -> Vec<ServerState> {
        let with_lane = |(server, lane): (&Server, LaneState)| {
            let Server { provider, origin } = server.clone();
            ServerState { provider, origin, lane }
        };
        self.servers.iter().zip(self.permits.lanes()).map(with_lane).collect()
    }
}
