use crate::model::{Decision, Fault, FaultKind, MicroUsd, Outcome, Usage};
use hdrhistogram::Histogram;
use std::time::Duration;

/// Sorts of faults told apart; what comes beyond is counted together.
pub const FAULT_KINDS_MAX: usize = 10;
/// Longer latencies count as this one: an hour, in microseconds.
const LATENCY_MAX_US: u64 = 3_600_000_000;

/// Counts outcomes as they come. Its size does not grow with their number.
#[derive(Clone, Debug)]
pub struct Tally {
    pub(super) judged: u64,
    pub(super) failed: u64,
    pub(super) assign: u64,
    pub(super) new_cluster: u64,
    pub(super) skip: u64,
    pub(super) labelled: u64,
    pub(super) agreed: u64,
    pub(super) overtaken: u64,
    pub(super) usage: Usage,
    latency_us: Histogram<u64>,
    faults: Vec<FaultGroup>,
    other_faults: u64,
}

/// Faults of one kind and code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultGroup {
    /// Their kind.
    pub kind: FaultKind,
    /// Their code.
    pub code: Option<String>,
    /// How many records failed by it.
    pub count: u64,
    /// The first one's sentence.
    pub message: String,
    /// The first hint among them.
    pub hint: Option<String>,
}

impl Default for Tally {
    fn default() -> Self {
        let latency_us =
            Histogram::new_with_bounds(1, LATENCY_MAX_US, 3).expect("the bounds are constants, and tested");
        Tally {
            judged: 0,
            failed: 0,
            assign: 0,
            new_cluster: 0,
            skip: 0,
            labelled: 0,
            agreed: 0,
            overtaken: 0,
            usage: Usage::default(),
            latency_us,
            faults: Vec::new(),
            other_faults: 0,
        }
    }
}

impl Tally {
    /// Counts an outcome. `label` is the record's right cluster, where it is known.
    pub fn add(&mut self, outcome: &Outcome, label: Option<&str>) {
        match &outcome.result {
            Ok(judged) => {
                self.judged += 1;
                match judged.decision {
                    Decision::Assign => self.assign += 1,
                    Decision::NewCluster => self.new_cluster += 1,
                    Decision::Skip => self.skip += 1,
                }
                if let Some(label) = label {
                    self.labelled += 1;
                    self.agreed += u64::from(judged.cluster_id.as_deref() == Some(label));
                }
            }
            Err(fault) => {
                self.failed += 1;
                self.add_fault(fault);
            }
        }
        self.overtaken += u64::from(outcome.overtaken);
        self.usage.add(&outcome.usage);
        // What never reached a provider took no time there.
        if outcome.attempts > 0 {
            self.latency_us.saturating_record(u64::try_from(outcome.latency.as_micros()).unwrap_or(LATENCY_MAX_US));
        }
    }

    /// Outcomes counted so far.
    pub fn done(&self) -> u64 {
        self.judged + self.failed
    }

    /// What the outcomes cost so far; none where nobody told it.
    pub fn cost(&self) -> Option<MicroUsd> {
        self.usage.cost_micro_usd.map(MicroUsd)
    }

    /// Outcomes without a verdict so far.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// The faults, the most frequent first, and how many more there are of sorts beyond `FAULT_KINDS_MAX`.
    pub fn faults(&self) -> (Vec<FaultGroup>, u64) {
        let mut groups = self.faults.clone();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        (groups, self.other_faults)
    }

    /// The latency that this share of the records, 0 to 1, did not exceed; none where none was measured.
    pub fn latency(&self, share: f64) -> Option<Duration> {
        (!self.latency_us.is_empty()).then(|| Duration::from_micros(self.latency_us.value_at_quantile(share)))
    }

