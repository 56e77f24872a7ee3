use tokio_util::sync::CancellationToken;

/// How a run is asked to end early, in two steps. Clones are the same switch.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    drain: CancellationToken,
    stop: CancellationToken,
}

impl Drain {
    /// A switch that this one works, too, but that does not work this one.
    #[must_use]
    pub fn child(&self) -> Drain {
        Drain { drain: self.drain.child_token(), stop: self.stop.child_token() }
    }

    /// Reads no further record; those in flight finish, are committed and written.
    pub fn begin(&self) {
        self.drain.cancel();
    }

    /// Gives up the records in flight, too. What is committed stays committed.
    pub fn stop_now(&self) {
        self.drain.cancel();
        self.stop.cancel();
    }

    /// Whether the run was asked to end.
    pub fn begun(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Waits until the run is asked to end.
    pub async fn asked(&self) {
        self.drain.cancelled().await;
    }

    /// Waits until the run is asked to give up what is in flight.
    pub async fn asked_to_stop(&self) {
        self.stop.cancelled().await;
    }
}
