//! The second question, where the operator switched it on.

use super::*;
use judge_provider::{Decision, Usage};

fn reply(content: &str, input: u64, output: u64) -> String {
    json!({ "message": { "content": content }, "done": true, "done_reason": "stop",
        "prompt_eval_count": input, "eval_count": output })
    .to_string()
}

fn repairing() -> Job {
    job(settings(&[("repair", "true")]))
}

/// The second question after these words.
fn asked_again(job: Job, words: &str) -> Outgoing {
    match parse(job, 200, &reply(words, 300, 20)) {
        Ok(Step::Send(outgoing)) => outgoing,
        other => panic!("it is asked again: {other:?}"),
    }
}

#[test]
fn a_malformed_answer_is_shown_to_the_model_with_what_is_wrong() {
    let words = r#"I say {"decision":"assign","cluster_id":"elsewhere"}"#;
    let outgoing = asked_again(repairing(), words);
    assert_eq!(asked_again(repairing(), words), outgoing, "same job, same bytes");
    let Ok(Step::Send(first)) = Ollama::build_request(repairing()) else { panic!("a request is built") };
    let (first, second) = (body_of(&first), body_of(&outgoing));
    let messages = second["messages"].as_array().unwrap();
    assert_eq!(messages[..2], first["messages"].as_array().unwrap()[..]);
    assert_eq!(messages[2], json!({ "role": "assistant", "content": words }));
    assert_eq!((messages.len(), &messages[3]["role"]), (4, &json!("user")));
    assert!(messages[3]["content"].as_str().unwrap().contains("elsewhere"), "{}", messages[3]);
    let rest = |body: &Value| {
        Value::Object(body.as_object().unwrap().clone().into_iter().filter(|(name, _)| name != "messages").collect())
    };
    assert_eq!(rest(&second).to_string(), rest(&first).to_string());
}

#[test]
fn both_rounds_are_paid() {
    let outgoing = asked_again(repairing(), "top-up");
    let parse =
        |status, body: &str| Ollama::parse_response(repairing(), outgoing.state.clone(), response(status, body));
    let both = Usage { input_tokens: Some(650), output_tokens: Some(50), ..Usage::default() };
    let Ok(Step::Done(answer)) = parse(200, &reply(VERDICT, 350, 30)) else { panic!("the job is done") };
    assert_eq!((&answer.verdicts[0].decision, answer.usage), (&Decision::Assign("top-up".to_owned()), both));
    let fault = parse(200, &reply("top-up", 350, 30)).unwrap_err();
    assert_eq!((fault.code.as_deref(), fault.usage), (Some("not-json"), both), "there is no third round");
    let fault = parse(503, "").unwrap_err();
    assert_eq!((fault.kind, fault.usage.input_tokens), (FaultKind::Overloaded, Some(300)));
}

#[test]
fn only_words_that_are_no_answer_are_complained_about() {
    assert!(parse(job(settings(&[])), 200, &reply("top-up", 1, 1)).is_err(), "it is off by default");
    for body in [
        reply("", 1, 1),
        reply(r#"{"decision":"#, 1, 1),
        r#"{"message":{"content":"hm"},"done":true,"done_reason":"length"}"#.to_owned(),
        r#"{"message":{"content":"hm"},"done":false}"#.to_owned(),
        r#"{"error":"odd"}"#.to_owned(),
    ] {
        assert!(parse(repairing(), 200, &body).is_err(), "{body}");
    }
}

#[test]
fn the_second_context_holds_both_rounds_and_is_measured_by() {
    let outgoing = asked_again(repairing(), &"so ".repeat(8_000));
    assert_eq!(body_of(&outgoing)["options"]["num_ctx"], 16_384);
    let parse =
        |input| Ollama::parse_response(repairing(), outgoing.state.clone(), response(200, &reply(VERDICT, input, 9)));
    assert!(parse(9_000).is_ok(), "more than the first context had");
    assert_eq!(parse(16_384).unwrap_err().kind, FaultKind::TooLong);
}
