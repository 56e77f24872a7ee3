//! When a component that fails in its sandbox again and again is left alone for a while, when it is let in again, and
//! when it is given up. The clock is passed in.

use crate::model::FaultKind;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Attempts that are looked back on: enough that a bad moment is none of it.
pub const ATTEMPTS_LOOKED_AT: usize = 32;
/// Faults among them that are too many. A quarter: a component that traps one call in three is over it, and one that
/// fails on a rare kind of record is not.
pub const FAULTS_MAX: usize = 8;
/// The first quarantine. Long enough that a spinning component costs a few parts in a hundred of the processor.
pub const QUARANTINE_BASE: Duration = Duration::from_secs(1);
/// The longest quarantine. Well below the time that a record has in all, so that records outlive it.
pub const QUARANTINE_MAX: Duration = Duration::from_secs(16);
/// Quarantines in a row, none of them ended by a call that went well, before the component is given up: half a minute
/// with the waits above.
pub const IN_VAIN_MAX: u32 = 5;

/// Bounds by which a component is put into quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuarantineRule {
    /// Attempts that are looked back on; at least 1.
    pub attempts: usize,
    /// Sandbox faults among them that put it into quarantine; at least 1.
    pub faults_max: usize,
    /// The first quarantine; each that follows without a success between is twice as long.
    pub base: Duration,
    /// The longest quarantine.
    pub max: Duration,
    /// Quarantines in a row before the component is given up.
    pub in_vain_max: u32,
}

impl Default for QuarantineRule {
    fn default() -> Self {
        QuarantineRule {
            attempts: ATTEMPTS_LOOKED_AT,
            faults_max: FAULTS_MAX,
            base: QUARANTINE_BASE,
            max: QUARANTINE_MAX,
            in_vain_max: IN_VAIN_MAX,
        }
    }
}

/// Whether a kind of fault counts against a component: those by which it ran into its sandbox's walls. What it says
/// of a server is no offence, and neither is what the server or the network did.
pub fn is_offence(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::Trap | FaultKind::Deadline | FaultKind::Memory)
}

/// Leave to make one attempt; it is handed back with what came of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Pass {
    /// Passes of earlier rounds say nothing of this one.
    round: u64,
    is_trial: bool,
}

/// Whether an attempt may be made now.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Pass(Pass),
    /// Not before this.
    Until(Instant),
    /// Not before the attempt under trial has ended.
    Trial,
    /// Never again, after so many quarantines in a row.
    GivenUp(u32),
}

/// The beginning of a quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Onset {
    /// The offence that brought it about.
    pub kind: FaultKind,
    /// Offences among the attempts that were looked at.
    pub faults: usize,
    /// How many attempts those were.
    pub attempts: usize,
    /// How long it is; none where the component is given up.
    pub length: Option<Duration>,
}

#[derive(Debug)]
enum State {
    Open,
    Shut { until: Instant },
    Trial,
    GivenUp,
}

/// What is known of one component's conduct.
#[derive(Debug)]
pub struct Quarantine {
    rule: QuarantineRule,
    state: State,
    /// The last attempts of this round, oldest first: whether each was an offence.
    recent: VecDeque<bool>,
    round: u64,
    /// Quarantines since the last success.
    in_vain: u32,
    /// The last offence that brought a quarantine about.
    offence: Option<FaultKind>,
}

impl Quarantine {
    /// A component that nothing is known of yet: it is let in.
    pub fn new(rule: QuarantineRule) -> Self {
        Quarantine { rule, state: State::Open, recent: VecDeque::new(), round: 0, in_vain: 0, offence: None }
    }

    /// Whether an attempt may be made. After a quarantine one is let in for trial, and the others wait for its end.
    pub fn admit(&mut self, now: Instant) -> Admission {
        match self.state {
            State::Open => Admission::Pass(Pass { round: self.round, is_trial: false }),
            State::Shut { until } if now < until => Admission::Until(until),
            State::Shut { .. } => {
                self.state = State::Trial;
                Admission::Pass(Pass { round: self.round, is_trial: true })
            }
            State::Trial => Admission::Trial,
            State::GivenUp => Admission::GivenUp(self.in_vain),
        }
    }

    /// What came of an attempt: none is good conduct, else the offence. Returns a quarantine where one begins by it.
    pub fn note(&mut self, pass: &Pass, offence: Option<FaultKind>, now: Instant) -> Option<Onset> {
        if pass.round != self.round {
            return None;
        }
        if pass.is_trial {
            if let Some(kind) = offence {
                return Some(self.shut(kind, 1, 1, now));
            }
            self.state = State::Open;
            self.in_vain = 0;
            return None;
        }
        if self.recent.len() >= self.rule.attempts.max(1) {
            self.recent.pop_front();
        }
        self.recent.push_back(offence.is_some());
        let faults = self.recent.iter().filter(|offence| **offence).count();
        let kind = offence.filter(|_| faults >= self.rule.faults_max.max(1))?;
        Some(self.shut(kind, faults, self.recent.len(), now))
    }

    /// An attempt that came to no end: nothing is known by it. Where it was the trial, another may be made at once.
    pub fn release(&mut self, pass: &Pass, now: Instant) {
        if pass.is_trial && pass.round == self.round {
            self.state = State::Shut { until: now };
        }
    }

    /// The offence that brought the last quarantine about.
    pub fn offence(&self) -> Option<FaultKind> {
        self.offence
    }

