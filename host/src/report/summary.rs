use super::{Level, RecordsPerRequest, Tally, Together};
use crate::model::Parallel;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a run knows besides its outcomes.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Attempts after the first at one judgement by one provider.
    pub retries: u64,
    /// Verdicts that were not sure enough, and went on to the next in the chain.
    pub escalated: u64,
    /// Faults of one in the chain that went on to the next.
    pub fell_back: u64,
    /// Verdicts asked for again, as clusters had been born meanwhile.
    pub rejudged: u64,
    /// How often a component was put into quarantine.
    pub quarantines: u64,
    /// From the first record to the last row.
    pub wall: Duration,
    /// Records in flight at once, as asked for.
    pub parallel: Parallel,
    /// The number that was settled on; none where the search had no end.
    pub parallel_settled: Option<usize>,
    /// Where the limit stands at the end, and why, in words.
    pub parallel_reason: String,
    /// The servers that were asked, in the order of the chain.
    pub servers: Vec<Server>,
    /// How long records waited for their turn at a server's rate, all together.
    pub waited_rate: Duration,
    /// How long they waited for servers that were left alone, all together.
    pub waited_server: Duration,
    /// How long they waited before they were tried again, all together.
    pub waited_retry: Duration,
    /// How long they waited for others to be settled, as the budget was nearly used up, all together.
    pub waited_budget: Duration,
    /// What the host's processors worked; none where that is not known.
    pub cpu: Option<Duration>,
    /// The most memory that the host held; none where that is not known.
    pub memory_peak_bytes: Option<u64>,
    /// Whether the operator stopped the run before the input's end.
    pub interrupted: bool,
    /// How records went together into requests; none where each has its own.
    pub together: Option<Together>,
    /// The word for why the run ended by itself before the input's end.
    pub stopped: Option<String>,
}

/// A server, and how it was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// The id of the provider that asked it.
    pub provider: String,
    /// Scheme, host and port; empty where there is none to tell.
    pub origin: String,
    /// Calls that it was found to bear at once; null where all servers share the operator's number.
    pub limit: Option<usize>,
    /// Why it is that.
    pub reason: Option<String>,
    /// Calls that ended.
    pub calls: u64,
}

/// How long records waited, all together, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaitedS {
    /// For their turn at a server's rate.
    pub rate_limit: f64,
    /// For servers that were left alone, as they were down.
    pub server_down: f64,
    /// Before they were tried again.
    pub retry: f64,
    /// For others to be settled, as the budget was nearly used up.
    pub budget: f64,
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
    /// Attempts after the first at one judgement by one provider.
    pub retries: u64,
    /// Requests not sent, as another record of the same text had the same answered.
    pub shared: u64,
    /// Second requests beside one that took unusually long; they are among the calls.
    pub hedged: u64,
    /// Verdicts that were not sure enough, and went on to the next in the chain.
    pub escalated: u64,
    /// Faults of one in the chain that went on to the next.
    pub fell_back: u64,
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
    /// Records in flight at once, as asked for: a number, or `auto:MIN-MAX`.
    pub parallel: Level,
    /// The number that was settled on, of all servers together; null where the search had no end.
    pub parallel_settled: Option<usize>,
    /// Where the limit stood at the end, and why.
    pub parallel_reason: String,
    /// The servers that were asked, in the order of the chain.
    pub servers: Vec<Server>,
    /// How long records waited for other than answers, in seconds.
    pub waited_s: WaitedS,
    /// Milliseconds that the host's processors worked for a record.
    pub cpu_ms_per_record: Option<f64>,
    /// The most memory that the host held, in MB.
    pub memory_peak_mb: Option<f64>,
    /// Whether the operator stopped the run before the input's end.
    pub interrupted: bool,
    /// What it saves to ask about several records in one request; null where each has its own.
    pub records_per_request: Option<RecordsPerRequest>,
    /// Why the run ended by itself before the input's end: `person-needed`, `outage`, `budget`, `cost-unknown` or
    /// `tokens-unknown`.
    pub stopped: Option<String>,
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
            shared: facts.shared,
            hedged: facts.hedged,
            retries: facts.retries,
            escalated: facts.escalated,
            fell_back: facts.fell_back,
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
            parallel: facts.parallel.into(),
            parallel_settled: facts.parallel_settled,
            parallel_reason: facts.parallel_reason.clone(),
            servers: facts.servers.clone(),
            waited_s: WaitedS {
                rate_limit: rounded(facts.waited_rate.as_secs_f64()),
                server_down: rounded(facts.waited_server.as_secs_f64()),
                retry: rounded(facts.waited_retry.as_secs_f64()),
                budget: rounded(facts.waited_budget.as_secs_f64()),
            },
            cpu_ms_per_record: facts
                .cpu
                .filter(|_| self.done() > 0)
                .map(|cpu| rounded(cpu.as_secs_f64() * 1000.0 / self.done() as f64)),
            memory_peak_mb: facts.memory_peak_bytes.map(|bytes| rounded(bytes as f64 / 1e6)),
            interrupted: facts.interrupted,
            records_per_request: facts.together.map(|together| together.told(&self.usage, self.done())),
            stopped: facts.stopped.clone(),
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
pub(super) mod tests {
    use super::*;
    use crate::model::{Decision, Fault, FaultKind, Outcome, Usage};
    use crate::report::tally::tests::{failed, judged};

