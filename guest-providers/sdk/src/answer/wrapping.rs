//! What stands around the JSON, and which JSON counts.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::read;
use crate::samples::job;
use crate::{Decision, FaultKind};

const ASSIGN: &str = r#"{"rationale":"asks for the card","decision":"assign","cluster_id":"card-arrival","confidence":"high","new_cluster":null}"#;
const SKIP: &str = r#"{"decision":"skip"}"#;
const UNKNOWN: &str = r#"{"decision":"assign","cluster_id":"nowhere"}"#;

#[track_caller]
fn assert_fault(text: &str, kind: FaultKind, code: &str) {
    let fault = read(&job(), text).unwrap_err();
    assert_eq!((fault.kind, fault.code.as_deref()), (kind, Some(code)), "{text:.200}");
}

#[test]
fn wrapping_is_taken_off() {
    let expected = read(&job(), ASSIGN).unwrap();
    for text in [
        format!("\n\n  {ASSIGN}\n"),
        format!("<think>the id {SKIP} perhaps</think>\n{ASSIGN}"),
        format!("<think>{{\"decision\": \"sk</think>\n{ASSIGN}"),
        format!("<THINK>a {SKIP}</Think><reasoning>b {SKIP}</reasoning> so: <thought>c</thought>{ASSIGN}"),
        format!("[THINK]a[/THINK]{ASSIGN}"),
        format!("◁think▷a◁/think▷{ASSIGN}"),
        format!("<|channel>thought\n{SKIP}<channel|>{ASSIGN}"),
        format!(
            "<|channel|>analysis<|message|>{SKIP}<|end|><|start|>assistant<|channel|>final<|message|>{ASSIGN}<|return|>"
        ),
        format!("it opened in the prompt</think>{ASSIGN}"),
        format!("it opened in the prompt {SKIP} and {{\"a \"b\" c}} and {{\"never closed</think>{ASSIGN}"),
        format!("<think>one <think>two</think> {SKIP} three</think>{ASSIGN}"),
        format!("```json\n{ASSIGN}\n```"),
        format!("```{ASSIGN}```"),
        format!("```json\r\n{ASSIGN}\r\n"),
        format!("~~~\n{ASSIGN}\n~~~"),
        format!("<think></think>```JSON\n{ASSIGN}</s>\n```<|im_end|>"),
        format!("{ASSIGN}<|eot_id|></s>"),
        format!("\u{feff}{ASSIGN}"),
        format!("\0{ASSIGN}\0\0"),
        ASSIGN.replace(',', ",\r\n\t"),
        format!("Here is my answer [1]: {{see below}}\n{ASSIGN}\nI hope {{that}} helps."),
        format!("Notes:\n```\n{{\"lang\":\"en\"}}\n```\nAnswer:\n```json\n{ASSIGN}\n```\nDone."),
        format!("{{\"lang\":\"en\"}} {ASSIGN} {{\"end\":true}}"),
        format!("as {{\"decision\": assign, ...}} says: {ASSIGN}"),
        format!("{UNKNOWN}\nThat is none of them. Rather:\n{ASSIGN}"),
        format!("{ASSIGN}\nOnce more:\n```\n{ASSIGN}\n```"),
        format!("[{ASSIGN}]"),
        format!("[{{\"lang\":\"en\"}},\n{ASSIGN}, 7]"),
        format!("{{{ASSIGN}}}"),
    ] {
        assert_eq!(read(&job(), &text).as_ref(), Ok(&expected), "{text}");
    }
}

#[test]
fn a_string_is_no_wrapping() {
    for quoted in ["says </think> of", "says <think> of", "says ```json {\\\"decision\\\":\\\"skip\\\"}``` of"] {
        let verdicts = read(&job(), &ASSIGN.replace("asks for", quoted)).unwrap();
        assert_eq!(verdicts[0].decision, Decision::Assign("card-arrival".to_owned()), "{quoted}");
        assert_eq!(verdicts[0].rationale, format!("{} the card", quoted.replace("\\\"", "\"")));
    }
}

