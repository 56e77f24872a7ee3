//! The second round, where the operator switched it on.

use super::*;

fn said(content: &str, tokens: u64) -> HttpResponse {
    let usage = json!({ "prompt_tokens": 300, "completion_tokens": tokens });
    let body = json!({ "choices": [{ "message": { "content": content }, "finish_reason": "stop" }], "usage": usage });
    response(200, &body.to_string())
}

#[test]
fn the_model_is_shown_its_own_words_once() {
    let job = job(settings(&[("repair", "true")]));
    let Ok(Step::Send(first)) = OpenAi::build_request(job.clone()) else { panic!("a request is built") };
    let Ok(Step::Send(second)) = OpenAi::parse_response(job.clone(), Vec::new(), said("top-up", 5)) else {
        panic!("it is asked once more")
    };
    let body = |outgoing: &Outgoing| {
        let Some(Body::Text(body)) = outgoing.request.body.clone() else { panic!("the body is text") };
        body
    };
    let (before, after) = (body(&first), body(&second));
    let shared = before.find("}],\"response_format\"").unwrap() + 1;
    assert_eq!(before[..shared], after[..shared], "the server's prefix cache holds");
    let rest = r#",{"role":"assistant","content":"top-up"},{"role":"user","content":"This cannot be used: "#;
    assert!(after[shared..].starts_with(rest), "{after}");
    assert!(after.ends_with(&before[shared..]), "the parameters are the same: {after}");

    let Ok(Step::Done(answer)) = OpenAi::parse_response(job.clone(), second.state.clone(), said(VERDICT, 40)) else {
        panic!("the job is done")
    };
    assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (Some(600), Some(45)), "both rounds are paid");

    let fault = OpenAi::parse_response(job.clone(), second.state.clone(), said("again top-up", 7)).unwrap_err();
    assert_eq!((fault.kind, fault.usage.output_tokens), (FaultKind::Malformed, Some(12)), "there is no third round");
    let fault = OpenAi::parse_response(job, second.state, response(500, "")).unwrap_err();
    assert_eq!((fault.kind, fault.usage.output_tokens), (FaultKind::Unavailable, Some(5)));
}

#[test]
fn nothing_is_asked_again_where_it_is_off_or_helps_nothing() {
    let off = OpenAi::parse_response(job(settings(&[])), Vec::new(), said("top-up", 5)).unwrap_err();
    assert_eq!(off.code.as_deref(), Some("not-json"));
    let on = || job(settings(&[("repair", "true")]));
    let empty = OpenAi::parse_response(on(), Vec::new(), said(" ", 5)).unwrap_err();
    assert_eq!(empty.code.as_deref(), Some("empty"), "there is nothing to show");
    let cut = r#"{"choices":[{"message":{"content":"{"},"finish_reason":"length"}]}"#;
    let fault = OpenAi::parse_response(on(), Vec::new(), response(200, cut)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Truncated);
}
