//! An operator's hand on the registry: merge, confirm, retire; and registries of an older layout.

#[cfg(unix)]
mod beside;

use crate::support::{Case, plugins};
use judge_host::model::{Cluster, ClusterStatus, Outcome, Record};
use judge_host::registry::{ClusterDraft, Registry, RegistryError};
use judge_host::{Judge, JudgeOptions};
use judge_host_kit::{Answered, FakeLlm, Script};
use serde_json::Value;
use std::sync::Arc;

const CLUSTERS: &str = concat!(
    r#"{"cluster_id":"lost","name":"Lost card","samples":["my card is gone"]}"#,
    "\n",
    r#"{"cluster_id":"stolen","name":"Stolen card","samples":["my card was taken","my card is gone"],"status":"tentative"}"#,
    "\n",
    r#"{"cluster_id":"pin","name":"Change PIN","samples":["how do I change my pin?"]}"#,
    "\n",
);

fn run(case: &Case, line: &str) -> crate::support::Ran {
    case.run(&line.split_whitespace().collect::<Vec<_>>())
}

/// A registry of three clusters, and three records judged by shared words: one each.
fn judged() -> Case {
    let case = Case::new();
    case.file("clusters.jsonl", CLUSTERS);
    let record = |id: &str, text: &str| format!("{{\"id\":\"{id}\",\"text\":\"{text}\"}}\n");
    let records = [("r1", "I lost it, my lost card"), ("r2", "stolen card, it was stolen"), ("r3", "change my pin")];
    case.file("records.jsonl", records.map(|(id, text)| record(id, text)).concat());
    run(&case, "judge records.jsonl --provider lexical --clusters clusters.jsonl --out rows.jsonl").code(0);
    case
}

fn listed(case: &Case) -> Vec<Value> {
    serde_json::from_str(&run(case, "registry list --json").code(0).stdout).unwrap()
}

fn find(list: &[Value], id: &str) -> Value {
    list.iter().find(|cluster| cluster["cluster_id"] == id).unwrap_or_else(|| panic!("{id} in {list:?}")).clone()
}

#[test]
fn merged_clusters_are_one_with_their_records_and_samples() {
    let case = judged();
    let before = listed(&case);
    assert_eq!(
        (find(&before, "lost")["count"].as_u64(), find(&before, "stolen")["count"].as_u64()),
        (Some(1), Some(1))
    );
    let ran = run(&case, "registry merge stolen lost").code(0);
    assert!(ran.stderr.contains("`stolen` is part of `lost`, with 1 records"), "{}", ran.stderr);

    let after = listed(&case);
    let (lost, stolen) = (find(&after, "lost"), find(&after, "stolen"));
    assert_eq!((lost["count"].as_u64(), stolen["count"].as_u64()), (Some(2), Some(0)));
    assert_eq!(lost["sample_requests"], serde_json::json!(["my card is gone", "my card was taken"]));
    assert_eq!((&stolen["status"], &stolen["merged_into"]), (&"retired".into(), &"lost".into()));
    assert!(lost["revision"].as_u64() > find(&before, "lost")["revision"].as_u64());
    let rows = run(&case, "registry export - --outcomes --batch-id records").code(0).rows();
    let mut ids = crate::support::column(&rows, "cluster_id");
    ids.sort_unstable();
    assert_eq!(ids, ["lost", "lost", "pin"], "the records went along");
    let table = run(&case, "registry list").code(0).stdout;
    assert_eq!(
        table.lines().next().unwrap().split_whitespace().collect::<Vec<_>>(),
        ["id", "name", "count", "status", "revision"]
    );
    assert!(table.contains("part of lost"), "{table}");
}

#[test]
fn retired_clusters_are_offered_to_no_judge_and_confirmed_ones_are() {
    let case = judged();
    run(&case, "registry retire pin lost").code(0);
    run(&case, "registry confirm stolen").code(0);
    let list = listed(&case);
    let status = |id: &str| find(&list, id)["status"].clone();
    assert_eq!(
        (status("pin"), status("lost"), status("stolen")),
        ("retired".into(), "retired".into(), "confirmed".into())
    );
    case.file(
        "more.jsonl",
        "{\"id\":\"a\",\"text\":\"change my pin\"}\n{\"id\":\"b\",\"text\":\"x\",\"candidates\":[\"pin\"]}\n",
    );
    let rows = run(&case, "judge more.jsonl --provider lexical --parallel 1").code(1).rows();
    assert_eq!(rows[0]["decision"], "skip", "the pin is not offered");
    assert_eq!(rows[1]["error"]["code"], "retired-candidate", "not even where a record names it");
    run(&case, "registry confirm pin").code(0);
    let rows = run(&case, "judge more.jsonl --provider lexical --parallel 1 --batch-id again").code(0).rows();
    assert_eq!((&rows[0]["cluster_id"], &rows[1]["decision"]), (&"pin".into(), &"skip".into()));
}

