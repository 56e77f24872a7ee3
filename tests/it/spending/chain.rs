//! Several who judge: the next is asked where the first is unsure or fails, the row says who judged, and both are paid for.

use super::case;
use crate::support::{Ran, column};
use judge_host_kit::{Answered, FakeLlm, FaultRule, Script, Then, When};
use serde_json::Value;
use std::sync::Arc;

/// Six records by `ollama`, and by `openai` behind it; each has a server of its own, and a model of its own price.
async fn judge(first: Script, second: Script, more: &[&str]) -> (Ran, Value, [u64; 2]) {
    let case = case(6);
    let [first, second] = [
        FakeLlm::start(Script { models: vec!["small".into()], ..first }).await,
        FakeLlm::start(Script { models: vec!["large".into()], ..second }).await,
    ];
    let toml = format!(
        "[provider.ollama]\nendpoint = \"{}\"\n[provider.openai]\nendpoint = \"{}\"\n[provider.openai.settings]\nprobe = \"never\"\n\
         [prices.small]\ninput = 0\noutput = 0\n[prices.large]\ninput = 1\noutput = 1\n",
        first.url(),
        second.url()
    );
    case.file("judge.toml", toml);
    let known =
        "judge records.jsonl --provider ollama:small,openai:large --clusters clusters.jsonl --summary summary.json";
    let args: Vec<String> = known.split(' ').chain(more.iter().copied()).map(str::to_owned).collect();
    let ran = case.run_beside(&args).await.code(0);
    let summary = serde_json::from_str(&case.read("summary.json")).expect("JSON");
    let calls = [&first, &second].map(|server| server.stats().calls_by_record.values().sum());
    (ran, summary, calls)
}

/// A verdict of so much confidence.
fn sure(confidence: &'static str, cluster_id: &'static str) -> Script {
    let verdict = serde_json::json!({
        "rationale": "decided by the script",
        "decision": "assign",
        "cluster_id": cluster_id,
        "confidence": confidence,
        "new_cluster": null,
    });
    Script { judge: Arc::new(move |_| Answered::Words(verdict.to_string())), ..Script::default() }
}

#[tokio::test]
async fn an_unsure_verdict_goes_on_to_the_next_and_its_own_stands() {
    let unsure = || sure("medium", "card_arrival");
    let (ran, summary, calls) = judge(unsure(), sure("low", "exchange_rate"), &["--escalate-below", "high"]).await;
    let rows = ran.rows();
    assert_eq!(calls, [6, 6]);
    for (field, expected) in [("provider", "openai"), ("model", "large"), ("cluster_id", "exchange_rate")] {
        assert_eq!(column(&rows, field), [expected; 6], "{field}");
    }
    assert_eq!((&summary["escalated"], &summary["fell_back"]), (&6.into(), &0.into()));
    let tokens = |field: &str| summary[field].as_u64().expect("counted");
    let all = tokens("input_tokens") + tokens("output_tokens");
    let cost = summary["cost_usd"].as_f64().expect("known") * 1e6;
    assert!((0.3..0.8).contains(&(cost / all as f64)), "the free one's tokens are told, too: {cost} for {all} tokens");

    let (ran, summary, calls) = judge(unsure(), sure("high", "exchange_rate"), &["--escalate-below", "medium"]).await;
    assert_eq!((calls, &summary["escalated"]), ([6, 0], &0.into()), "it is sure enough");
    assert_eq!(column(&ran.rows(), "provider"), ["ollama"; 6]);
}

#[tokio::test]
async fn where_the_next_has_no_verdict_the_unsure_one_stands() {
    let faults = vec![FaultRule { when: When::Always, then: Then::Garbage("hm".into()) }];
    let (ran, summary, _) =
        judge(sure("low", "card_arrival"), Script { faults, ..Script::default() }, &["--escalate-below", "high"]).await;
    let rows = ran.rows();
    assert_eq!(column(&rows, "provider"), ["ollama"; 6]);
    assert_eq!(column(&rows, "cluster_id"), ["card_arrival"; 6]);
    assert_eq!((&summary["judged"], &summary["escalated"]), (&6.into(), &6.into()));
}

#[tokio::test]
async fn a_fault_that_another_may_mend_goes_on_to_the_next() {
    let faults = vec![FaultRule { when: When::Always, then: Then::Garbage("hm".into()) }];
    let (ran, summary, calls) = judge(Script { faults, ..Script::default() }, sure("low", "exchange_rate"), &[]).await;
    let rows = ran.rows();
    assert_eq!(column(&rows, "provider"), ["openai"; 6]);
    assert_eq!(calls[1], 6);
    assert_eq!((&summary["fell_back"], &summary["escalated"]), (&6.into(), &0.into()));
}
