//! Components that misbehave: each verb ends in its own fault, and nothing else suffers.

mod beside;
mod forgeries;
mod handmade;
mod outside;
mod prying;
mod quarantine;

use crate::support::server::{Reply, Server};
use crate::support::{cache, guests, plugins};
use judge_host::control::limit::Limit;
use judge_host::control::quarantine::QuarantineRule;
use judge_host::control::retry::RetryPolicy;
use judge_host::judge::{Policy, Seat, connect};
use judge_host::model::{Decision, Fault, FaultKind, Outcome, Record, Settings};
use judge_host::provider::Provider;
use judge_host::registry::Registry;
use judge_host::sandbox::{Limits, Sandbox, SandboxOptions};
use judge_host::transport::TransportLimits;
use judge_host::{Judge, JudgeOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Longer than any of this takes on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_mins(1);

/// A component that misbehaves, another that does not, and the server that they ask.
struct Guest {
    provider: Arc<dyn Provider>,
    other: Arc<dyn Provider>,
    server: Server,
}

impl Guest {
    async fn load() -> Guest {
        Guest::within(Limits::default()).await
    }

    /// With time for everything: on a busy machine a guest that does much may wait for its processor longer than a
    /// deadline.
    async fn patient() -> Guest {
        Guest::within(Limits { cpu: PATIENCE, wall: PATIENCE, ..Limits::default() }).await
    }

    async fn within(limits: Limits) -> Guest {
        Guest::of(&guests().join("guest_misbehaving.wasm"), limits).await
    }

    /// Both share a sandbox, as they do in a host.
    async fn of(file: &Path, limits: Limits) -> Guest {
        let options = SandboxOptions { limits, cache_dir: Some(cache()), ..SandboxOptions::default() };
        let sandbox = Sandbox::new(options).unwrap();
        let provider = sandbox.load(file).await.unwrap();
        let other = sandbox.load(&plugins().join("lexical.wasm")).await.unwrap();
        Guest { provider, other, server: Server::start(|_| Reply::ok("ok")).await }
    }

    /// A judge that misbehaves like this, in this phase, and tries again at once.
    fn judge(&self, verb: &str, phase: &str) -> Judge {
        let extra = [("phase", phase), ("verb", verb)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.judge_by(&self.provider, extra.to_vec(), policy())
    }

    fn judge_by(&self, provider: &Arc<dyn Provider>, extra: Vec<(String, String)>, policy: Policy) -> Judge {
        let descriptor = &provider.identity().descriptor;
        let transport = connect(descriptor, Some(&self.server.url()), None, TransportLimits::default()).unwrap();
        let registry = Arc::new(Registry::temporary().unwrap());
        let seat = Seat::new(Arc::clone(provider), Settings { extra, ..Settings::default() }, transport);
        Judge::new([seat], registry, policy, "b".to_owned())
    }

    async fn judge_one(&self, verb: &str, phase: &str) -> Outcome {
        let mut outcomes = self.judge(verb, phase).judge_slice(records(1), None).await.unwrap();
        outcomes.remove(0)
    }

    /// The other component judges as if nothing had happened.
    async fn other_goes_on(&self, after: &str) {
        let judge = self.judge_by(&self.other, Vec::new(), policy());
        let outcomes = judge.judge_slice(records(1), None).await.unwrap();
        assert_eq!(decision(&outcomes[0]), Ok(Decision::Skip), "another provider after {after}");
    }
}

fn policy() -> Policy {
    Policy {
        retry: RetryPolicy { backoff_base: Duration::from_millis(1), ..RetryPolicy::default() },
        total_timeout: PATIENCE,
        limit: Limit::fixed(1),
        ..Policy::default()
    }
}

/// Never puts anybody into quarantine.
const LENIENT: QuarantineRule =
    QuarantineRule { attempts: 1, faults_max: usize::MAX, base: Duration::ZERO, max: Duration::ZERO, in_vain_max: 0 };

fn records(count: usize) -> Vec<Record> {
    (0..count).map(|n| Record::new(format!("r{n}"), "a secret text")).collect()
}

fn decision(outcome: &Outcome) -> Result<Decision, Fault> {
    outcome.result.clone().map(|judged| judged.decision)
}

/// Verb, phase, kind and code of the fault, attempts, requests that reached the server.
type Case = (&'static str, &'static str, FaultKind, Option<&'static str>, u32, usize);

/// Runs each case, and after each a record that behaves on the same component, and one on another.
async fn check(guest: &Guest, cases: &[Case]) {
    let mut reached = 0;
    for (verb, phase, kind, code, attempts, sends) in cases {
        let outcome = guest.judge_one(verb, phase).await;
        let fault = decision(&outcome).unwrap_err();
        let told = format!("{verb} in {phase}: {fault:?}");
        assert_eq!((fault.kind, fault.code.as_deref()), (*kind, *code), "{told}");
        assert_eq!(outcome.attempts, *attempts, "{told}");
        assert_eq!(fault.request_sent, *sends > 0, "{told}");
        for leaked in ["secret", "told to panic", "sk-live", "0123456789"] {
            assert!(!told.contains(leaked) && fault.message.len() < 300, "`{leaked}`: {told}");
        }
        reached += sends;
        assert_eq!(guest.server.seen().len(), reached, "requests that reached the server: {told}");

        assert_eq!(decision(&guest.judge_one("none", "build").await), Ok(Decision::Skip), "after {told}");
        reached += 1;
        guest.other_goes_on(&told).await;
    }
}

#[tokio::test]
async fn each_attack_ends_in_its_own_fault_and_costs_one_attempt() {
    check(
        &Guest::patient().await,
        &[
            ("bomb", "build", FaultKind::Memory, None, 2, 0),
            ("bomb-at-once", "build", FaultKind::Memory, None, 2, 0),
            ("huge-body", "build", FaultKind::Memory, None, 2, 0),
            ("panic-with-a-key", "build", FaultKind::Trap, Some("abort"), 2, 0),
            ("panic", "build", FaultKind::Trap, Some("abort"), 2, 0),
            ("recurse", "build", FaultKind::Trap, Some("out-of-bounds"), 2, 0),
            ("exit", "build", FaultKind::Trap, Some("exit"), 2, 0),
            ("flood-output", "build", FaultKind::TooLarge, Some("output"), 1, 0),
            ("huge-state", "build", FaultKind::TooLarge, Some("state"), 1, 0),
            ("bomb", "brief", FaultKind::Memory, None, 2, 0),
            ("panic", "brief", FaultKind::Trap, Some("abort"), 2, 0),
            ("huge-brief", "build", FaultKind::TooLarge, Some("brief"), 1, 0),
        ],
    )
    .await;
}

#[tokio::test]
async fn after_the_answer_came_a_fault_is_one_of_a_request_that_was_sent() {
    check(
        &Guest::patient().await,
        &[
            ("wrong-on-parse", "build", FaultKind::Trap, Some("abort"), 2, 2),
            ("bomb", "parse", FaultKind::Memory, None, 2, 2),
            ("panic", "parse", FaultKind::Trap, Some("abort"), 2, 2),
            ("panic-with-a-key", "parse", FaultKind::Trap, Some("abort"), 2, 2),
            ("exit", "parse", FaultKind::Trap, Some("exit"), 2, 2),
            ("flood-output", "parse", FaultKind::TooLarge, Some("output"), 1, 1),
            ("huge-state", "parse", FaultKind::TooLarge, Some("state"), 1, 1),
            ("path-escape", "parse", FaultKind::Blocked, Some("path"), 1, 1),
            ("unknown-cluster", "parse", FaultKind::Malformed, Some("unknown-cluster"), 2, 2),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_panic_is_told_by_its_place_and_not_by_its_words() {
    let fault = decision(&Guest::load().await.judge_one("panic", "build").await).unwrap_err();
    assert!(fault.message.contains("src/attack.rs:"), "{fault}");
    assert!(!fault.message.contains("told to panic"), "{fault}");
}

#[tokio::test]
async fn a_flood_of_the_log_harms_nobody() {
    // A debug build of the host takes its time for each of 200,000 lines.
    let outcome = Guest::patient().await.judge_one("flood-stderr", "build").await;
    assert_eq!((decision(&outcome), outcome.attempts), (Ok(Decision::Skip), 1));
}

#[tokio::test]
async fn an_instance_is_never_used_twice() {
    let guest = Guest::load().await;
    for phase in ["build", "parse"] {
        let outcomes = guest.judge("leak-state", phase).judge_slice(records(40), Some(8)).await.unwrap();
        let calls: Vec<_> = outcomes.into_iter().map(|outcome| outcome.result.unwrap().rationale).collect();
        assert_eq!(calls, ["1"; 40], "calls that an instance has seen, in {phase}");
    }
}

#[tokio::test]
async fn every_record_has_its_own_trap() {
    let guest = Guest::load().await;
    let extra = [("phase", "parse"), ("verb", "panic")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let judge = guest.judge_by(&guest.provider, extra.to_vec(), Policy { quarantine: LENIENT, ..policy() });
    let outcomes = judge.judge_slice(records(20), Some(5)).await.unwrap();
    for outcome in &outcomes {
        assert_eq!((decision(outcome).unwrap_err().kind, outcome.attempts), (FaultKind::Trap, 2));
    }
    assert_eq!((outcomes.len(), guest.server.seen().len()), (20, 40));
}

// One thread for all, and a guest that would spin for a minute: others get on only because it is made to yield.
#[tokio::test]
async fn records_of_others_are_judged_while_a_guest_spins() {
    let spinning = Guest::patient().await;
    let judge = spinning.judge("spin", "build");
    let spin = tokio::spawn(async move { judge.judge_slice(records(4), Some(2)).await.map(drop) });
    let judging = async {
        let outcomes = Guest::load().await.judge("none", "build").judge_slice(records(10), Some(2)).await.unwrap();
        assert!(outcomes.iter().all(|outcome| decision(outcome) == Ok(Decision::Skip)), "{outcomes:?}");
    };
    tokio::time::timeout(PATIENCE / 2, judging).await.expect("others go on");
    assert!(!spin.is_finished(), "it still spins");
    spin.abort();
    assert!(spin.await.unwrap_err().is_cancelled(), "and can be stopped in the middle");
}

#[tokio::test]
async fn a_spinning_guest_is_stopped_by_its_own_deadline() {
    let guest = Guest::within(Limits { wall: PATIENCE, ..Limits::default() }).await;
    check(
        &guest,
        &[
            ("spin", "build", FaultKind::Deadline, Some("cpu"), 2, 0),
            ("spin", "brief", FaultKind::Deadline, Some("cpu"), 2, 0),
            ("spin", "parse", FaultKind::Deadline, Some("cpu"), 2, 2),
        ],
    )
    .await;
    let outcomes = guest.judge("spin", "build").judge_slice(records(3), Some(3)).await.unwrap();
    for outcome in &outcomes {
        let fault = decision(outcome).unwrap_err();
        assert_eq!((fault.kind, outcome.attempts), (FaultKind::Deadline, 2), "{fault:?}");
        assert!(outcome.latency < PATIENCE / 2, "{:?}", outcome.latency);
    }
}

#[tokio::test]
async fn the_component_builds_its_request_without_the_key() {
    let server = Server::start(|_| Reply::ok(r#"{"data":[]}"#)).await;
    let judge = Judge::open(JudgeOptions {
        providers: crate::support::plugins(),
        provider: "openai".to_owned(),
        endpoints: vec![server.url()],
        model: Some("fake".to_owned()),
        api_key: Some(judge_host::transport::Secret::new("sk-never-told")),
        cache_dir: Some(cache()),
        ..JudgeOptions::default()
    })
    .await
    .unwrap();
    let step = judge.first_step(vec![Record::new("r1", "text")]).await.unwrap();
    let told = format!("{step:?}").to_lowercase();
    assert!(told.contains("chat/completions"), "{told}");
    assert!(!told.contains("authorization") && !told.contains("sk-never-told"), "{told}");
    let sent = judge.judge_slice(vec![Record::new("r1", "text")], None).await.unwrap();
    assert!(!format!("{sent:?}").contains("sk-never-told"));
    for seen in server.seen() {
        assert_eq!(seen.headers["authorization"], "Bearer sk-never-told", "{}", seen.line);
    }
    assert!(server.seen().len() > 1);
}
