use super::*;
use crate::model::FaultKind;

const SECOND: Duration = Duration::from_secs(1);
/// Waits are as long as they may be.
const CHANCE: f64 = 1.0;

/// An endpoint under the usual rule, and a clock.
struct Case {
    breaker: Breaker,
    now: Duration,
}

impl Case {
    fn new() -> Case {
        Case::by(BreakerRule::default())
    }

    fn by(rule: BreakerRule) -> Case {
        Case { breaker: Breaker::new(rule), now: SECOND }
    }

    /// One that is open by refused connections.
    #[track_caller]
    fn opened() -> Case {
        let mut case = Case::new();
        let opened = (0..DOWN_IN_A_ROW).filter_map(|_| case.call(Some(FaultKind::Connect))).count();
        assert_eq!(opened, 1);
        case
    }

    #[track_caller]
    fn ticket(&mut self) -> Ticket {
        match self.breaker.admit(self.now) {
            Admit::Go(ticket) => ticket,
            other => panic!("not let in: {other:?}"),
        }
    }

    #[track_caller]
    fn probe(&mut self) -> Ticket {
        match self.breaker.admit(self.now) {
            Admit::Probe(ticket) => ticket,
            other => panic!("no probe: {other:?}"),
        }
    }

    fn end(&mut self, ticket: Ticket, kind: Option<FaultKind>) -> Option<Turning> {
        let fault = kind.map(|kind| Fault::new(kind, "x"));
        let ending = fault.as_ref().map_or(Ending::Answered, Ending::Failed);
        self.breaker.ended(self.now, ticket, ending, CHANCE)
    }

    /// A call that is let in, and ends in this fault, or well.
    #[track_caller]
    fn call(&mut self, kind: Option<FaultKind>) -> Option<Turning> {
        let ticket = self.ticket();
        self.end(ticket, kind)
    }

    /// Waits for the next probe, to its last moment and then to its end.
    #[track_caller]
    fn sit_out(&mut self) -> Duration {
        let BreakerState::Open { until, .. } = self.breaker.state() else { panic!("{:?}", self.breaker.state()) };
        let wait = until.saturating_sub(self.now);
        assert_eq!(self.breaker.admit(self.now), Admit::Wait(wait));
        self.now = until;
        wait
    }
}

#[test]
fn five_failures_in_a_row_open_it_and_four_do_not() {
    let mut case = Case::new();
    for _ in 0..10 {
        assert_eq!((0..4).find_map(|_| case.call(Some(FaultKind::TimedOut))), None);
        assert_eq!(case.call(None), None);
        // Well enough that the share stays small.
        assert_eq!((0..16).find_map(|_| case.call(None)), None);
    }
    assert_eq!((0..4).find_map(|_| case.call(Some(FaultKind::Connect))), None);
    let turning = case.call(Some(FaultKind::Unavailable)).expect("the fifth opens it");
    let fault = Fault::new(FaultKind::Unavailable, "x");
    assert_eq!(turning, Turning::Opened { fault: Box::new(fault.clone()), until: SECOND * 2 });
    let open = BreakerState::Open { since: SECOND, until: SECOND * 2, fault: &fault };
    assert_eq!(case.breaker.state(), open);
}

#[test]
fn every_second_call_that_fails_is_too_many_and_every_third_is_not() {
    let mut case = Case::new();
    let opened = (1..100).find(|n| case.call((n % 2 == 0).then_some(FaultKind::Connect)).is_some());
    assert_eq!(opened, Some(20), "not before there were as many calls as are looked at");
    let mut case = Case::new();
    assert_eq!((1..1000).find(|n| case.call((n % 3 == 0).then_some(FaultKind::Connect)).is_some()), None);
}

#[test]
fn refusals_by_a_server_that_counts_do_not_open_it() {
    let mut case = Case::new();
    assert_eq!((0..1000).find_map(|_| case.call(Some(FaultKind::RateLimited))), None);
}

#[test]
fn only_many_refusals_by_a_busy_server_open_it() {
    let mut case = Case::new();
    for _ in 0..10 {
        assert_eq!((0..19).find_map(|_| case.call(Some(FaultKind::Overloaded))), None);
        assert_eq!(case.call(None), None);
    }
    let some = [None, Some(FaultKind::Overloaded), Some(FaultKind::Overloaded), Some(FaultKind::Connect)];
    assert_eq!(some.repeat(50).into_iter().find_map(|kind| case.call(kind)), None, "they are no part of the share");
    assert!((0..20).find_map(|_| case.call(Some(FaultKind::Overloaded))).is_some(), "nothing is behind it");
}

