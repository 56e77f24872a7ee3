use super::{RecordsPerRequest, Tally, Together};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a run knows besides its outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunFacts {
    /// Records read, duplicates not counted.
    pub records: u64,
    /// Records skipped because an earlier run had judged them.
    pub already_done: u64,
    /// Records skipped because their id had come before in the same input.
    pub duplicates: u64,
    /// Requests sent, retries included.
    pub calls: u64,
    /// Requests not sent, as another record of the same text had the same answered.
    pub shared: u64,
    /// Second requests beside one that took unusually long.
    pub hedged: u64,
    /// Verdicts asked for again, as clusters had been born meanwhile.
    pub rejudged: u64,
    /// How often a component was put into quarantine.
    pub quarantines: u64,
    /// From the first record to the last row.
    pub wall: Duration,
    /// Records in flight at once, at most.
    pub parallel: usize,
    /// Whether the run was stopped before the input's end.
    pub interrupted: bool,
    /// How records went together into requests; none where each has its own.
    pub together: Option<Together>,
}

/// Latency of a record, waits and retries included, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyMs {
    /// Half of the records took no longer.
    pub p50: Option<f64>,
    /// 95 of 100 took no longer.
    pub p95: Option<f64>,
    /// 99 of 100 took no longer.
    pub p99: Option<f64>,
}

/// The numbers of a run, as `--summary FILE` holds them. What is not known is null, never 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Records read: judged, failed and already done together, unless the run was interrupted.
    pub records: u64,
    /// Records with a verdict.
    pub judged: u64,
    /// Records with a fault.
    pub failed: u64,
    /// Records that an earlier run had judged.
    pub already_done: u64,
    /// Records left out because their id had come before.
    pub duplicates: u64,
    /// Verdicts for a known cluster.
    pub assign: u64,
    /// Verdicts for a new cluster.
    pub new_cluster: u64,
    /// Verdicts that it cannot be told.
    pub skip: u64,
    /// Share of the judged that were given a cluster, known or new, 0 to 1.
    pub coverage: Option<f64>,
    /// Share of the judged with a label whose cluster is that label, 0 to 1; a skip counts against it.
    pub agreement: Option<f64>,
    /// Requests sent, retries included.
    pub calls: u64,
    /// Attempts beyond a record's first.
    pub retries: u64,
    /// Requests not sent, as another record of the same text had the same answered.
    pub shared: u64,
    /// Second requests beside one that took unusually long; they are among the calls.
    pub hedged: u64,
    /// Verdicts asked for again, as clusters had been born meanwhile; no retries.
    pub rejudged: u64,
    /// How often a component was put into quarantine, as it had failed in its sandbox too often.
    pub quarantines: u64,
    /// New clusters that stand though others were born since their judge looked: judging again came to no verdict, or no end.
    pub overtaken: u64,
    /// Seconds from the first record to the last row.
    pub wall_s: f64,
    /// Outcomes a second.
    pub records_per_s: f64,
    /// Latency in milliseconds.
    pub latency_ms: LatencyMs,
    /// Prompt tokens.
    pub input_tokens: Option<u64>,
    /// Those of them that came from a cache.
    pub cached_input_tokens: Option<u64>,
    /// Generated tokens.
    pub output_tokens: Option<u64>,
    /// US dollars, as servers reported them, else by the prices that were given.
    pub cost_usd: Option<f64>,
    /// Records in flight at once, at most.
    pub parallel: usize,
    /// Whether the run was stopped before the input's end.
    pub interrupted: bool,
    /// What it saves to ask about several records in one request; null where each has its own.
    pub records_per_request: Option<RecordsPerRequest>,
}

