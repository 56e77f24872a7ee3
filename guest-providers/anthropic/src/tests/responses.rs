//! What answers mean: content in all its forms, reasons to stop, and what was paid.

use super::*;
use judge_provider::{Decision, Usage};

fn message(content: &Value, stop_reason: &str) -> Value {
    json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5-20251001",
        "content": content, "stop_reason": stop_reason, "stop_sequence": null,
        "usage": { "input_tokens": 20, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 4096,
            "output_tokens": 42, "service_tier": "standard" } })
}

fn text(words: &str) -> Value {
    json!([{ "type": "text", "text": words }])
}

fn tool(input: &Value) -> Value {
    json!({ "type": "tool_use", "id": "toolu_1", "name": "verdict", "input": input })
}

#[test]
fn an_answer_is_read_with_its_cost() {
    let input: Value = serde_json::from_str(VERDICT).unwrap();
    let thought = json!({ "type": "thinking", "thinking": "{hm}", "signature": "s" });
    let upper = VERDICT.replace("top-up", "TOP-UP").replace("high", "HIGH").replace("assign", "Assign");
    for (content, stop_reason) in [
        (text(VERDICT), "end_turn"),
        (text(VERDICT), "stop_sequence"),
        (text(&upper), "end_turn"),
        (json!([thought, { "type": "note", "text": "{" }, { "type": "text", "text": VERDICT }]), "end_turn"),
        (json!([{ "type": "text", "text": &VERDICT[..20] }, { "type": "text", "text": &VERDICT[20..] }]), "end_turn"),
        (json!([tool(&input)]), "tool_use"),
        (json!([thought, { "type": "text", "text": "Here it is." }, tool(&input)]), "tool_use"),
        // Some servers ignore the forced tool.
        (text(VERDICT), "tool_use"),
    ] {
        let body = message(&content, stop_reason).to_string();
        let Ok(Step::Done(answer)) = parse(200, &[], &body) else { panic!("the job is done: {body}") };
        assert_eq!(answer.verdicts[0].decision, Decision::Assign("top-up".to_owned()), "{body}");
        assert_eq!(answer.model.as_deref(), Some("claude-haiku-4-5-20251001"));
        assert_eq!(answer.finish_reason.as_deref(), Some(stop_reason));
        let cost = Usage {
            input_tokens: Some(4116),
            cached_input_tokens: Some(4096),
            output_tokens: Some(42),
            cost_micro_usd: None,
        };
        assert_eq!(answer.usage, cost);
    }
}

#[test]
fn written_and_read_cache_tokens_are_input() {
    let none = Usage::default();
    for (usage, expected) in [
        (
            json!({ "input_tokens": 1, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 300, "output_tokens": 0 }),
            Usage { input_tokens: Some(321), cached_input_tokens: Some(300), output_tokens: Some(0), ..none },
        ),
        (
            json!({ "input_tokens": 5, "cache_creation_input_tokens": null, "cache_read_input_tokens": null, "output_tokens": 2 }),
            Usage { input_tokens: Some(5), output_tokens: Some(2), ..none },
        ),
        (Value::Null, none),
    ] {
        let mut body = message(&text(VERDICT), "end_turn");
        body["usage"] = usage;
        let Ok(Step::Done(answer)) = parse(200, &[], &body.to_string()) else { panic!("the job is done") };
        assert_eq!(answer.usage, expected);
    }
}

#[test]
fn answers_that_are_none_have_their_kind() {
    let thought = json!([{ "type": "thinking", "thinking": VERDICT }]);
    let other_tool = json!([{ "type": "tool_use", "name": "search", "input": {} }]);
    for (content, stop_reason, kind, code) in [
        (text(VERDICT), "max_tokens", FaultKind::Truncated, "max_tokens"),
        (json!([tool(&json!({ "rationale": "m" }))]), "max_tokens", FaultKind::Truncated, "max_tokens"),
        (thought.clone(), "max_tokens", FaultKind::Truncated, "max_tokens"),
        (text("{"), "model_context_window_exceeded", FaultKind::Truncated, "model_context_window_exceeded"),
        (text(VERDICT), "pause_turn", FaultKind::Truncated, "pause_turn"),
        (text(VERDICT), "refusal", FaultKind::Refused, "refusal"),
        (json!([]), "refusal", FaultKind::Refused, "refusal"),
        (json!([]), "end_turn", FaultKind::Malformed, "empty"),
        (thought, "end_turn", FaultKind::Malformed, "empty"),
        (other_tool, "tool_use", FaultKind::Malformed, "empty"),
        (text("top-up"), "end_turn", FaultKind::Malformed, "not-json"),
        (json!([tool(&json!({ "decision": "assign" }))]), "tool_use", FaultKind::Malformed, "missing-field"),
        (Value::Null, "end_turn", FaultKind::Malformed, "no-content"),
    ] {
        let body = message(&content, stop_reason).to_string();
        let fault = parse(200, &[], &body).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (kind, Some(code)), "{body}");
        assert_eq!(fault.usage.output_tokens, Some(42), "what was paid is told: {body}");
    }
}

#[test]
fn a_refusal_says_why_where_the_server_does() {
    let refusal = |details: Value| {
        let mut body = message(&json!([]), "refusal");
        body["stop_details"] = details;
        parse(200, &[], &body.to_string()).unwrap_err().message
    };
    assert_eq!(refusal(Value::Null), "the model refused");
    let bare = json!({ "type": "refusal", "category": "cyber", "explanation": null });
    assert_eq!(refusal(bare), "the model refused, category `cyber`");
    let full = json!({ "type": "refusal", "category": "bio", "explanation": "it conflicts\nwith the policy" });
    assert_eq!(refusal(full), "the model refused, category `bio`: it conflicts with the policy");
}

#[test]
fn a_cut_answer_names_the_flag_that_helps() {
    for (stop_reason, flag) in
        [("max_tokens", "--max-output-tokens"), ("model_context_window_exceeded", "--candidates-max")]
    {
        let fault = parse(200, &[], &message(&text("{"), stop_reason).to_string()).unwrap_err();
        assert!(fault.hint.unwrap().contains(flag), "{stop_reason}");
    }
}

#[test]
fn several_records_come_back_by_id() {
    let task = Task { records_max: 2, ..task(settings(&[])) };
    let brief = Anthropic::brief(task.clone()).unwrap();
    let job = task.job(brief, vec![record("r1", "one"), record("r2", "two")]);
    let verdict = |id: &str| {
        let mut verdict: Value = serde_json::from_str(VERDICT).unwrap();
        verdict["record_id"] = id.into();
        verdict
    };
    let body = message(&json!([tool(&json!({ "verdicts": [verdict("r2"), verdict("r1")] }))]), "tool_use").to_string();
    let Ok(Step::Done(answer)) = Anthropic::parse_response(job, Vec::new(), response(200, &[], &body)) else {
        panic!("the job is done")
    };
    let ids: Vec<&str> = answer.verdicts.iter().map(|verdict| verdict.record_id.as_str()).collect();
    assert_eq!(ids, ["r2", "r1"]);
}