#[test]
fn a_text_without_a_verdict_is_malformed() {
    let nested = format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200));
    for (text, code) in [
        ("", "empty"),
        ("  <think>hm</think> ", "empty"),
        ("hm, so</think>\n", "empty"),
        ("```json\n```", "empty"),
        ("```\n\n```</s>", "empty"),
        ("\u{feff}\r\n", "empty"),
        ("I would say card-arrival", "not-json"),
        ("`{card-arrival}`", "not-json"),
        ("{decision: skip}", "not-json"),
        ("{'decision': 'skip'}", "not-json"),
        (r#"{"decision":"skip",}"#, "not-json"),
        ("{\"decision\":\"skip\",\"rationale\":\"a\nb\"}", "not-json"),
        ("{\"decision\":\"skip\",\"rationale\":\"a\0b\"}", "not-json"),
        (r#"{"decision":"skip","rationale":"\ud800 alone"}"#, "not-json"),
        (&nested, "not-json"),
        ("[1]", "not-object"),
        (r#"["skip"]"#, "not-object"),
        ("\"skip\"", "not-object"),
        ("```\nnull\n```", "not-object"),
    ] {
        assert_fault(text, FaultKind::Malformed, code);
    }
}

#[test]
fn what_stands_in_a_broken_object_is_no_answer() {
    for broken in [
        format!(r#"{{"example":{SKIP},"decision":assign}}"#),
        format!(r#"{{"verdicts":[{SKIP}],"note":"\ud800"}}"#),
        format!("[{SKIP}, oh]"),
        format!(r#"{{"example":{SKIP},"deep":{}{}}}"#, "[".repeat(200), "]".repeat(200)),
        format!(r#"{{"note":"a \"}} b", oh {SKIP}}}"#),
        format!(r#"{{"never "closed": {SKIP} and on"#),
        format!("{SKIP}\nNo, rather {{\"decision\": assign, \"cluster_id\": \"top-up\"}}"),
    ] {
        assert_fault(&broken, FaultKind::Malformed, "not-json");
    }
}

#[test]
fn two_verdicts_are_none() {
    for text in [format!("{ASSIGN}\n{SKIP}"), format!("[{SKIP},{ASSIGN}]"), format!("{SKIP} {ASSIGN} {SKIP}")] {
        assert_fault(&text, FaultKind::Malformed, "two-objects");
    }
    // The last word was another one, and cannot be read.
    assert_fault(&format!("{SKIP}\nNo, rather:\n{UNKNOWN}"), FaultKind::Malformed, "unknown-cluster");
    // What comes before the end of a thought is thought.
    assert_fault(&format!("{SKIP}</think>"), FaultKind::Malformed, "empty");
    assert_fault(&format!("{SKIP}</think>I am done"), FaultKind::Malformed, "not-json");
}

#[test]
fn what_is_cut_off_is_truncated() {
    for (text, code) in [
        ("{", "unfinished-json"),
        (r#"{"rationale":"cut of"#, "unfinished-json"),
        (r#"{"decision":"assign","#, "unfinished-json"),
        (r#"{"decision":"skip""#, "unfinished-json"),
        (r#"{"decision":"skip","rationale":"\ud8"#, "unfinished-json"),
        ("```json\n{\"decision\":\"skip\"", "unfinished-json"),
        ("Sure:\n[{\"decision\":\"skip\"},", "unfinished-json"),
        (r#"{"verdicts":[{"record_id":"r1","decision":"skip"}"#, "unfinished-json"),
        ("{\"decision\":\"skip\"}\nNo: {\"decision\":", "unfinished-json"),
        ("<think>hm</think>{\"decision\"", "unfinished-json"),
        ("<think>never ends {", "unfinished-thought"),
        ("<think>so {\"decision\":\"skip\"}", "unfinished-thought"),
        ("{\"decision\":\"skip\"}<think>or", "unfinished-thought"),
        ("<|channel|>analysis<|message|>{\"decision\":\"skip\"}<|end|>", "unfinished-thought"),
    ] {
        assert_fault(text, FaultKind::Truncated, code);
    }
}

/// Each of these would take minutes at a cost that grows with the square of the length, or end the stack.
#[test]
fn huge_texts_are_read_at_once() {
    const BYTES: usize = 1 << 20;
    assert_eq!(read(&job(), &"{".repeat(10 * BYTES)).unwrap_err().kind, FaultKind::Truncated);
    for piece in [
        "[",
        "[{",
        r#"{"a":"#,
        r#"{"a":["#,
        "{\"",
        r#"{"x</think>"#,
        r#"{"a":{},"b":["#,
        "<think>",
        "<",
        "[ ",
        "{}",
        "</think>",
        "<think></think>",
        "```",
        r#""\"#,
    ] {
        let text = piece.repeat(BYTES / piece.len());
        assert!(read(&job(), &text).is_err(), "{piece}");
    }
    let long = ASSIGN.replace("asks", &"a".repeat(BYTES));
    assert!(read(&job(), &long).is_ok());
}
