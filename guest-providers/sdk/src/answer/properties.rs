//! What holds for every text, and for every way to wrap an answer.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::read;
use crate::samples::{job, record};
use crate::{Decision, Job, Verdict};
use proptest::prelude::*;

const SKIP: &str = r#"{"decision":"skip"}"#;
/// What texts are made of where something may go wrong.
const PIECES: [&str; 26] = [
    SKIP,
    r#"{"rationale":"r","decision":"assign","cluster_id":"top-up","confidence":"high"}"#,
    r#"{"decision":"assign","cluster_id":"nowhere"}"#,
    r#"{"decision":"new_cluster","new_cluster":{"name":"n"}}"#,
    r#"{"record_id":"r1","decision":"skip"}"#,
    r#"{"verdicts":["#,
    r#""decision":"assign","#,
    r#""cluster_id":"top-up""#,
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    ",",
    ":",
    "<think>",
    "</think>",
    "<THOUGHT>",
    "</thought>",
    "```",
    "json\n",
    " ",
    "word",
    "\0",
    "карта",
];

fn texts() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(prop::sample::select(&PIECES[..]), 0..16);
    prop_oneof![any::<String>(), pieces.prop_map(|pieces| pieces.concat())]
}

fn jobs() -> impl Strategy<Value = Job> {
    (any::<bool>(), 1..4_usize).prop_map(|(allow_new_cluster, records)| {
        let records = ["r1", "r2", "r3"][..records].iter().map(|id| record(id, "t")).collect();
        Job { records, allow_new_cluster, ..job() }
    })
}

/// One verdict as JSON.
fn answers() -> impl Strategy<Value = String> {
    let decisions = prop::sample::select(vec![
        r#""decision":"skip","cluster_id":null"#,
        r#""decision":"Assign","cluster_id":" Top-Up""#,
        r#""decision":"assign","cluster_id":"card-arrival","new_cluster":null"#,
        r#""decision":"new_cluster","new_cluster":{"name":"n","summary":"{\"decision\":\"skip\"}"}"#,
    ]);
    let spacing = prop::sample::select(vec!["", " ", "\r\n  "]);
    (any::<String>(), decisions, spacing).prop_map(|(rationale, decision, space)| {
        let rationale = serde_json::to_string(&rationale).unwrap();
        format!("{{{space}\"rationale\":{space}{rationale},{space}{decision}{space}}}")
    })
}

/// What may stand before an answer: nothing of it is one, or all of it is in a thought.
fn before() -> impl Strategy<Value = String> {
    let thought = prop::collection::vec(prop::sample::select(&PIECES[..16]), 0..8).prop_map(|inner| inner.concat());
    let thought = (thought, prop::sample::select(vec![("<think>", "</think>"), ("[THINK]", "[/THINK]")]))
        .prop_map(|(inner, (open, close))| format!("{open}{inner}{close}"));
    let other = prop::sample::select(vec!["\n", "\u{feff}", "```json\n", "{\"lang\":\"en\"}", "[1]", "{a} ", "Is: "]);
    let piece = prop_oneof![thought, other.prop_map(str::to_owned), "[a-z ,.!'`*]{0,12}"];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn after() -> impl Strategy<Value = String> {
    let other =
        prop::sample::select(vec!["\n", "```", "</s>", "<|im_end|>", "{\"end\":true}", "\0", "<think>x</think>"]);
    let piece = prop_oneof![other.prop_map(str::to_owned), "[a-z ,.!'`*]{0,12}"];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn is_allowed(job: &Job, verdict: &Verdict) -> bool {
    job.records.iter().any(|record| record.id == verdict.record_id)
        && match &verdict.decision {
            Decision::Assign(id) => job.candidate_ids.contains(id),
            Decision::NewCluster(proposal) => job.allow_new_cluster && !proposal.name.is_empty(),
            Decision::Skip => true,
        }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_what_was_asked_and_offered_is_read(job in jobs(), text in texts()) {
        if let Ok(verdicts) = read(&job, &text) {
            prop_assert!(!verdicts.is_empty());
            for (place, verdict) in verdicts.iter().enumerate() {
                prop_assert!(is_allowed(&job, verdict), "{verdict:?}");
                let others = &verdicts[place + 1..];
                prop_assert!(others.iter().all(|other| other.record_id != verdict.record_id), "{verdicts:?}");
            }
        }
    }

    #[test]
    fn wrapping_changes_nothing(before in before(), answer in answers(), after in after()) {
        let bare = read(&job(), &answer);
        prop_assert!(bare.is_ok());
        prop_assert_eq!(read(&job(), &format!("{before}{answer}{after}")), bare.clone());
        prop_assert_eq!(read(&job(), &format!("{before}{answer}{after}{answer}")), bare);
    }

    #[test]
    fn a_cut_answer_is_never_another_one(before in before(), answer in answers(), after in after()) {
        let whole = format!("{before}{answer}{after}{answer}");
        let verdicts = read(&job(), &whole).unwrap();
        for (end, _) in whole.char_indices() {
            if let Ok(cut) = read(&job(), &whole[..end]) {
                prop_assert_eq!(&cut, &verdicts);
                prop_assert!(end >= before.len() + answer.len(), "cut within: {}", &whole[..end]);
            }
        }
    }

    #[test]
    fn an_answer_within_a_thought_is_none(inner in texts(), answer in answers()) {
        let text = format!("<think>{answer}{inner}");
        if let Ok(verdicts) = read(&job(), &text) {
            let end = text.find("</think>").unwrap();
            prop_assert_eq!(Ok(verdicts), read(&job(), &text[end + "</think>".len()..]));
        }
    }
}
