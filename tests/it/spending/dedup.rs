//! Records of the same text share one call, and each has its own row.

use super::case;
use crate::support::{Ran, column, judging};
use judge_host_kit::{Answered, FakeLlm, FaultRule, Script, Stats, Then, When};
use std::sync::Arc;

/// Five records of one text and one of another, judged at once by a server that behaves so.
async fn judge(script: Script, more: &[&str]) -> (Ran, Stats, serde_json::Value) {
    let server = FakeLlm::start(script).await;
    let case = case(1);
    let record = |id: usize, text: &str| format!("{{\"request_id\":\"r{id}\",\"text\":\"{text}\"}}\n");
    let records = (0..5).map(|id| record(id, "where is my card")).chain([record(5, "another text")]);
    case.file("records.jsonl", records.collect::<String>());
    let known = ["--clusters", "clusters.jsonl", "--parallel", "6", "--summary", "summary.json"];
    let ran = case.run_beside(&judging("openai", "records.jsonl", &server, &[&known, more].concat())).await.code(0);
    let summary = serde_json::from_str(&case.read("summary.json")).expect("JSON");
    (ran, server.stats(), summary)
}

#[tokio::test]
async fn five_records_of_one_text_cost_one_call() {
    for more in [&["--temperature", "0"][..], &["--dedup", "on"]] {
        let (ran, stats, summary) = judge(Script::default(), more).await;
        let rows = ran.rows();
        assert_eq!((stats.calls, rows.len()), (2, 6), "{more:?}");
        assert_eq!((&summary["calls"], &summary["shared"]), (&2.into(), &4.into()));
        let mut ids = column(&rows, "request_id");
        ids.sort_unstable();
        assert_eq!(ids, ["r0", "r1", "r2", "r3", "r4", "r5"]);
        let same: Vec<_> = rows.iter().filter(|row| row["request_id"] != "r5").collect();
        assert!(same.iter().all(|row| row["cluster_id"] == same[0]["cluster_id"]), "{same:?}");
        let free = rows.iter().filter(|row| row["cost_usd"] == 0.0 && row["input_tokens"].is_null());
        assert_eq!(free.count(), 4);
    }
}

#[tokio::test]
async fn without_it_each_asks_for_itself() {
    for more in [&[][..], &["--temperature", "0", "--dedup", "off"]] {
        let (_, stats, summary) = judge(Script::default(), more).await;
        assert_eq!((stats.calls, &summary["shared"]), (6, &0.into()), "{more:?}");
    }
}

#[tokio::test]
async fn what_failed_is_not_shared() {
    for then in [Then::status(503), Then::Garbage("hm".into())] {
        let faults = vec![FaultRule { when: When::Call(1), then: then.clone() }];
        let (_, stats, _) = judge(Script { faults, ..Script::default() }, &["--dedup", "on"]).await;
        assert_eq!(stats.calls, 3, "{then:?}");
    }
}

#[tokio::test]
async fn a_new_cluster_that_several_propose_is_born_once() {
    let propose = |_: &judge_host_kit::Asked| Answered::NewCluster {
        name: "Lost card".into(),
        summary: "asks for a card".into(),
        criteria: String::new(),
    };
    let (ran, _, _) = judge(Script { judge: Arc::new(propose), ..Script::default() }, &["--dedup", "on"]).await;
    let rows = ran.rows();
    assert_eq!(rows.len(), 6);
    assert!(rows.iter().all(|row| row["cluster_id"] == rows[0]["cluster_id"]), "{rows:?}");
}
