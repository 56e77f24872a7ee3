//! Where the records of a run wait while their component is in quarantine.

use crate::control::quarantine::{Admission, Onset, Pass, Quarantine, QuarantineRule, is_offence};
use crate::model::{Fault, FaultKind};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Components whose conduct is remembered in one run: the oldest is forgotten, which lets it in anew.
const COMPONENTS_MAX: usize = 64;

/// The code of the fault of a record that no attempt was made for.
const QUARANTINED: &str = "quarantined";

/// The conduct of the components of a run, each by its digest.
pub struct Wards {
    rule: QuarantineRule,
    by_digest: Mutex<VecDeque<(String, Arc<Ward>)>>,
}

impl Wards {
    /// No component is known yet.
    pub fn new(rule: QuarantineRule) -> Wards {
        Wards { rule, by_digest: Mutex::default() }
    }

    /// The one of a component.
    pub(super) fn of(&self, digest: &str) -> Arc<Ward> {
        let mut wards = lock(&self.by_digest);
        if let Some((_, ward)) = wards.iter().find(|(known, _)| known == digest) {
            return Arc::clone(ward);
        }
        if wards.len() == COMPONENTS_MAX {
            wards.pop_front();
        }
        let ward = Arc::new(Ward { quarantine: Mutex::new(Quarantine::new(self.rule)), changed: Notify::new() });
        wards.push_back((digest.to_owned(), Arc::clone(&ward)));
        ward
    }
}

/// One component's conduct, and those who wait for leave to call it.
pub(super) struct Ward {
    quarantine: Mutex<Quarantine>,
    /// A trial has ended.
    changed: Notify,
}

impl Ward {
    /// Waits for leave to make one attempt: as a rule not at all. A wait that cannot end within `left` is not begun.
    ///
    /// Dropping the future gives up the wait, and nothing else.
    ///
    /// # Errors
    /// The fault of a record that cannot be tried: its component is given up, or the quarantine outlasts it.
    pub(super) async fn enter(self: &Arc<Self>, left: Duration) -> Result<Entry, Fault> {
        let deadline = Instant::now().checked_add(left);
        loop {
            // Before the look, so that no change is missed between the two.
            let changed = self.changed.notified();
            let admission = lock(&self.quarantine).admit(Instant::now().into_std());
            match admission {
                Admission::Pass(pass) => return Ok(Entry { ward: Arc::clone(self), pass: Some(pass) }),
                Admission::GivenUp(times) => return Err(self.given_up(times)),
                Admission::Until(until) => {
                    let until = Instant::from_std(until);
                    if deadline.is_some_and(|deadline| deadline <= until) {
                        return Err(self.outlasted());
                    }
                    sleep_until(until).await;
                }
                Admission::Trial => match deadline {
                    Some(deadline) => timeout_at(deadline, changed).await.map_err(|_| self.outlasted())?,
                    None => changed.await,
                },
            }
        }
    }

    fn given_up(&self, times: u32) -> Fault {
        self.quarantined(format!(
            "the component is given up: it failed again after each of {times} quarantines in a row"
        ))
    }

    fn outlasted(&self) -> Fault {
        self.quarantined("the component is in quarantine for longer than the record has time".to_owned())
    }

    /// The fault is of the kind that the component was shut out for.
    fn quarantined(&self, message: String) -> Fault {
        let kind = lock(&self.quarantine).offence().unwrap_or(FaultKind::Trap);
        Fault::new(kind, message).code(QUARANTINED).hint("the other failed records say what the component did")
    }

    fn change<T>(&self, change: impl FnOnce(&mut Quarantine) -> T) -> T {
        let changed = change(&mut lock(&self.quarantine));
        self.changed.notify_waiters();
        changed
    }
}

/// Leave to make one attempt. Dropped without a word on what came of it, it counts as none.
pub(super) struct Entry {
    ward: Arc<Ward>,
    pass: Option<Pass>,
}