    fn shut(&mut self, kind: FaultKind, faults: usize, attempts: usize, now: Instant) -> Onset {
        self.round += 1;
        self.offence = Some(kind);
        self.recent.clear();
        let doubled = self.rule.base.saturating_mul(1 << self.in_vain.min(16)).min(self.rule.max);
        let length = (self.in_vain < self.rule.in_vain_max).then_some(doubled);
        match length {
            Some(length) => {
                self.in_vain += 1;
                self.state = State::Shut { until: now + length };
            }
            None => self.state = State::GivenUp,
        }
        Onset { kind, faults, attempts, length }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRAP: Option<FaultKind> = Some(FaultKind::Trap);

    /// A component under the usual rule, and a clock.
    struct Case {
        quarantine: Quarantine,
        now: Instant,
    }

    impl Case {
        fn new() -> Case {
            Case { quarantine: Quarantine::new(QuarantineRule::default()), now: Instant::now() }
        }

        #[track_caller]
        fn pass(&mut self) -> Pass {
            match self.quarantine.admit(self.now) {
                Admission::Pass(pass) => pass,
                other => panic!("not let in: {other:?}"),
            }
        }

        fn attempt(&mut self, offence: Option<FaultKind>) -> Option<Onset> {
            let pass = self.pass();
            self.quarantine.note(&pass, offence, self.now)
        }

        /// Lets the time of a quarantine pass, to its last moment and then to its end.
        #[track_caller]
        fn sit_out(&mut self, length: Duration) {
            self.now += length.saturating_sub(Duration::from_nanos(1));
            let until = self.now + Duration::from_nanos(1);
            assert_eq!(self.quarantine.admit(self.now), Admission::Until(until));
            self.now = until;
        }
    }

    #[test]
    fn one_trap_in_three_is_too_many_and_one_in_five_is_not() {
        let mut case = Case::new();
        let onset = (1..100).find_map(|n| Some((n, case.attempt((n % 3 == 0).then_some(FaultKind::Trap))?)));
        let expected = Onset { kind: FaultKind::Trap, faults: 8, attempts: 24, length: Some(QUARANTINE_BASE) };
        assert_eq!(onset, Some((24, expected)));
        let mut case = Case::new();
        assert!((1..1000).all(|n| case.attempt((n % 5 == 0).then_some(FaultKind::Trap)).is_none()));
    }

    #[test]
    fn after_a_quarantine_one_is_tried_and_its_success_lets_all_in() {
        let mut case = Case::new();
        assert_eq!((0..8).filter_map(|_| case.attempt(TRAP)).count(), 1);
        case.sit_out(QUARANTINE_BASE);
        let trial = case.pass();
        assert_eq!(case.quarantine.admit(case.now), Admission::Trial, "one alone is tried");
        assert_eq!(case.quarantine.note(&trial, None, case.now), None);
        assert_eq!((0..7).filter_map(|_| case.attempt(TRAP)).count(), 0, "what was before is forgotten");
        let onset = case.attempt(TRAP).expect("and it is watched as before");
        assert_eq!(onset.length, Some(QUARANTINE_BASE), "a success between: not doubled");
    }

    #[test]
    fn quarantines_in_vain_double_up_to_their_bound_and_end_in_giving_up() {
        let mut case = Case::new();
        let mut onset = (0..8).find_map(|_| case.attempt(TRAP)).expect("a quarantine");
        let mut lengths = Vec::new();
        while let Some(length) = onset.length {
            lengths.push(length.as_secs());
            case.sit_out(length);
            onset = case.attempt(Some(FaultKind::Memory)).expect("the trial failed");
        }
        assert_eq!(lengths, [1, 2, 4, 8, 16]);
        for _ in 0..3 {
            case.now += Duration::from_hours(1);
            assert_eq!(case.quarantine.admit(case.now), Admission::GivenUp(5));
        }
    }

    #[test]
    fn attempts_of_an_earlier_round_say_nothing() {
        let mut case = Case::new();
        let late: Vec<_> = (0..20).map(|_| case.pass()).collect();
        assert_eq!((0..8).filter_map(|_| case.attempt(TRAP)).count(), 1);
        for pass in &late[..10] {
            assert_eq!(case.quarantine.note(pass, None, case.now), None);
            assert_eq!(case.quarantine.note(pass, TRAP, case.now), None);
        }
        case.sit_out(QUARANTINE_BASE);
        let trial = case.pass();
        for pass in &late[10..] {
            case.quarantine.release(pass, case.now);
        }
        assert_eq!(case.quarantine.admit(case.now), Admission::Trial, "the trial still goes on");
        assert_eq!(case.quarantine.note(&trial, None, case.now), None);
        case.pass();
    }

    #[test]
    fn a_trial_without_an_end_is_made_anew() {
        let mut case = Case::new();
        assert_eq!((0..8).filter_map(|_| case.attempt(TRAP)).count(), 1);
        case.sit_out(QUARANTINE_BASE);
        let trial = case.pass();
        case.quarantine.release(&trial, case.now);
        assert!(case.pass().is_trial);
    }

    #[test]
    fn only_what_happens_in_the_sandbox_is_an_offence() {
        for kind in [FaultKind::Trap, FaultKind::Deadline, FaultKind::Memory] {
            assert!(is_offence(kind), "{kind}");
        }
        for kind in
            [FaultKind::TimedOut, FaultKind::Malformed, FaultKind::Connect, FaultKind::Blocked, FaultKind::TooLarge]
        {
            assert!(!is_offence(kind), "{kind}");
        }
    }
}
