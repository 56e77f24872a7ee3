//! A component that fails in its sandbox too often is left alone for a while, and a run ends in any case.

use super::{policy, records};
use crate::support::server::{Reply, Server};
use crate::support::{Case, guests};
use async_trait::async_trait;
use judge_host::Judge;
use judge_host::judge::Seat;
use judge_host::model::{
    Answer, Body, Choice, Confidence, Descriptor, Fault, FaultKind, HttpResponse, Job, Outcome, Preparation, Previous,
    Settings, Step, Task, Verdict,
};
use judge_host::provider::{Identity, Provider};
use judge_host::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use tokio::time::{Duration, Instant};

/// A provider whose calls trap by their number.
struct Trapping {
    identity: Identity,
    calls: AtomicU32,
    traps: fn(u32) -> bool,
}

#[async_trait]
impl Provider for Trapping {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn prepare(&self, _: &Settings, _: Option<Previous>) -> Result<Preparation, Fault> {
        Ok(Preparation::Ready(Vec::new()))
    }

    async fn brief(&self, _: &Task) -> Result<Body, Fault> {
        Ok(Body::Text(String::new()))
    }

    async fn build_request(&self, job: &Job) -> Result<Step, Fault> {
        if (self.traps)(self.calls.fetch_add(1, Relaxed) + 1) {
            return Err(Fault::new(FaultKind::Trap, "the component aborted").code("abort"));
        }
        let record_id = job.records[0].request_id.clone();
        let verdict =
            Verdict { record_id, choice: Choice::Skip, confidence: Confidence::Low, rationale: String::new() };
        Ok(Step::Done(Answer { verdicts: vec![verdict], ..Answer::default() }))
    }

    async fn parse_response(&self, _: &Job, _: Vec<u8>, _: HttpResponse) -> Result<Step, Fault> {
        unreachable!("nothing is sent")
    }
}

/// The outcomes of so many records, the calls that they took, and the time that passed.
async fn judge(count: usize, traps: fn(u32) -> bool) -> (Vec<Outcome>, u32, Duration) {
    let identity = Identity {
        descriptor: Descriptor { id: "trapping".into(), ..Descriptor::default() },
        digest: "d".repeat(64),
        path: "trapping.wasm".into(),
        ..Identity::default()
    };
    let trapping = Arc::new(Trapping { identity, calls: AtomicU32::new(0), traps });
    let provider: Arc<dyn Provider> = Arc::<Trapping>::clone(&trapping);
    let seat = Seat::new(provider, Settings::default(), None);
    let judge = Judge::new([seat], Arc::new(Registry::temporary().unwrap()), policy(), "b".to_owned());
    let begun = Instant::now();
    let outcomes = judge.judge_slice(records(count), Some(8)).await.unwrap();
    (outcomes, trapping.calls.load(Relaxed), begun.elapsed())
}

fn code(outcome: &Outcome) -> Option<&str> {
    outcome.result.as_ref().err().map(|fault| fault.code.as_deref().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_component_that_traps_one_call_in_three_ends_its_run_with_an_outcome_for_every_record() {
    let (outcomes, calls, took) = judge(600, |call| call % 3 == 0).await;
    assert_eq!(outcomes.len(), 600);
    let failed: Vec<_> = outcomes.iter().filter_map(code).collect();
    assert!(failed.iter().all(|code| *code == "abort"), "nobody is given up: {failed:?}");
    assert!(failed.len() < 200, "a second attempt mostly goes well: {}", failed.len());
    // 8 of 24 are too many: a quarantine of at least a second each time.
    let quarantines = f64::from(calls) / 24.0;
    let bounds = quarantines * 0.5..quarantines * 4.0;
    assert!(bounds.contains(&took.as_secs_f64()), "{calls} calls took {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_component_that_only_traps_is_given_up_and_the_rest_of_its_records_fail_at_once() {
    let (outcomes, calls, took) = judge(500, |_| true).await;
    assert_eq!(outcomes.len(), 500);
    let shut_out: Vec<_> = outcomes.iter().filter(|outcome| code(outcome) == Some("quarantined")).collect();
    assert!(shut_out.len() > 470, "{}", shut_out.len());
    for outcome in &shut_out {
        let fault = outcome.result.as_ref().unwrap_err();
        assert_eq!((fault.kind, outcome.attempts, fault.request_sent), (FaultKind::Trap, 0, false), "{fault}");
        assert!(fault.message.contains("after each of 5 quarantines"), "{fault}");
    }
    assert!(outcomes.iter().all(|outcome| matches!(code(outcome), Some("quarantined" | "abort"))));
    assert!(calls < 30, "8 and those in flight beside, and 5 trials: {calls}");
    assert!((31..40).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_component_that_recovers_is_let_in_again_and_nothing_is_lost() {
    let (outcomes, calls, took) = judge(300, |call| call <= 10).await;
    let judged = outcomes.iter().filter(|outcome| outcome.result.is_ok()).count();
    assert!(judged >= 295 && calls <= 310, "{judged} judged by {calls} calls");
    // Eight, then the ninth and the tenth on trial; the eleventh goes well.
    assert_eq!(took.as_secs(), 1 + 2 + 4);
}

#[tokio::test(start_paused = true)]
async fn a_component_that_fails_now_and_then_is_left_in_peace() {
    let (outcomes, _, took) = judge(500, |call| call % 10 == 0).await;
    let failed = outcomes.iter().filter(|outcome| outcome.result.is_err()).count();
    assert!(failed < 20, "the second attempt mostly goes well: {failed}");
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_quarantine_is_told_once_and_counted_and_the_run_goes_on() {
    let (case, server) = (Case::new(), Server::start(|_| Reply::ok("ok")).await);
    case.file("records.jsonl", crate::support::records(60));
    let (guests, url) = (guests(), server.url());
    let mut args = vec!["--providers", guests.to_str().expect("Unicode"), "judge", "records.jsonl"];
    args.extend(["--provider", "misbehaving", "--endpoint", &url, "--attempts", "1", "--parallel", "1"]);
    args.extend(["--setting", "verb=panic-now-and-then", "--summary", "summary.json"]);
    let ran = case.run_beside(&args).await.code(1);
    assert_eq!((ran.rows().len(), server.seen().len()), (60, 40), "one outcome for every record");
    let summary: serde_json::Value = serde_json::from_str(&case.read("summary.json")).unwrap();
    // r0, r3, … fail: the eighth is r21, and after another eight r45.
    for (field, expected) in [("records", 60), ("judged", 40), ("failed", 20), ("quarantines", 2)] {
        assert_eq!(summary[field], expected, "{field}");
    }
    let told = "is in quarantine: 8 of its last 22 attempts failed in the sandbox, the last by `trap`; its records wait, and \
                one is tried in 1s";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("is in quarantine").count(), 1, "once: {}", ran.stderr);
    assert!(ran.stderr.contains("note: provider `misbehaving` ("), "{}", ran.stderr);
}