impl Entry {
    /// Says what came of the attempt; returns a quarantine where one begins by it.
    pub(super) fn leave<T>(mut self, result: &Result<T, Fault>) -> Option<Onset> {
        let pass = self.pass.take()?;
        let offence = result.as_ref().err().map(|fault| fault.kind).filter(|kind| is_offence(*kind));
        self.ward.change(|quarantine| quarantine.note(&pass, offence, Instant::now().into_std()))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            self.ward.change(|quarantine| quarantine.release(&pass, Instant::now().into_std()));
        }
    }
}

/// What is guarded is changed in one step each time, so a panic elsewhere leaves it whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    const LONG: Duration = Duration::from_mins(10);

    fn trap() -> Result<(), Fault> {
        Err(Fault::new(FaultKind::Trap, "the component aborted"))
    }

    async fn in_quarantine() -> Arc<Ward> {
        let ward = Wards::new(QuarantineRule::default()).of("digest");
        for _ in 0..8 {
            ward.enter(LONG).await.expect("it is let in").leave(&trap());
        }
        ward
    }

    #[tokio::test(start_paused = true)]
    async fn records_wait_for_one_trial_and_then_go_on_all_together() {
        let ward = in_quarantine().await;
        let (begun, now, peak) = (Instant::now(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let record = || {
            let (ward, now, peak) = (Arc::clone(&ward), Arc::clone(&now), Arc::clone(&peak));
            tokio::spawn(async move {
                let entry = ward.enter(LONG).await.expect("it is let in");
                let entered = begun.elapsed();
                peak.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                tokio::time::sleep(Duration::from_secs(3)).await;
                now.fetch_sub(1, SeqCst);
                entry.leave(&Ok(()));
                entered.as_secs()
            })
        };
        let records: Vec<_> = (0..20).map(|_| record()).collect();
        let mut entered = Vec::new();
        for record in records {
            entered.push(record.await.expect("nobody panics"));
        }
        entered.sort_unstable();
        assert_eq!((entered[0], &entered[1..]), (1, &[4; 19][..]), "one after a second, the others after its end");
        assert_eq!(peak.load(SeqCst), 19);
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_is_dropped_lets_the_next_try() {
        let ward = in_quarantine().await;
        let trial = ward.enter(LONG).await.expect("it is tried");
        let waiting = tokio::spawn({
            let ward = Arc::clone(&ward);
            async move { ward.enter(LONG).await.map(|entry| entry.leave(&Ok(()))) }
        });
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!waiting.is_finished(), "it waits for the trial");
        drop(trial);
        assert_eq!(waiting.await.expect("nobody panics"), Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_without_the_time_to_wait_fails_at_once() {
        let ward = in_quarantine().await;
        let begun = Instant::now();
        let fault = ward.enter(Duration::from_millis(900)).await.err().expect("it cannot wait");
        assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::Trap, Some(QUARANTINED)));
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let trial = ward.enter(LONG).await.expect("it is tried");
        let fault = ward.enter(Duration::from_secs(2)).await.err().expect("the trial takes too long");
        assert_eq!(fault.code.as_deref(), Some(QUARANTINED));
        drop(trial);
    }

    #[tokio::test(start_paused = true)]
    async fn a_component_that_fails_every_trial_is_given_up_in_half_a_minute() {
        let ward = in_quarantine().await;
        let begun = Instant::now();
        let fault = loop {
            match ward.enter(LONG).await {
                Ok(entry) => drop(entry.leave(&trap())),
                Err(fault) => break fault,
            }
        };
        assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::Trap, Some(QUARANTINED)));
        assert_eq!(begun.elapsed().as_secs(), 1 + 2 + 4 + 8 + 16);
    }

    #[tokio::test]
    async fn components_are_told_apart_and_only_so_many_remembered() {
        let wards = Wards::new(QuarantineRule::default());
        let first = wards.of("0");
        assert!(Arc::ptr_eq(&first, &wards.of("0")));
        for n in 1..=COMPONENTS_MAX {
            wards.of(&n.to_string());
        }
        assert!(!Arc::ptr_eq(&first, &wards.of("0")), "the oldest is forgotten");
    }
}