#[test]
fn while_it_is_open_one_alone_is_let_in_at_a_time() {
    let mut case = Case::opened();
    case.sit_out();
    let probe = case.probe();
    let fault = Fault::new(FaultKind::Connect, "x");
    assert_eq!(case.breaker.state(), BreakerState::Probing { since: SECOND, fault: &fault });
    assert_eq!(case.breaker.admit(case.now), Admit::Wait(ASK_AGAIN));
    case.now += SECOND * 9;
    assert_eq!(case.breaker.admit(case.now), Admit::Wait(ASK_AGAIN), "however long it takes");
    assert_eq!(case.end(probe, None), Some(Turning::Closed { after: SECOND * 10 }));
    assert_eq!(case.breaker.state(), BreakerState::Closed { since: case.now });
    assert_eq!((0..4).find_map(|_| case.call(Some(FaultKind::Connect))), None, "what was before is forgotten");
    assert!(case.call(Some(FaultKind::Connect)).is_some());
    assert_eq!(case.sit_out(), SECOND, "a new outage begins with the first wait");
}

#[test]
fn waits_double_up_to_their_bound_half_of_them_by_chance() {
    let mut case = Case::opened();
    let mut waits = Vec::new();
    for _ in 0..8 {
        waits.push(case.sit_out().as_secs());
        let probe = case.probe();
        assert_eq!(case.end(probe, Some(FaultKind::Connect)), None);
    }
    assert_eq!(waits, [1, 2, 4, 8, 15, 15, 15, 15]);
    case.sit_out();
    let probe = case.probe();
    let fault = Fault::new(FaultKind::Connect, "x");
    assert_eq!(case.breaker.ended(case.now, probe, Ending::Failed(&fault), 0.0), None);
    assert_eq!(case.sit_out(), PROBE_MAX / 2);
}

#[test]
fn what_the_server_asks_for_is_the_least_wait() {
    let mut case = Case::opened();
    for (asked, waited) in [(SECOND * 90, SECOND * 90), (Duration::MAX, RETRY_AFTER_MAX), (SECOND, SECOND * 8)] {
        case.sit_out();
        let probe = case.probe();
        let fault = Fault { retry_after: Some(asked), ..Fault::new(FaultKind::Overloaded, "x") };
        assert_eq!(case.breaker.ended(case.now, probe, Ending::Failed(&fault), CHANCE), None);
        let BreakerState::Open { until, .. } = case.breaker.state() else { panic!("it stays open") };
        assert_eq!(until.saturating_sub(case.now), waited, "asked for {asked:?}");
    }
}

#[test]
fn a_probe_that_tells_nothing_is_made_anew() {
    let mut case = Case::opened();
    case.sit_out();
    let probe = case.probe();
    assert_eq!(case.breaker.ended(case.now, probe, Ending::Released, CHANCE), None);
    let probe = case.probe();
    assert_eq!(case.end(probe, Some(FaultKind::Trap)), None);
    let probe = case.probe();
    assert!(case.end(probe, Some(FaultKind::Malformed)).is_some(), "it answers, if nonsense");
}

#[test]
fn several_probes_in_a_row_may_be_asked_for() {
    let mut case = Case::by(BreakerRule { probes_good: 2, ..BreakerRule::default() });
    assert!((0..5).find_map(|_| case.call(Some(FaultKind::Connect))).is_some());
    for (kind, closes) in [(None, false), (Some(FaultKind::Connect), false), (None, false), (None, true)] {
        if let BreakerState::Open { until, .. } = case.breaker.state() {
            case.now = case.now.max(until);
        }
        let probe = case.probe();
        assert_eq!(case.end(probe, kind).is_some(), closes, "{kind:?}");
    }
}

