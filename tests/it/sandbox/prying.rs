//! What a component finds where it looks around: nothing, and the same nothing each time.

use super::{Guest, Limits, PATIENCE, check, decision, records};
use judge_host::model::{Decision, FaultKind};
use std::time::Duration;

/// What the component found, in its words.
async fn found(guest: &Guest, verb: &str) -> String {
    let outcome = guest.judge_one(verb, "build").await;
    assert_eq!(decision(&outcome), Ok(Decision::Skip), "{verb}");
    outcome.result.unwrap().rationale
}

#[tokio::test]
async fn there_is_no_file_no_variable_no_argument_and_no_input() {
    let guest = Guest::patient().await;
    for (verb, expected) in
        [("read-environment", "[]"), ("read-arguments", "[]"), ("read-stdin", "0"), ("write-stdout", "\"written\"")]
    {
        assert_eq!(found(&guest, verb).await, expected, "{verb}");
    }
    for verb in ["read-file", "write-file", "list-folder", "start-a-thread"] {
        let found = found(&guest, verb).await;
        assert!(found.contains("Err(") && !found.contains("Ok("), "{verb}: {found}");
    }
    guest.other_goes_on("all of it").await;
}

#[tokio::test]
async fn chance_and_time_are_the_same_in_every_call() {
    let (one, other) = (Guest::patient().await, Guest::patient().await);
    for verb in ["ask-chance", "ask-time"] {
        let first = found(&one, verb).await;
        assert_eq!(found(&one, verb).await, first);
        assert_eq!(found(&other, verb).await, first, "in another sandbox, too");
    }
    // 2000-01-01, and no time passes.
    assert_eq!(found(&one, "ask-time").await, "(Ok(946684800s), 0ns)");
}

#[tokio::test]
async fn a_component_may_sleep_in_its_own_time_and_no_longer() {
    let guest = Guest::within(Limits { cpu: PATIENCE, wall: Duration::from_secs(1), ..Limits::default() }).await;
    check(
        &guest,
        &[
            ("sleep-for-ever", "build", FaultKind::Deadline, Some("wall"), 2, 0),
            ("sleep-for-ever", "parse", FaultKind::Deadline, Some("wall"), 2, 2),
        ],
    )
    .await;
    assert_eq!(found(&guest, "sleep-a-little").await, "\"slept\"");
}

// One thread for all: a component that sleeps must not hold it.
#[tokio::test]
async fn a_component_that_sleeps_for_ever_holds_up_nobody_else() {
    let guest = Guest::patient().await;
    let judge = guest.judge("sleep-for-ever", "build");
    let sleep = tokio::spawn(async move { judge.judge_slice(records(64), Some(64)).await.map(drop) });
    tokio::time::timeout(PATIENCE / 2, guest.other_goes_on("64 that sleep")).await.expect("it goes on");
    assert!(!sleep.is_finished(), "they still sleep");
    sleep.abort();
}
