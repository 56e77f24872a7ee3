#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use crate::samples::{job, record};
use crate::{Confidence, Decision, FaultKind, Proposal};

const ASSIGN: &str = r#"{"rationale":"asks for the card","decision":"assign","cluster_id":"card-arrival","confidence":"high","new_cluster":null}"#;

#[test]
fn a_verdict_is_read() {
    let verdict = Verdict {
        record_id: "r1".to_owned(),
        decision: Decision::Assign("card-arrival".to_owned()),
        confidence: Confidence::High,
        rationale: "asks for the card".to_owned(),
    };
    assert_eq!(read(&job(), ASSIGN), Ok(vec![verdict]));
}

#[test]
fn decisions_are_read() {
    let new = Proposal { name: "Card lost".to_owned(), summary: "s".to_owned(), criteria: String::new() };
    for (text, decision) in [
        (r#"{"decision":"skip"}"#, Decision::Skip),
        (r#"{"decision":"SKIP","cluster_id":null,"new_cluster":null}"#, Decision::Skip),
        (r#"{"decision":"Assign","cluster_id":"Top-Up","new_cluster":{"name":""}}"#, Decision::Assign("top-up".into())),
        (
            r#"{"decision":"new-cluster","cluster_id":"","new_cluster":{"name":" Card lost","summary":"s"}}"#,
            Decision::NewCluster(new),
        ),
    ] {
        let verdicts = read(&job(), text).unwrap();
        assert_eq!(verdicts[0].decision, decision, "{text}");
        assert_eq!(verdicts[0].confidence, Confidence::Low, "absent confidence is low: {text}");
    }
}

#[test]
fn every_slip_has_its_code() {
    for (text, code) in [
        ("{}", "missing-field"),
        (r#"{"decision":null}"#, "missing-field"),
        (r#"{"decision":"assign"}"#, "missing-field"),
        (r#"{"decision":"assign","cluster_id":" "}"#, "missing-field"),
        (r#"{"decision":"new_cluster"}"#, "missing-field"),
        (r#"{"decision":"new_cluster","new_cluster":{"summary":"s"}}"#, "missing-field"),
        (r#"{"verdict":{"decision":"skip"}}"#, "missing-field"),
        (r#"{"decision":7}"#, "wrong-type"),
        (r#"{"decision":true}"#, "wrong-type"),
        (r#"{"decision":["skip"]}"#, "wrong-type"),
        (r#"{"decision":"assign","cluster_id":3}"#, "wrong-type"),
        (r#"{"decision":"assign","cluster_id":["top-up"]}"#, "wrong-type"),
        (r#"{"decision":"new_cluster","new_cluster":"Card lost"}"#, "wrong-type"),
        (r#"{"decision":"new_cluster","new_cluster":{"name":1}}"#, "wrong-type"),
        (r#"{"decision":"skip","rationale":["a"]}"#, "wrong-type"),
        (r#"{"decision":"skip","rationale":false}"#, "wrong-type"),
        (r#"{"decision":"maybe"}"#, "unknown-decision"),
        (r#"{"decision":""}"#, "unknown-decision"),
        (r#"{"decision":"skip","confidence":"sure"}"#, "unknown-confidence"),
        (r#"{"decision":"skip","confidence":0.9}"#, "wrong-type"),
        (r#"{"decision":"assign","cluster_id":"card"}"#, "unknown-cluster"),
        (r#"{"decision":"skip","cluster_id":"top-up"}"#, "contradiction"),
        (r#"{"decision":"skip","new_cluster":{"name":"n"}}"#, "contradiction"),
        (r#"{"decision":"assign","cluster_id":"top-up","new_cluster":{"name":"n"}}"#, "contradiction"),
        (r#"{"decision":"new_cluster","cluster_id":"top-up","new_cluster":{"name":"n"}}"#, "contradiction"),
    ] {
        let fault = read(&job(), text).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::Malformed, Some(code)), "{text}");
    }
}

#[test]
fn ids_may_have_blanks_around_and_fields_beside() {
    for id in [" top-up", "TOP-UP ", "\ttop-up\n"] {
        let id = serde_json::to_string(id).unwrap();
        let text =
            format!(r#"{{"decision":" assign","cluster_id":{id},"confidence":" High","score":0.7,"tags":[{{}}]}}"#);
        let verdict = &read(&job(), &text).unwrap()[0];
        assert_eq!(verdict.decision, Decision::Assign("top-up".to_owned()), "{text}");
        assert_eq!(verdict.confidence, Confidence::High, "{text}");
    }
}

#[test]
fn a_new_cluster_is_only_taken_where_allowed() {
    let mut job = job();
    job.allow_new_cluster = false;
    let fault = read(&job, r#"{"decision":"new_cluster","new_cluster":{"name":"n"}}"#).unwrap_err();
    assert_eq!(fault.code.as_deref(), Some("new-cluster-not-allowed"));
}

#[test]
fn letter_case_decides_between_candidates_that_differ_in_it() {
    let mut job = job();
    job.candidate_ids = vec!["AB".to_owned(), "ab".to_owned()];
    let assign = |id: &str| read(&job, &format!(r#"{{"decision":"assign","cluster_id":"{id}"}}"#));
    assert_eq!(assign("ab").unwrap()[0].decision, Decision::Assign("ab".to_owned()));
    assert_eq!(assign(" ab ").unwrap()[0].decision, Decision::Assign("ab".to_owned()));
    assert_eq!(assign("Ab").unwrap_err().code.as_deref(), Some("unknown-cluster"));
}

#[test]
fn a_list_of_one_is_read_where_one_record_is_asked() {
    let listed = format!(r#"{{"verdicts":[{{"record_id":"r1",{}]}}"#, &ASSIGN[1..]);
    assert_eq!(read(&job(), &listed), read(&job(), ASSIGN));
}

#[test]
fn several_records_are_read_by_id_and_bad_ones_left_out() {
    let mut job = job();
    job.records = ["r1", "r\n2", "r3", "r4", "r5"].map(|id| record(id, "some text")).into();
    let text = r#"{"verdicts":[
        {"record_id":"r 2","decision":"skip"},
        {"record_id":"r1","decision":"assign","cluster_id":"top-up"},
        {"record_id":"r3","decision":"assign","cluster_id":"nowhere"},
        {"record_id":"r9","decision":"skip"},
        {"record_id":"r4","decision":"skip"},
        {"record_id":"r4","decision":"assign","cluster_id":"top-up"}]}"#;
    let ids: Vec<String> = read(&job, text).unwrap().into_iter().map(|verdict| verdict.record_id).collect();
    assert_eq!(ids, ["r\n2", "r1"]);
}

#[test]
fn several_records_without_a_verdict_are_a_fault() {
    let mut job = job();
    job.records.push(record("r2", "some text"));
    for (text, code) in [
        (r#"{"decision":"skip"}"#, "missing-field"),
        (r#"{"verdicts":[]}"#, "no-verdict"),
        (r#"{"verdicts":[{"decision":"skip"}]}"#, "missing-field"),
        (r#"{"verdicts":[{"record_id":1,"decision":"skip"}]}"#, "wrong-type"),
        (r#"{"verdicts":[{"record_id":"r9","decision":"skip"}]}"#, "unknown-record"),
        (
            r#"{"verdicts":[{"record_id":"r1","decision":"skip"},{"record_id":"r1","decision":"skip"}]}"#,
            "duplicate-record",
        ),
    ] {
        assert_eq!(read(&job, text).unwrap_err().code.as_deref(), Some(code), "{text}");
    }
}

#[test]
fn several_verdicts_may_stand_beside_each_other() {
    let mut job = job();
    job.records = ["r1", "r2"].map(|id| record(id, "some text")).into();
    let (one, other) = (r#"{"record_id":"r1","decision":"skip"}"#, r#"{"record_id":" r2","decision":"skip"}"#);
    let listed = read(&job, &format!(r#"{{"verdicts":[{one},{other}]}}"#)).unwrap();
    assert_eq!(listed.len(), 2);
    for text in [format!("{one}\n{other}"), format!("[{one}, {other}]"), format!("First:\n```\n{one}\n```\n{other}")] {
        assert_eq!(read(&job, &text).as_ref(), Ok(&listed), "{text}");
    }
    let both = format!(r#"{{"verdicts":[{one}]}} {other}"#);
    assert_eq!(read(&job, &both).unwrap_err().code.as_deref(), Some("two-objects"));
    let cut = format!("[{one},{}", &other[..9]);
    assert_eq!(read(&job, &cut).unwrap_err().kind, FaultKind::Truncated);
}

#[test]
fn a_record_is_known_by_its_own_id_before_one_that_looks_alike() {
    let mut job = job();
    job.records = ["r\n1", "r 1", " r2", "r2\t"].map(|id| record(id, "some text")).into();
    let judged = |id: &str| {
        let text = format!(r#"{{"verdicts":[{{"record_id":"{id}","decision":"skip"}}]}}"#);
        read(&job, &text).map(|verdicts| verdicts[0].record_id.clone())
    };
    assert_eq!(judged("r 1"), Ok("r 1".to_owned()));
    assert_eq!(judged(" r2"), Ok(" r2".to_owned()));
    assert_eq!(judged("r2").unwrap_err().code.as_deref(), Some("unknown-record"), "it could be either");
}
