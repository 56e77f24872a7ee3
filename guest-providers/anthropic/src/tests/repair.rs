//! The second round: what is sent, what it costs, and when there is none.

use super::*;

fn message(content: &Value) -> String {
    json!({ "type": "message", "content": content, "stop_reason": "end_turn",
        "usage": { "input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 3 } })
    .to_string()
}

fn round(schema: &str, state: Vec<u8>, body: &str) -> Result<Step, Fault> {
    Anthropic::parse_response(job(settings(&[("repair", "true"), ("schema", schema)])), state, response(200, &[], body))
}

fn asked_again(schema: &str, content: &Value) -> Outgoing {
    let Ok(Step::Send(outgoing)) = round(schema, Vec::new(), &message(content)) else { panic!("it is asked again") };
    outgoing
}

#[test]
fn the_model_is_shown_its_own_words_and_what_is_wrong_with_them() {
    let input = json!({ "rationale": "m", "decision": "assign" });
    let shown = r#"{"rationale":"m","decision":"assign"}"#;
    for (schema, content) in [
        ("output_config", json!([{ "type": "text", "text": format!(" {shown}\n") }])),
        ("tool", json!([{ "type": "tool_use", "id": "toolu_1", "name": "verdict", "input": input }])),
    ] {
        let outgoing = asked_again(schema, &content);
        assert_eq!(outgoing.request.path_and_query, "/v1/messages");
        assert!(outgoing.request.headers.contains(&("anthropic-version".to_owned(), b"2023-06-01".to_vec())));
        let (_, first) = sent_for(job(settings(&[("repair", "true"), ("schema", schema)])));
        let mut second: Value = serde_json::from_str(&text_of(&outgoing)).unwrap();
        let messages = second["messages"].as_array_mut().unwrap();
        let complaint = messages.pop().unwrap();
        assert_eq!(complaint["role"], "user");
        assert!(complaint["content"].as_str().unwrap().contains("lacks `cluster_id`"), "{complaint}");
        assert_eq!(messages.pop().unwrap(), json!({ "role": "assistant", "content": shown }));
        assert_eq!(second, first, "all else is as before");
    }
}

#[test]
fn both_rounds_are_paid_whatever_comes_of_them() {
    let state = asked_again("output_config", &json!([{ "type": "text", "text": "no" }])).state;
    let Ok(Step::Done(answer)) =
        round("output_config", state.clone(), &message(&json!([{ "type": "text", "text": VERDICT }])))
    else {
        panic!("the job is done")
    };
    assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (Some(30), Some(6)));

    let again = round("output_config", state.clone(), &message(&json!([{ "type": "text", "text": "no" }])));
    let fault = again.expect_err("there is no third round");
    assert_eq!((fault.kind, fault.usage.cached_input_tokens), (FaultKind::Malformed, Some(10)));

    let job = job(settings(&[("repair", "true")]));
    let late = response(529, &[], &error("overloaded_error", "Overloaded"));
    let fault = Anthropic::parse_response(job, state, late).unwrap_err();
    assert_eq!((fault.kind, fault.usage.output_tokens), (FaultKind::Overloaded, Some(3)));
}

#[test]
fn there_is_no_second_round_where_it_is_off_or_nothing_was_said() {
    let said = message(&json!([{ "type": "text", "text": "no" }]));
    assert_eq!(parse(200, &[], &said).unwrap_err().kind, FaultKind::Malformed);
    for content in [json!([]), json!([{ "type": "text", "text": " \n" }]), Value::Null] {
        let fault = round("output_config", Vec::new(), &message(&content)).unwrap_err();
        assert_eq!((fault.kind, fault.usage.input_tokens), (FaultKind::Malformed, Some(15)), "{content}");
    }
}