    fn add_fault(&mut self, fault: &Fault) {
        let alike = |group: &&mut FaultGroup| group.kind == fault.kind && group.code == fault.code;
        if let Some(group) = self.faults.iter_mut().find(alike) {
            group.count += 1;
            if group.hint.is_none() {
                group.hint.clone_from(&fault.hint);
            }
        } else if self.faults.len() < FAULT_KINDS_MAX {
            let Fault { kind, code, message, hint, .. } = fault.clone();
            self.faults.push(FaultGroup { kind, code, count: 1, message, hint });
        } else {
            self.other_faults += 1;
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{Confidence, Judged};

    /// An outcome that was judged, by decision and cluster.
    pub(in crate::report) fn judged(decision: Decision, cluster_id: Option<&str>, latency_ms: u64) -> Outcome {
        let judged = Judged {
            decision,
            cluster_id: cluster_id.map(str::to_owned),
            confidence: Confidence::High,
            rationale: String::new(),
            proposal: None,
        };
        outcome(Ok(judged), latency_ms)
    }

    /// An outcome that failed.
    pub(in crate::report) fn failed(fault: Fault) -> Outcome {
        outcome(Err(fault), 10)
    }

    fn outcome(result: Result<Judged, Fault>, latency_ms: u64) -> Outcome {
        Outcome {
            batch_id: "b".into(),
            slice_id: 0,
            request_id: "r".into(),
            result,
            provider: "p".into(),
            model: "m".into(),
            component_digest: String::new(),
            request_hash: String::new(),
            epoch: 0,
            attempts: 1,
            latency: Duration::from_millis(latency_ms),
            usage: Usage::default(),
            overtaken: false,
        }
    }

    #[test]
    fn decisions_labels_and_failures_are_counted() {
        let mut tally = Tally::default();
        tally.add(&judged(Decision::Assign, Some("a"), 10), Some("a"));
        tally.add(&judged(Decision::Assign, Some("a"), 10), Some("b"));
        tally.add(&judged(Decision::Assign, Some("a"), 10), None);
        tally.add(&judged(Decision::NewCluster, Some("n"), 10), Some("n"));
        tally.add(&judged(Decision::Skip, None, 10), Some("a"));
        tally.add(&failed(Fault::new(FaultKind::TimedOut, "late")), Some("a"));
        assert_eq!((tally.judged, tally.failed, tally.done()), (5, 1, 6));
        assert_eq!((tally.assign, tally.new_cluster, tally.skip), (3, 1, 1));
        assert_eq!((tally.agreed, tally.labelled), (2, 4), "a skip disagrees, a failure is not judged");
    }

    #[test]
    fn latency_is_of_those_that_were_tried() {
        let mut tally = Tally::default();
        assert_eq!(tally.latency(0.5), None);
        for latency_ms in 1..=100 {
            tally.add(&judged(Decision::Skip, None, latency_ms), None);
        }
        tally.add(&Outcome { attempts: 0, ..judged(Decision::Skip, None, 900_000) }, None);
        for (share, expected_ms) in [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0)] {
            let found = tally.latency(share).expect("measured").as_secs_f64() * 1000.0;
            assert!((found - expected_ms).abs() < 0.1, "{found} at {share}");
        }
    }

    #[test]
    fn unknown_usage_is_not_zero() {
        let mut tally = Tally::default();
        tally.add(&judged(Decision::Skip, None, 1), None);
        assert_eq!(tally.usage, Usage::default());
        let usage = Usage { input_tokens: Some(7), ..Usage::default() };
        tally.add(&Outcome { usage, attempts: 3, ..judged(Decision::Skip, None, 1) }, None);
        tally.add(&Outcome { usage, ..failed(Fault::new(FaultKind::Truncated, "cut")) }, None);
        assert_eq!(tally.usage, Usage { input_tokens: Some(14), ..Usage::default() }, "a failure is paid for too");
    }

    #[test]
    fn faults_are_grouped_and_their_sorts_are_bounded() {
        let mut tally = Tally::default();
        tally.add(&failed(Fault::new(FaultKind::Connect, "refused")), None);
        for number in 0..3 {
            let fault = Fault::new(FaultKind::Quota, format!("no money {number}")).code("402");
            tally.add(&failed(if number == 1 { fault.hint("pay") } else { fault }), None);
        }
        for number in 0..FAULT_KINDS_MAX {
            tally.add(&failed(Fault::new(FaultKind::Other, "x").code(number.to_string())), None);
        }
        let (groups, more) = tally.faults();
        let expected = FaultGroup {
            kind: FaultKind::Quota,
            code: Some("402".into()),
            count: 3,
            message: "no money 0".into(),
            hint: Some("pay".into()),
        };
        assert_eq!(groups[0], expected);
        assert_eq!((groups.len(), more), (FAULT_KINDS_MAX, 2));
        assert_eq!(groups.iter().map(|group| group.count).sum::<u64>() + more, tally.failed);
    }
}