    /// The facts of a run in which nothing happened, with so many in flight.
    pub(in crate::report) fn facts(parallel: &str) -> RunFacts {
        let number = |text: &str| text.parse().expect("a number over 0");
        let parallel = match parallel.strip_prefix("auto:").and_then(|bounds| bounds.split_once('-')) {
            Some((min, max)) => Parallel::Auto { min: number(min), max: number(max) },
            None => Parallel::Fixed(number(parallel)),
        };
        RunFacts {
            records: 0,
            already_done: 0,
            duplicates: 0,
            calls: 0,
            retries: 0,
            shared: 0,
            hedged: 0,
            escalated: 0,
            fell_back: 0,
            rejudged: 0,
            quarantines: 0,
            wall: Duration::ZERO,
            parallel,
            parallel_settled: None,
            parallel_reason: String::new(),
            servers: Vec::new(),
            waited_rate: Duration::ZERO,
            waited_server: Duration::ZERO,
            waited_retry: Duration::ZERO,
            waited_budget: Duration::ZERO,
            cpu: None,
            memory_peak_bytes: None,
            interrupted: false,
            stopped: None,
            together: None,
        }
    }

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
            retries: 2,
            escalated: 3,
            fell_back: 4,
            rejudged: 1,
            quarantines: 2,
            wall: Duration::from_millis(1_500),
            parallel_settled: Some(37),
            parallel_reason: "settled at 37: +1 slot gained 0.4 %".into(),
            servers: vec![Server {
                provider: "openai".into(),
                origin: "http://gpu:8000".into(),
                limit: Some(37),
                reason: Some("settled at 37: +1 slot gained 0.4 %".into()),
                calls: 6,
            }],
            waited_rate: Duration::from_millis(250),
            cpu: Some(Duration::from_millis(10)),
            memory_peak_bytes: Some(50_000_000),
            stopped: Some("budget".into()),
            ..facts("auto:1-64")
        };
        let summary = tally.summary(&facts);
        assert_eq!(summary.records, summary.judged + summary.failed + summary.already_done);
        let file = serde_json::to_value(&summary).expect("plain numbers");
        let expected = serde_json::json!({
            "records": 6, "judged": 3, "failed": 1, "already_done": 2, "duplicates": 1,
            "assign": 1, "new_cluster": 1, "skip": 1,
            "coverage": 2.0 / 3.0, "agreement": 0.5,
            "calls": 6, "retries": 2, "shared": 3, "hedged": 1, "escalated": 3, "fell_back": 4, "rejudged": 1, "quarantines": 2, "overtaken": 1, "wall_s": 1.5, "records_per_s": 2.667,
            "latency_ms": {"p50": file["latency_ms"]["p50"], "p95": file["latency_ms"]["p95"], "p99": file["latency_ms"]["p99"]},
            "input_tokens": 100, "cached_input_tokens": null, "output_tokens": 20, "cost_usd": 0.00125,
            "parallel": "auto:1-64", "parallel_settled": 37, "parallel_reason": "settled at 37: +1 slot gained 0.4 %",
            "servers": [{
                "provider": "openai", "origin": "http://gpu:8000", "limit": 37,
                "reason": "settled at 37: +1 slot gained 0.4 %", "calls": 6,
            }],
            "waited_s": {"rate_limit": 0.25, "server_down": 0.0, "retry": 0.0, "budget": 0.0}, "cpu_ms_per_record": 2.5, "memory_peak_mb": 50.0,
            "interrupted": false, "stopped": "budget", "records_per_request": null,
        });
        assert_eq!(file, expected);
        let p50 = summary.latency_ms.p50.expect("measured");
        assert!((p50 - 50.0).abs() < 0.1, "{p50}");
    }

    #[test]
    fn an_empty_run_claims_nothing() {
        let summary = Tally::default().summary(&facts("5"));
        assert_eq!((summary.coverage, summary.agreement, summary.cost_usd), (None, None, None));
        assert_eq!((summary.cpu_ms_per_record, summary.parallel), (None, Level::Fixed(5)));
        assert_eq!(summary.latency_ms, LatencyMs { p50: None, p95: None, p99: None });
        assert!(summary.records_per_s.abs() < f64::EPSILON);
    }
}