#[test]
fn calls_begun_before_say_nothing_after() {
    let mut case = Case::new();
    let mut late: Vec<_> = (0..20).map(|_| case.ticket()).collect();
    assert!((0..5).find_map(|_| case.call(Some(FaultKind::Connect))).is_some());
    for ticket in late.drain(..10) {
        assert_eq!(case.end(ticket, None), None, "a late answer closes nothing");
    }
    case.sit_out();
    let probe = case.probe();
    let ticket = late.pop().expect("there are ten");
    assert_eq!(case.end(ticket, Some(FaultKind::Connect)), None);
    assert_eq!(case.breaker.admit(case.now), Admit::Wait(ASK_AGAIN), "the probe still goes on");
    assert!(case.end(probe, None).is_some());
    for ticket in late {
        assert_eq!(case.end(ticket, Some(FaultKind::Connect)), None, "late failures open nothing");
    }
    let _ = case.ticket();
}

#[test]
fn what_a_person_must_mend_ends_the_run() {
    for kind in [FaultKind::Credentials, FaultKind::Quota, FaultKind::ModelNotFound] {
        let mut case = Case::new();
        assert_eq!((0..4).find_map(|_| case.call(Some(kind))), None);
        assert_eq!(case.call(None), None);
        for between in [FaultKind::TimedOut, FaultKind::RateLimited, FaultKind::InvalidRequest, FaultKind::Trap] {
            assert_eq!(case.call(Some(kind)), None);
            assert_eq!(case.call(Some(between)), None, "neither a success nor one of them");
        }
        let stop = Stop::Person { fault: Box::new(Fault::new(kind, "x")), in_a_row: 5 };
        let late = case.ticket();
        assert_eq!(case.call(Some(kind)), Some(Turning::Stop(stop.clone())), "{kind}");
        assert_eq!(case.end(late, Some(kind)), None, "it is said once");
        assert_eq!(case.breaker.state(), BreakerState::Stopped(&stop));
        assert_eq!(case.breaker.admit(case.now), Admit::Stopped);
    }
}

#[test]
fn a_certificate_is_a_persons_affair_too() {
    let mut case = Case::new();
    let stop = (0..5).find_map(|_| case.call(Some(FaultKind::Tls)));
    assert!(matches!(stop, Some(Turning::Stop(Stop::Person { in_a_row: 5, .. }))), "{stop:?}");
}

#[test]
fn late_answers_count_against_a_wrong_key() {
    let mut case = Case::new();
    let late = case.ticket();
    assert_eq!((0..4).find_map(|_| case.call(Some(FaultKind::Quota))), None);
    assert!((0..5).find_map(|_| case.call(Some(FaultKind::Connect))).is_some());
    assert_eq!(case.end(late, None), None);
    case.sit_out();
    let probe = case.probe();
    assert!(matches!(case.end(probe, Some(FaultKind::Quota)), Some(Turning::Closed { .. })), "the first again");
}

#[test]
fn an_outage_is_waited_for_so_long_and_no_longer() {
    let mut case = Case::opened();
    let stop = loop {
        case.sit_out();
        let probe = case.probe();
        if let Some(turning) = case.end(probe, Some(FaultKind::Overloaded)) {
            break turning;
        }
    };
    let Turning::Stop(Stop::Outage { fault, lasted }) = stop else { panic!("{stop:?}") };
    assert_eq!(fault.kind, FaultKind::Overloaded, "the last one");
    assert!((OUTAGE_MAX..=OUTAGE_MAX + PROBE_MAX).contains(&lasted), "{lasted:?}");
    assert_eq!(case.breaker.admit(case.now), Admit::Stopped);
}

#[test]
fn faults_say_how_the_endpoint_is() {
    for (kind, health) in [
        (FaultKind::Connect, Health::Down),
        (FaultKind::Tls, Health::Down),
        (FaultKind::Unavailable, Health::Down),
        (FaultKind::TimedOut, Health::Down),
        (FaultKind::Overloaded, Health::Busy),
        (FaultKind::RateLimited, Health::Up),
        (FaultKind::Credentials, Health::Up),
        (FaultKind::Refused, Health::Up),
        (FaultKind::Malformed, Health::Up),
        (FaultKind::Deadline, Health::Unknown),
        (FaultKind::TooLarge, Health::Unknown),
        (FaultKind::Other, Health::Unknown),
    ] {
        assert_eq!(Health::of_fault(&Fault::new(kind, "x")), health, "{kind}");
    }
    let full = Fault::new(FaultKind::Unavailable, "x").code(Fault::OUT_OF_MEMORY);
    assert_eq!(Health::of_fault(&full), Health::Busy);
}
