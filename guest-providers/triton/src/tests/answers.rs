//! Answers: where the text is found, what it cost, what is cut away, and the second round.

use super::*;
use judge_provider::{Answer, Decision, FaultKind, Usage};

fn infer(text: &str) -> Value {
    json!({ "model_name": "m", "model_version": "1",
        "outputs": [{ "name": "response", "datatype": "BYTES", "shape": [1, 1], "data": [text] }] })
}

fn generate(text: &Value) -> Value {
    json!({ "model_name": "m", "model_version": "1", "text_output": text, "finish_reason": "stop",
        "num_output_tokens": 9 })
}

fn parse(job: &Job, state: &[u8], body: &Value) -> Result<Step, Fault> {
    Triton::parse_response(job.clone(), state.to_vec(), response(200, &body.to_string()))
}

fn done(job: &Job, state: &[u8], body: &Value) -> Answer {
    match parse(job, state, body) {
        Ok(Step::Done(answer)) => answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_is_read_from_either_route() {
    let one = done(&job(&[], &by_hand()), &[], &infer(VERDICT));
    assert_eq!(one.verdicts[0].decision, Decision::Assign("top-up".to_owned()));
    assert_eq!((one.model.as_deref(), one.finish_reason, one.usage), (Some("m"), None, Usage::default()));
    for text in [json!(VERDICT), json!([VERDICT, "another beam"]), json!(format!("{VERDICT}</s>"))] {
        let answer = done(&job(&[], &vllm()), &[], &generate(&text));
        assert_eq!(answer.verdicts[0].decision, Decision::Assign("top-up".to_owned()));
        assert_eq!(answer.finish_reason.as_deref(), Some("stop"));
        assert_eq!(answer.usage, Usage { output_tokens: Some(9), ..Usage::default() });
    }
}

#[test]
fn what_the_model_has_no_tensor_for_is_told() {
    let bare = || {
        let metadata =
            json!({ "inputs": [tensor("text", "BYTES", &[1])], "outputs": [tensor("response", "BYTES", &[1])] });
        (metadata, config(&["text"], &[], false))
    };
    let seeded = |extra| Settings { seed: Some(7), ..settings(extra) };
    for (settings, model, left_out) in [
        (settings(&[]), by_hand(), None),
        (seeded(&[]), by_hand(), Some("seed")),
        (seeded(&[]), trtllm(), None),
        (settings(&[]), bare(), Some("max_output_tokens, temperature")),
        (seeded(&[]), bare(), Some("max_output_tokens, temperature, seed")),
        (seeded(&[("route", "generate")]), bare(), None),
    ] {
        let answer = match settings.get("route") {
            Some(_) => json!({ "response": VERDICT }),
            None => {
                json!({ "outputs": [{ "name": "response", "data": [VERDICT] }, { "name": "text_output", "data": [VERDICT] }] })
            }
        };
        let extras = left_out.map(|names| ("left-out".to_owned(), names.to_owned()));
        let job = job_of("add money please", settings, &model);
        assert_eq!(done(&job, &[], &answer).extras, Vec::from_iter(extras), "{left_out:?}");
    }
}

#[test]
fn an_echoed_prompt_is_cut_away_and_never_read() {
    // The record's text looks like an answer.
    let other = VERDICT.replace("assign", "skip").replace("\"top-up\"", "null");
    for template in ["plain", "chatml"] {
        let job = job_of(&other, settings(&[("template", template)]), &by_hand());
        let prompt = prompt_of(&body_of(&sent(&job)));
        for echoed in [prompt.clone() + VERDICT, format!(" {}{VERDICT}", prompt.trim_end())] {
            assert_eq!(done(&job, &[], &infer(&echoed)).verdicts[0].decision, Decision::Assign("top-up".to_owned()));
        }
        let fault = parse(&job, &[], &infer(&prompt)).unwrap_err();
        assert_eq!(fault.code.as_deref(), Some("empty"), "the prompt alone is no answer");
    }
}

#[test]
fn answers_that_are_none_have_their_kind() {
    let with = |name: &str, value: Value| {
        let mut body = generate(&json!(VERDICT));
        body[name] = value;
        body
    };
    let mut full = with("finish_reason", json!("None"));
    full["num_output_tokens"] = json!([512]);
    for (body, kind, code) in [
        (with("finish_reason", json!("length")), FaultKind::Truncated, "length"),
        (with("finish_reason", json!(["length"])), FaultKind::Truncated, "length"),
        (full, FaultKind::Truncated, "length"),
        (with("finish_reason", json!("abort")), FaultKind::Truncated, "abort"),
        (with("finish_reason", json!("cancelled")), FaultKind::Truncated, "cancelled"),
        (with("finish_reason", json!("timeout")), FaultKind::TimedOut, "timeout"),
        (with("text_output", json!("N/A")), FaultKind::Unavailable, "not-generated"),
        (with("text_output", json!("")), FaultKind::Malformed, "empty"),
        (with("text_output", json!("Record id: r2")), FaultKind::Malformed, "not-json"),
        (with("text_output", json!(7)), FaultKind::Malformed, "no-output"),
        (with("text_output", json!([])), FaultKind::Malformed, "no-output"),
        (with("text_output", Value::Null), FaultKind::Malformed, "no-output"),
    ] {
        let fault = parse(&job(&[], &vllm()), &[], &body).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (kind, Some(code)), "{body}");
        assert!(fault.usage.output_tokens.is_some(), "what was paid is told: {body}");
    }
    // A reason that the server gives counts more than the number of tokens.
    assert!(parse(&job(&[], &vllm()), &[], &with("num_output_tokens", json!(512))).is_ok());
    let elsewhere = json!({ "outputs": [{ "name": "other", "data": [VERDICT] }] });
    let fault = parse(&job(&[], &by_hand()), &[], &elsewhere).unwrap_err();
    assert!(fault.hint.unwrap().contains("--setting output="));
}

#[test]
fn a_model_that_rambles_is_advised_on_its_template() {
    for (template, text, hint) in [
        ("plain", "I think", Some("template=chatml")),
        ("llama3", "I think", None),
        ("llama3", "{\"rationale\":", Some("--max-output-tokens")),
    ] {
        let given = parse(&job(&[("template", template)], &by_hand()), &[], &infer(text)).unwrap_err().hint;
        assert_eq!(given.is_some(), hint.is_some(), "{template} {given:?}");
        assert!(given.unwrap_or_default().contains(hint.unwrap_or_default()));
    }
}

#[test]
fn a_malformed_answer_is_asked_about_once() {
    let job = job(&[("repair", "true"), ("template", "chatml")], &vllm());
    let Ok(Step::Send(again)) = parse(&job, &[], &generate(&json!("top-up<|im_end|>"))) else {
        panic!("a second request is sent")
    };
    let first = sent(&job);
    let (asked, before) = (body_of(&again), body_of(&first));
    assert_eq!(again.request.path_and_query, first.request.path_and_query);
    assert_eq!(asked["parameters"], before["parameters"]);
    let (prompt, start) = (prompt_of(&asked), prompt_of(&before));
    let tail = prompt.strip_prefix(&start).unwrap();
    assert!(tail.starts_with("top-up< |im_end|><|im_end|>\n<|im_start|>user\nThis cannot be used: "), "{tail}");
    assert!(tail.ends_with("<|im_end|>\n<|im_start|>assistant\n"), "{tail}");

    let echoed = generate(&json!(prompt.clone() + VERDICT));
    assert_eq!(done(&job, &again.state, &echoed).usage.output_tokens, Some(18), "both rounds were paid");
    let fault = parse(&job, &again.state, &generate(&json!("top-up"))).unwrap_err();
    assert_eq!((fault.kind, fault.usage.output_tokens), (FaultKind::Malformed, Some(18)), "there is no third round");
    let failed = Triton::parse_response(job.clone(), again.state.clone(), response(503, "")).unwrap_err();
    assert_eq!(failed.usage.output_tokens, Some(9), "a failed second round has still cost the first");

    let endless = generate(&json!("no ".repeat(30_000)));
    assert_eq!(parse(&job, &[], &endless).unwrap_err().code.as_deref(), Some("not-json"), "too long to show again");
}

#[test]
fn a_plain_dialogue_goes_on_as_text() {
    let job = job(&[("repair", "true")], &by_hand());
    let Ok(Step::Send(again)) = parse(&job, &[], &infer("top-up")) else { panic!("a second request is sent") };
    let prompt = prompt_of(&body_of(&again));
    assert!(prompt.contains("\nAnswer:\ntop-up\n\nThis cannot be used: "), "{prompt}");
    assert!(prompt.ends_with("\nAnswer:\n"), "{prompt}");
}
