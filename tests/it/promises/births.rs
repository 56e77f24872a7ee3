//! New clusters: the same proposal is the same cluster, in any script; and what the registry holds travels whole.

use crate::support::{Case, column, judging, records};
use judge_host_kit::{Answered, Asked, FakeLlm, Script};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A server that proposes these names in turn, by the record's number.
async fn proposing(names: &'static [&'static str]) -> FakeLlm {
    let judge = |asked: &Asked| {
        let number = asked.record_id.as_deref().and_then(|id| id[1..].parse().ok()).unwrap_or(0);
        let name: &str = names[number % names.len()];
        let summary = format!("texts of \"{name}\", one|two;\nthree");
        Answered::NewCluster { name: name.to_owned(), summary, criteria: "it says so, 'in' words".to_owned() }
    };
    FakeLlm::start(Script { judge: Arc::new(judge), ..Script::default() }).await
}

/// What the registry holds.
pub(super) fn clusters(case: &Case) -> Vec<Value> {
    let listed = case.run(&["registry", "list", "--json"]).code(0).stdout;
    let Ok(Value::Array(clusters)) = serde_json::from_str(&listed) else { panic!("a list, not {listed}") };
    clusters
}

async fn is_one_cluster(names: &'static [&'static str], slug: &str) {
    const RECORDS: usize = 12;
    for parallel in ["1", "12"] {
        let server = proposing(names).await;
        let case = Case::new();
        case.file("records.jsonl", records(RECORDS));
        let args = judging("ollama", "records.jsonl", &server, &["--parallel", parallel]);
        let rows = case.run_beside(&args).await.code(0).rows();
        assert_eq!(column(&rows, "decision"), ["new_cluster"; RECORDS]);
        assert_eq!(column(&rows, "cluster_id"), [slug; RECORDS], "{names:?}");
        let proposed: BTreeSet<String> = rows.iter().map(|row| row["suggested_cluster"]["name"].to_string()).collect();
        assert!(
            !proposed.is_empty() && proposed.len() <= names.len(),
            "each row keeps what was proposed: {proposed:?}"
        );

        let clusters = clusters(&case);
        let [cluster] = clusters.as_slice() else { panic!("one cluster of {names:?}, not {clusters:?}") };
        assert_eq!((cluster["cluster_id"].as_str(), cluster["count"].as_u64()), (Some(slug), Some(RECORDS as u64)));
        assert_eq!((&cluster["status"], &cluster["batch_id"]), (&"tentative".into(), &"records".into()));
        assert!(names.iter().any(|name| cluster["name"] == name.trim()), "the first name stays: {cluster}");
        let samples: BTreeSet<&str> =
            cluster["sample_requests"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(samples.len(), 5, "five texts, none twice: {cluster}");
    }
}

#[tokio::test]
async fn a_name_is_one_cluster_whatever_its_case_and_spaces() {
    for (names, slug) in [
        (&["Card swallowed", "CARD SWALLOWED", " card  swallowed ", "Card-swallowed!"][..], "card_swallowed"),
        (&["Карта проглочена", "КАРТА  ПРОГЛОЧЕНА", " карта проглочена"], "karta_proglochena"),
    ] {
        is_one_cluster(names, slug).await;
    }
}

#[tokio::test]
async fn a_name_without_a_letter_has_an_id_all_the_same() {
    is_one_cluster(&["💳", " 💳 "], "credit_card").await;
    is_one_cluster(&["?!…", " ?!…"], "cluster_980a0b49").await;
}

#[tokio::test]
async fn what_is_exported_is_imported_whole() {
    let server = proposing(&["Card swallowed", "Карта, \"проглочена\"", "💳", "a|b; c\td"]).await;
    let case = Case::new();
    let record = |n| format!("{{\"id\":\"r{n}\",\"text\":\"[where] is \\\"it\\\", {n}|?\\n№ «карта» 💳\\t\"}}\n");
    case.file("records.jsonl", (0..12).map(record).collect::<String>());
    case.run_beside(&judging("ollama", "records.jsonl", &server, &["--parallel", "1"])).await.code(0);
    for format in ["jsonl", "csv", "json"] {
        let (first, second) = (format!("first.{format}"), format!("second.{format}"));
        let fresh = format!("{format}.db");
        case.run(&["registry", "export", &first]).code(0);
        case.run(&["registry", "import", &first, "--registry", &fresh]).code(0);
        case.run(&["registry", "export", &second, "--registry", &fresh]).code(0);
        let exported = case.read(&first);
        assert_eq!(exported, case.read(&second), "{format}");
        for text in ["card_swallowed", "проглочена", "💳", "tentative", "credit_card", "decided by the script"]
        {
            assert!(exported.contains(text), "`{text}` is not in {exported}");
        }
        // What is there already is there just so.
        let again = case.run(&["registry", "import", &first]).code(0);
        assert!(again.stderr.contains("0 clusters inserted, 0 changed, 4 as they were"), "{}", again.stderr);
    }
}
