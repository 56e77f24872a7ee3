//! What a response of status 200 means.

use super::*;
use judge_provider::{Answer, Decision, Usage};

fn said(message: &Value, rest: &Value) -> String {
    let mut body = json!({ "model": "qwen3:8b", "message": message, "done": true, "done_reason": "stop" });
    for (name, value) in rest.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

fn answered(job: Job, body: &str) -> Answer {
    match parse(job, 200, body) {
        Ok(Step::Done(answer)) => answer,
        other => panic!("the job is done: {other:?}"),
    }
}

#[test]
fn an_answer_is_read_with_its_cost() {
    let counts = json!({ "prompt_eval_count": 310, "eval_count": 42 });
    let answer = answered(job(settings(&[])), &said(&json!({ "content": VERDICT }), &counts));
    assert_eq!(answer.verdicts[0].decision, Decision::Assign("top-up".to_owned()));
    assert_eq!((answer.model.as_deref(), answer.finish_reason.as_deref()), (Some("qwen3:8b"), Some("stop")));
    assert_eq!(answer.usage, Usage { input_tokens: Some(310), output_tokens: Some(42), ..Usage::default() });
}

#[test]
fn an_answer_is_found_where_models_put_it() {
    for message in [
        json!({ "content": format!("<think>\n{{\"decision\":\"skip\"}}?\n</think>\n\n```json\n{VERDICT}\n```") }),
        json!({ "content": VERDICT, "thinking": "{\"decision\":\"skip\"}" }),
        json!({ "content": "", "thinking": VERDICT }),
        json!({ "content": " \n", "thinking": format!("```json\n{VERDICT}\n```\n") }),
    ] {
        let answer = answered(job(settings(&[])), &said(&message, &json!({})));
        assert_eq!(answer.verdicts[0].decision, Decision::Assign("top-up".to_owned()), "{message}");
    }
}

#[test]
fn thoughts_alone_are_no_answer() {
    for thinking in ["hm".to_owned(), format!("I would say {VERDICT}"), format!("{VERDICT} or not"), "{}".to_owned()] {
        let body = said(&json!({ "content": "", "thinking": thinking }), &json!({ "eval_count": 7 }));
        let fault = parse(job(settings(&[("repair", "true")])), 200, &body).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::Malformed, Some("empty")), "{thinking}");
        assert_eq!(fault.usage.output_tokens, Some(7));
        assert_hint(&fault, "think=false");
    }
}

#[test]
fn what_is_no_answer_has_its_kind() {
    let verdict = json!({ "content": VERDICT });
    for (body, kind, code, hint) in [
        (said(&json!({ "content": "{\"ra" }), &json!({ "done": false })), FaultKind::Truncated, "not-done", "--seed"),
        (said(&json!({ "content": "{\"ra" }), &json!({})), FaultKind::Truncated, "unfinished-json", ""),
        (said(&verdict, &json!({ "done_reason": "length" })), FaultKind::Truncated, "length", "--max-output-tokens"),
        (
            said(&verdict, &json!({ "done_reason": "length", "eval_count": 512 })),
            FaultKind::Truncated,
            "length",
            "--max-output-tokens",
        ),
        (
            said(&verdict, &json!({ "done_reason": "length", "prompt_eval_count": 61, "eval_count": 451 })),
            FaultKind::Truncated,
            "length",
            "num_ctx",
        ),
        (said(&json!({ "content": "" }), &json!({ "done_reason": "load" })), FaultKind::Unavailable, "load", ""),
        (said(&json!({ "content": "" }), &json!({ "done_reason": "unload" })), FaultKind::Unavailable, "unload", ""),
        (said(&json!({ "content": "" }), &json!({})), FaultKind::Malformed, "empty", ""),
        (said(&json!({ "content": null }), &json!({})), FaultKind::Malformed, "empty", ""),
        ("{}".to_owned(), FaultKind::Malformed, "empty", ""),
        ("<html>".to_owned(), FaultKind::Unavailable, "not-json-body", "--endpoint"),
        (said(&json!({ "content": "top-up" }), &json!({})), FaultKind::Malformed, "not-json", ""),
        (
            said(&json!({ "content": VERDICT.replace("top-up", "elsewhere") }), &json!({})),
            FaultKind::Malformed,
            "unknown-cluster",
            "",
        ),
    ] {
        let fault = parse(job(settings(&[])), 200, &body).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (kind, Some(code)), "{body}");
        assert_hint(&fault, hint);
    }
}

#[test]
fn an_answer_to_half_a_prompt_is_none() {
    // As releases before 0.12.6 count a prompt that they cut, and one that the answer pushed out.
    for (input, output, num_ctx, is_cut) in [
        (Some(512), Some(11), "512", true),
        (Some(512), None, "512", true),
        (Some(496), Some(30), "512", true),
        (Some(500), Some(12), "512", false),
        (Some(318), Some(7), "512", false),
        (None, Some(600), "512", false),
        (Some(8192), Some(1), "9000", false),
        (Some(9000), Some(1), "9000", true),
    ] {
        let counts = json!({ "prompt_eval_count": input, "eval_count": output });
        let outcome =
            parse(job(settings(&[("num_ctx", num_ctx)])), 200, &said(&json!({ "content": VERDICT }), &counts));
        match outcome {
            Err(fault) if is_cut => {
                assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::TooLong, Some("prompt-cut")));
                assert!(fault.message.ends_with(&format!("{num_ctx} tokens")), "{}", fault.message);
                assert_eq!(fault.usage.input_tokens, input);
                assert_hint(&fault, "num_ctx");
            }
            outcome => assert!(outcome.is_ok() && !is_cut, "{input:?} {output:?} of {num_ctx}: {outcome:?}"),
        }
    }
}

#[test]
fn the_context_that_counts_is_the_one_the_model_has() {
    let body = said(&json!({ "content": VERDICT }), &json!({ "prompt_eval_count": 2048, "eval_count": 9 }));
    let of = |known: Value| Task { profile: profile(&known), ..task(settings(&[("num_ctx", "4096")])) };
    let fault = parse(job_of(&of(json!({ "context_max": 2048 }))), 200, &body).unwrap_err();
    assert_eq!(fault.kind, FaultKind::TooLong, "the server cut `num_ctx` down to what the model can");
    // The cloud has a context of its own.
    assert!(parse(job_of(&of(json!({ "context_max": 2048, "is_cloud": true }))), 200, &body).is_ok());
    let unset = Task { profile: Vec::new(), ..task(settings(&[])) };
    let full = body.replace("2048", "8192");
    assert_eq!(parse(job_of(&unset), 200, &full).unwrap_err().kind, FaultKind::TooLong);
}