impl Tally {
    /// The numbers of the run that these outcomes are of.
    pub fn summary(&self, facts: &RunFacts) -> Summary {
        let wall_s = facts.wall.as_secs_f64();
        let latency = |quantile| self.latency(quantile).map(|latency| rounded(latency.as_secs_f64() * 1000.0));
        Summary {
            records: facts.records,
            judged: self.judged,
            failed: self.failed,
            already_done: facts.already_done,
            duplicates: facts.duplicates,
            assign: self.assign,
            new_cluster: self.new_cluster,
            skip: self.skip,
            coverage: share(self.assign + self.new_cluster, self.judged),
            agreement: share(self.agreed, self.labelled),
            calls: facts.calls,
            retries: self.retries,
            shared: facts.shared,
            hedged: facts.hedged,
            rejudged: facts.rejudged,
            quarantines: facts.quarantines,
            overtaken: self.overtaken,
            wall_s: rounded(wall_s),
            records_per_s: if wall_s > 0.0 { rounded(self.done() as f64 / wall_s) } else { 0.0 },
            latency_ms: LatencyMs { p50: latency(0.5), p95: latency(0.95), p99: latency(0.99) },
            input_tokens: self.usage.input_tokens,
            cached_input_tokens: self.usage.cached_input_tokens,
            output_tokens: self.usage.output_tokens,
            cost_usd: self.usage.cost_micro_usd.map(|micro| micro as f64 / 1e6),
            parallel: facts.parallel,
            interrupted: facts.interrupted,
            records_per_request: facts.together.map(|together| together.told(&self.usage, self.done())),
        }
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// To three digits after the point: more would be noise.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Decision, Fault, FaultKind, Outcome, Usage};
    use crate::report::tally::tests::{failed, judged};

    #[test]
    fn the_files_fields_and_numbers_are_those_that_others_read() {
        let mut tally = Tally::default();
        let usage = Usage {
            input_tokens: Some(100),
            cached_input_tokens: None,
            output_tokens: Some(20),
            cost_micro_usd: Some(1_250),
        };
        tally.add(&Outcome { usage, ..judged(Decision::Assign, Some("a"), 50) }, Some("a"));
        tally.add(&Outcome { overtaken: true, ..judged(Decision::NewCluster, Some("n"), 50) }, Some("a"));
        tally.add(&judged(Decision::Skip, None, 50), None);
        tally.add(&Outcome { attempts: 3, ..failed(Fault::new(FaultKind::Overloaded, "x")) }, None);
        let facts = RunFacts {
            records: 6,
            already_done: 2,
            duplicates: 1,
            calls: 6,
            shared: 3,
            hedged: 1,
            rejudged: 1,
            quarantines: 2,
            wall: Duration::from_millis(1_500),
            parallel: 5,
            interrupted: false,
            together: None,
        };
        let summary = tally.summary(&facts);
        assert_eq!(summary.records, summary.judged + summary.failed + summary.already_done);
        let file = serde_json::to_value(&summary).expect("plain numbers");
        let expected = serde_json::json!({
            "records": 6, "judged": 3, "failed": 1, "already_done": 2, "duplicates": 1,
            "assign": 1, "new_cluster": 1, "skip": 1,
            "coverage": 2.0 / 3.0, "agreement": 0.5,
            "calls": 6, "retries": 2, "shared": 3, "hedged": 1, "rejudged": 1, "quarantines": 2, "overtaken": 1, "wall_s": 1.5, "records_per_s": 2.667,
            "latency_ms": {"p50": file["latency_ms"]["p50"], "p95": file["latency_ms"]["p95"], "p99": file["latency_ms"]["p99"]},
            "input_tokens": 100, "cached_input_tokens": null, "output_tokens": 20, "cost_usd": 0.00125,
            "parallel": 5, "interrupted": false, "records_per_request": null,
        });
        assert_eq!(file, expected);
        let p50 = summary.latency_ms.p50.expect("measured");
        assert!((p50 - 50.0).abs() < 0.1, "{p50}");
    }

    #[test]
    fn an_empty_run_claims_nothing() {
        let summary = Tally::default().summary(&RunFacts::default());
        assert_eq!((summary.coverage, summary.agreement, summary.cost_usd), (None, None, None));
        assert_eq!(summary.latency_ms, LatencyMs { p50: None, p95: None, p99: None });
        assert!(summary.records_per_s.abs() < f64::EPSILON);
    }
}
