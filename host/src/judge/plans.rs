use super::Seat;
use crate::job::{Link, Plan};
use arc_swap::ArcSwap;
use std::sync::Arc;

/// The plan that a record begins with: the run's, for the components that are in service at that moment.
pub(super) struct Plans {
    seats: Arc<[Seat]>,
    last: ArcSwap<Plan>,
}

impl Plans {
    /// Plans like this one, whose chain is that of the seats.
    pub(super) fn new(seats: Arc<[Seat]>, plan: Plan) -> Plans {
        Plans { seats, last: ArcSwap::from_pointee(plan) }
    }

    /// The plan of now. A record that begins takes it once, and stays with it to its end.
    pub(super) fn now(&self) -> Arc<Plan> {
        let last = self.last.load_full();
        let serving = self.seats.iter().map(Seat::serving);
        let chain = last.chain.iter().zip(serving);
        if chain.clone().all(|(link, serving)| Arc::ptr_eq(&link.prepared, &serving)) {
            return last;
        }
        // Two records may do so at once: their plans are equal, and share what belongs to the components.
        let chain = chain.map(|(link, prepared)| Link { prepared, route: Arc::clone(&link.route) }).collect();
        let next = Arc::new(Plan { chain, ..Plan::clone(&last) });
        self.last.store(Arc::clone(&next));
        next
    }
}
