//! Parallel equals sequential: records that are judged at once end in the clusters that they make one after the other,
//! though the judge has several names for one thing. `cargo xtask twins` shows it at full size.

use super::births::clusters;
use crate::support::{Case, column, judging};
use judge_host_kit::{Asked, FakeLlm, FaultRule, Oracle, Script, Then, When};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

const RECORDS: usize = 300;
const PARALLEL: usize = 32;
const SUBJECTS: [&str; 20] = [
    "lost luggage",
    "flight delay",
    "seat choice",
    "double booking",
    "visa question",
    "missing invoice",
    "late breakfast",
    "broken shower",
    "noisy neighbours",
    "airport shuttle",
    "parking space",
    "gym hours",
    "pool temperature",
    "wireless network",
    "towel change",
    "loyalty points",
    "group discount",
    "early arrival",
    "wheelchair access",
    "pet allowed",
];

/// What a run made.
struct Made {
    clusters: usize,
    rejudged: u64,
    calls: u64,
}

fn subject(number: usize) -> &'static str {
    SUBJECTS[number % SUBJECTS.len()]
}

/// Knows the subject of each record, and has four names for it.
fn oracle() -> Oracle {
    let intents = (0..RECORDS).map(|n| (format!("r{n}"), subject(n).to_owned()));
    let names =
        |subject: &str| ["", "About ", "Again: ", "Regarding "].map(|words| format!("{words}{subject}")).to_vec();
    let names = SUBJECTS.iter().map(|subject| ((*subject).to_owned(), names(subject)));
    Oracle::new(intents.collect(), names.collect()).unwrap()
}

/// Judges all from an empty registry. The first answers are held back until as many calls wait for them as may be in
/// flight, so that none of these records is shown what the others propose.
async fn run(births: &str, parallel: usize) -> Made {
    let hold = |n| FaultRule { when: When::FirstOf { record: format!("r{n}"), calls: 1 }, then: Then::Hold };
    let answering = oracle();
    let server = FakeLlm::start(Script {
        delay: Duration::from_millis(3),
        judge: Arc::new(move |asked: &Asked| answering.answer(asked)),
        faults: (0..parallel).map(hold).collect(),
        ..Script::default()
    })
    .await;
    let case = Case::new();
    let record = |n| format!("{{\"request_id\":\"r{n}\",\"text\":\"{}, room {n}\"}}\n", subject(n));
    case.file("records.jsonl", (0..RECORDS).map(record).collect::<String>());
    let parallel_flag = parallel.to_string();
    let more = ["--births", births, "--parallel", &parallel_flag, "--summary", "summary.json"];
    let releasing = async {
        server.until(|stats| stats.calls >= parallel as u64).await;
        server.release();
    };
    let args = judging("ollama", "records.jsonl", &server, &more);
    let (ran, ()) = tokio::join!(case.run_beside(&args), releasing);
    let rows = ran.code(0).rows();
    let made = clusters(&case);
    are_all_in_their_cluster(&rows, &made);
    let summary: Value = serde_json::from_str(&case.read("summary.json")).unwrap();
    assert_eq!(summary["calls"], server.stats().calls, "the host counts what the server saw");
    Made {
        clusters: made.len(),
        rejudged: summary["rejudged"].as_u64().unwrap(),
        calls: summary["calls"].as_u64().unwrap(),
    }
}

/// Whatever it is called, no cluster has records of another subject, and every record is in one.
fn are_all_in_their_cluster(rows: &[Value], clusters: &[Value]) {
    let names: BTreeMap<&str, &str> = clusters
        .iter()
        .map(|cluster| (cluster["cluster_id"].as_str().unwrap(), cluster["name"].as_str().unwrap()))
        .collect();
    let oracle = oracle();
    for row in rows {
        let (id, cluster) = (row["request_id"].as_str().unwrap(), row["cluster_id"].as_str().unwrap());
        assert!(oracle.is_right(id, names[cluster]), "{id} is in {cluster}");
    }
    let ids: BTreeSet<String> = column(rows, "request_id").into_iter().collect();
    assert_eq!((rows.len(), ids.len()), (RECORDS, RECORDS));
}

#[tokio::test]
async fn parallel_records_end_in_the_clusters_that_sequential_ones_make() {
    // The births, how many in flight, and how many records are judged again at least: of those that were shown the empty
    // registry all but one, or all but the first on each subject.
    for (births, parallel, rejudged_min) in
        [("strict", 1, 0), ("strict", PARALLEL, PARALLEL - 1), ("similar", PARALLEL, PARALLEL - SUBJECTS.len())]
    {
        let made = run(births, parallel).await;
        assert_eq!(made.clusters, SUBJECTS.len(), "{births}, {parallel} in flight");
        assert!(made.rejudged >= rejudged_min as u64, "{births}: {} judged again", made.rejudged);
        assert!(parallel > 1 || made.rejudged == 0, "{} judged again, one after the other", made.rejudged);
        assert_eq!(made.calls, RECORDS as u64 + made.rejudged, "{births}: judging again is all that it costs");
    }
}

#[tokio::test]
async fn free_births_make_twins_and_cost_no_call() {
    let made = run("free", PARALLEL).await;
    let oracle = oracle();
    let first: BTreeSet<String> = (0..PARALLEL).map(|n| oracle.name(&format!("r{n}")).unwrap().to_owned()).collect();
    assert!(first.len() > SUBJECTS.len(), "the first records name some subjects twice: {first:?}");
    assert!(made.clusters >= first.len(), "{} clusters of {} proposals", made.clusters, first.len());
    assert_eq!((made.rejudged, made.calls), (0, RECORDS as u64));
}
