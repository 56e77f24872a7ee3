use crate::job::{Plan, Prepared};
use arc_swap::ArcSwap;
use std::sync::Arc;

/// The plan that a record begins with: the run's, for the component that is in service at that moment.
pub(super) struct Plans {
    serving: Arc<ArcSwap<Prepared>>,
    last: ArcSwap<Plan>,
}

impl Plans {
    /// Plans like this one.
    pub(super) fn new(serving: Arc<ArcSwap<Prepared>>, plan: Plan) -> Plans {
        Plans { serving, last: ArcSwap::from_pointee(plan) }
    }

    /// The plan of now. A record that begins takes it once, and stays with it to its end.
    pub(super) fn now(&self) -> Arc<Plan> {
        let (last, serving) = (self.last.load_full(), self.serving.load());
        if Arc::ptr_eq(&last.prepared, &serving) {
            return last;
        }
        // Two records may do so at once: their plans are equal, and share what belongs to the component.
        let next = Arc::new(Plan { prepared: Arc::clone(&serving), ..Plan::clone(&last) });
        self.last.store(Arc::clone(&next));
        next
    }
}