#[test]
fn what_cannot_be_done_changes_nothing_and_says_why() {
    let case = judged();
    run(&case, "registry merge stolen lost").code(0);
    let before = listed(&case);
    for (line, told) in [
        ("registry merge nowhere lost", "no such cluster: `nowhere`"),
        ("registry merge lost nowhere", "no such cluster: `nowhere`"),
        ("registry merge lost lost", "they are the same"),
        ("registry merge stolen pin", "part of another already"),
        ("registry merge pin stolen", "the second is retired"),
        ("registry confirm stolen", "it is part of the other"),
        ("registry retire pin nowhere", "no such cluster: `nowhere`"),
        ("registry retire pin --registry other.db", "no registry there: other.db"),
    ] {
        let ran = run(&case, line).code(2);
        assert!(ran.stderr.contains(told) && ran.stderr.contains("hint: "), "{line}: {}", ran.stderr);
    }
    assert_eq!(listed(&case), before);
    assert!(!case.path("other.db").exists());
}

/// A judge whose model says `stolen`, whatever it is asked.
async fn stubborn(server: &FakeLlm) -> Judge {
    let judge = Judge::open(JudgeOptions {
        providers: plugins(),
        provider: "ollama".to_owned(),
        endpoints: vec![server.url()],
        model: Some("fake".to_owned()),
        cache_dir: Some(crate::support::cache()),
        ..JudgeOptions::default()
    })
    .await
    .unwrap();
    judge
        .registry()
        .upsert(vec![ClusterDraft::new("lost", "Lost"), ClusterDraft::new("stolen", "Stolen")])
        .await
        .unwrap();
    judge
}

#[tokio::test]
async fn verdicts_for_a_merged_cluster_follow_the_merge() {
    let answer = Arc::new(|_: &judge_host_kit::Asked| Answered::Assign("stolen".to_owned()));
    let server =
        FakeLlm::start(Script { judge: answer, delay: std::time::Duration::from_millis(300), ..Script::default() })
            .await;
    let judge = Arc::new(stubborn(&server).await);
    let judging = {
        let judge = Arc::clone(&judge);
        tokio::spawn(async move { judge.judge_slice(vec![Record::new("r1", "text")], None).await })
    };
    server.until(|stats| stats.calls == 1).await;
    judge.registry().merge("stolen", "lost").await.unwrap();
    let outcomes: Vec<Outcome> = judging.await.unwrap().unwrap();
    let judged = outcomes[0].result.as_ref().unwrap();
    assert_eq!(judged.cluster_id.as_deref(), Some("lost"), "judged before the merge, committed after it");
    let count = |id: &str| judge.registry().get_cluster(id).unwrap().count;
    assert_eq!((count("lost"), count("stolen")), (1, 0));
}

#[test]
fn an_older_registry_is_read_as_it_is_and_migrated_when_it_is_written() {
    let case = judged();
    let path = case.path("judge.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    // As the first version laid it out.
    old.execute_batch(
        "DROP VIEW clusters; DROP TABLE recent_counts;
        ALTER TABLE cluster_texts RENAME TO clusters;
        ALTER TABLE clusters ADD COLUMN count INTEGER NOT NULL DEFAULT 0;
        UPDATE clusters SET count = (SELECT count(*) FROM outcomes WHERE outcomes.cluster_id = clusters.cluster_id);
        DROP TABLE counts;
        ALTER TABLE clusters DROP COLUMN merged_into;
        ALTER TABLE outcomes DROP COLUMN overtaken;
        ALTER TABLE registry DROP COLUMN fold_through;
        ALTER TABLE registry DROP COLUMN fold_from;
        PRAGMA user_version = 1",
    )
    .unwrap();
    drop(old);
    let version = || -> i64 {
        let file = rusqlite::Connection::open(&path).unwrap();
        file.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    };
    assert_eq!((listed(&case).len(), version()), (3, 1), "to list is no reason to change a file");
    run(&case, "registry merge stolen lost").code(0);
    assert_eq!(version(), 3);
    assert_eq!(find(&listed(&case), "stolen")["merged_into"], "lost");
    let registry = Registry::open_read_only(&path).unwrap();
    let mut outcomes = 0;
    registry
        .outcomes::<RegistryError>(None, &mut |_| {
            outcomes += 1;
            Ok(())
        })
        .unwrap();
    let clusters: Vec<Arc<Cluster>> = registry.list_clusters(None);
    assert_eq!((outcomes, clusters.len()), (3, 3), "nothing is lost");
    assert!(clusters.iter().any(|cluster| cluster.status == ClusterStatus::Retired));
}
