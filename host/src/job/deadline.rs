use crate::model::{Fault, FaultKind};
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The code of the fault of what took longer in all than it may.
const TOTAL: &str = "total";

/// The time that a record has. What it waits for others on the host's own account is not taken off it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    begun: Instant,
    total: Duration,
    excused: Duration,
}

impl Deadline {
    /// From now on.
    pub(super) fn new(total: Duration) -> Self {
        Deadline { begun: Instant::now(), total, excused: Duration::ZERO }
    }

    /// What is left.
    pub(super) fn left(&self) -> Duration {
        self.total.saturating_sub(self.begun.elapsed().saturating_sub(self.excused))
    }

    /// Waits without the record's time passing.
    pub(super) async fn excused<T>(&mut self, waiting: impl Future<Output = T>) -> T {
        let waits = Instant::now();
        let waited = waiting.await;
        self.excused += waits.elapsed();
        waited
    }

    /// The same time, had it stood still since then.
    pub(super) fn excused_since(self, since: Instant) -> Self {
        Deadline { excused: self.excused + since.elapsed(), ..self }
    }

    /// Does something as long as there is time.
    ///
    /// # Errors
    /// `timed-out` where there is none left.
    pub(super) async fn within<T>(&self, doing: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        timeout(self.left(), doing).await.unwrap_or_else(|_| Err(out_of_time("verdict", self.total)))
    }
}

/// The fault of what took longer in all than it may.
pub(super) fn out_of_time(what: &str, total: Duration) -> Fault {
    let message = format!("no {what} within the total time: {}", humantime::format_duration(total));
    Fault { request_sent: true, ..Fault::new(FaultKind::TimedOut, message).code(TOTAL) }
        .hint("give more time with `--total-timeout`")
}

/// Whether a fault says that a record's whole time was over.
pub(super) fn is_out_of_time(fault: &Fault) -> bool {
    fault.code.as_deref() == Some(TOTAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    #[tokio::test(start_paused = true)]
    async fn waits_that_are_excused_take_no_time_of_the_record() {
        let mut deadline = Deadline::new(Duration::from_secs(10));
        sleep(Duration::from_secs(4)).await;
        deadline.excused(sleep(Duration::from_hours(1))).await;
        assert_eq!(deadline.left(), Duration::from_secs(6));
        let late = deadline
            .within(async {
                sleep(Duration::from_secs(7)).await;
                Ok(())
            })
            .await
            .expect_err("it is late");
        assert_eq!((late.kind, late.code.as_deref()), (FaultKind::TimedOut, Some("total")));
        assert_eq!(deadline.left(), Duration::ZERO);
    }
}
