//! How good the baseline is on the example data, so that it cannot rot unseen. The table, and the time of a record:
//! `cargo test --release -p provider-lexical --test banking77 -- --nocapture`

#![expect(clippy::print_stdout, reason = "the table is for people, and cargo shows it only when asked")]

use judge_provider::{Cluster, Confidence, Record, serde_json};
use provider_lexical::{Best, Brief, THRESHOLD_DEFAULT, best, confidence};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

fn rows(name: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/banking77");
    let text = std::fs::read_to_string(folder.join(name)).expect("the example is part of the repository");
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
}

fn text(row: &Value, field: &str) -> String {
    row[field].as_str().expect("a text").to_owned()
}

/// The records with their labels.
fn records() -> Vec<(Record, String)> {
    let record = |row: &Value| Record { id: text(row, "request_id"), text: text(row, "text"), context: Vec::new() };
    rows("records.jsonl").iter().map(|row| (record(row), text(row, "label"))).collect()
}

fn clusters() -> Vec<Cluster> {
    let samples = |row: &Value| row["samples"].as_array().expect("a list").clone();
    let cluster = |row: &Value| Cluster {
        id: text(row, "cluster_id"),
        name: text(row, "name"),
        summary: text(row, "summary"),
        criteria: text(row, "criteria"),
        samples: samples(row).iter().map(|sample| sample.as_str().expect("a text").to_owned()).collect(),
    };
    rows("clusters.jsonl").iter().map(cluster).collect()
}

/// The best candidate of each record; none where nothing is shared.
fn bests<'r>(records: impl IntoIterator<Item = &'r Record>, candidates: &[Cluster]) -> Vec<Option<Best>> {
    let bytes = Brief::write(candidates, THRESHOLD_DEFAULT);
    let ids: Vec<String> = candidates.iter().map(|cluster| cluster.id.clone()).collect();
    let brief = Brief::read(&bytes, &ids).expect("it was just written");
    records.into_iter().map(|record| best(record, &brief).expect("it was just written")).collect()
}

/// What became of one record: how the best candidate scored, how sure that is, and whether it is the right one.
struct Judged {
    score: f32,
    confidence: Confidence,
    agrees: bool,
}

/// Which share of all was assigned, and which share of the assigned agrees with the label.
fn measured(judged: &[Judged], assigned: impl Fn(&Judged) -> bool) -> (f64, f64) {
    let all = judged.len();
    let assigned: Vec<_> = judged.iter().filter(|judged| assigned(judged)).collect();
    let agreed = assigned.iter().filter(|judged| judged.agrees).count();
    (assigned.len() as f64 / all as f64, agreed as f64 / assigned.len().max(1) as f64)
}

#[test]
fn agrees_with_the_gold_labels() {
    let (records, clusters) = (records(), clusters());
    println!("{} bytes of brief", Brief::write(&clusters, THRESHOLD_DEFAULT).len());
    let start = Instant::now();
    let bests = bests(records.iter().map(|(record, _)| record), &clusters);
    println!("{:.1} µs a record", start.elapsed().as_secs_f64() * 1e6 / records.len() as f64);
    let judge = |(best, (_, label)): (Option<Best>, &(Record, String))| {
        let best = best.expect("in this data everything shares something");
        Judged { score: best.score, confidence: confidence(&best), agrees: clusters[best.place].id == *label }
    };
    let judged: Vec<_> = bests.into_iter().zip(&records).map(judge).collect();

    println!("threshold  coverage  agreement");
    for threshold in [0.0, 0.05, 0.1, THRESHOLD_DEFAULT, 0.2, 0.25, 0.3, 0.35, 0.4] {
        let (coverage, agreement) = measured(&judged, |judged| judged.score >= threshold);
        println!("{threshold:9.2}  {:7.1}%  {:8.1}%", 100.0 * coverage, 100.0 * agreement);
    }
    let by_confidence = [Confidence::Low, Confidence::Medium, Confidence::High].map(|confidence| {
        let of_it = |judged: &Judged| judged.score >= THRESHOLD_DEFAULT && judged.confidence == confidence;
        let (share, agreement) = measured(&judged, of_it);
        println!("{confidence:?}: {:.1}% of all, {:.1}% agree", 100.0 * share, 100.0 * agreement);
        agreement
    });

    let (coverage, agreement) = measured(&judged, |judged| judged.score >= THRESHOLD_DEFAULT);
    assert!(coverage >= 0.9, "coverage {coverage}");
    assert!(agreement >= 0.7, "agreement {agreement}");
    assert!(by_confidence.is_sorted(), "the surer, the more often right: {by_confidence:?}");
}

#[test]
fn records_without_a_right_answer_are_skipped_more_often() {
    let (records, clusters) = (records(), clusters());
    // Half of the intents are taken away, so that the records of the other half have no right answer.
    let (known, taken): (Vec<_>, Vec<_>) = clusters.into_iter().enumerate().partition(|(place, _)| place % 2 == 0);
    let known: Vec<Cluster> = known.into_iter().map(|(_, cluster)| cluster).collect();
    let scores = |of_known: bool| -> Vec<f32> {
        let matters = |label: &String| taken.iter().any(|(_, cluster)| cluster.id == *label) != of_known;
        let asked = records.iter().filter(|(_, label)| matters(label)).map(|(record, _)| record);
        bests(asked, &known).into_iter().map(|best| best.map_or(0.0, |best| best.score)).collect()
    };
    let assigned = |scores: Vec<f32>| {
        scores.iter().filter(|score| **score >= THRESHOLD_DEFAULT).count() as f64 / scores.len() as f64
    };
    let (of_known, of_taken) = (assigned(scores(true)), assigned(scores(false)));
    println!("assigned: {:.1}% of those with a right answer, {:.1}% of the others", 100.0 * of_known, 100.0 * of_taken);
    assert!(of_known >= of_taken + 0.2, "{of_known} of known, {of_taken} of taken");
}

#[test]
fn no_record_is_a_sample() {
    let clusters = clusters();
    let samples: BTreeSet<_> =
        clusters.iter().flat_map(|cluster| &cluster.samples).map(|text| text.to_lowercase()).collect();
    assert_eq!(clusters.len(), 77);
    assert_eq!(samples.len(), 770);
    let records = records();
    assert_eq!(records.len(), 1540);
    for (record, label) in &records {
        assert!(!samples.contains(&record.text.to_lowercase()), "{}", record.id);
        assert!(clusters.iter().any(|cluster| cluster.id == *label), "{label}");
    }
}
