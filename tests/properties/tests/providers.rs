//! Responses near enough to real ones to get somewhere, and bytes that are near nothing.

use judge_host_properties::{
    Anthropic, Lexical, Ollama, OpenAi, OpenRouter, Triton, parse, prepare, read_answer, response,
};
use judge_provider::serde_json::Value;
use proptest::prelude::*;
use proptest::string::string_regex;

/// Texts that models write, or nearly: verdicts, their parts, and what stands around them.
fn model_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just(
            r#"{"rationale":"r","decision":"assign","cluster_id":"a","confidence":"high","new_cluster":null}"#
                .to_owned()
        ),
        Just(r#"{"decision":"skip"}"#.to_owned()),
        Just(r#"{"record_id":"r2","decision":"assign","cluster_id":"b b","confidence":"low"}"#.to_owned()),
        Just(
            r#"{"verdicts":[{"record_id":"r1","decision":"skip"},{"record_id":"r9","decision":"skip"},{"record_id":" r3"}]}"#
                .to_owned()
        ),
        Just(r#"{"verdicts":["#.to_owned()),
        Just("]}".to_owned()),
        Just(r#"{"decision":"assign","cluster_id":"B B "}"#.to_owned()),
        Just(r#"{"decision":"assign","cluster_id":"nowhere"}"#.to_owned()),
        Just(r#"{"decision":"new_cluster","new_cluster":{"name":"n"}}"#.to_owned()),
        prop::sample::select(vec![
            "<think>",
            "</think>",
            "<reasoning>",
            "```json\n",
            "```",
            "{",
            "}",
            "[",
            "]",
            "\"",
            "\\"
        ])
        .prop_map(str::to_owned),
        prop::sample::select(vec!["</s>", "\u{feff}", "\0", "\r\n", ",", ":", "null", "1e9", "\"decision\"", "Sure! "])
            .prop_map(str::to_owned),
        string_regex("(?s).{0,20}").expect("a regular expression"),
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

/// Bodies as the APIs shape them, around such a text.
fn body() -> impl Strategy<Value = String> {
    let quoted = model_text().prop_map(|text| Value::from(text).to_string());
    let shape = prop::sample::select(vec![
        r#"{"model":"m","choices":[{"message":{"content":TEXT},"finish_reason":"stop"}],"usage":{"prompt_tokens":3}}"#,
        r#"{"choices":[{"message":{"content":null,"reasoning":TEXT,"refusal":TEXT},"finish_reason":"length"}]}"#,
        r#"{"choices":[{"message":{"content":[{"type":"text","text":TEXT}]},"error":{"message":TEXT,"code":502}}]}"#,
        r#"{"model":"m","message":{"content":TEXT,"thinking":TEXT},"done":true,"done_reason":"stop","eval_count":1}"#,
        r#"{"message":{"content":TEXT},"done":false}"#,
        r#"{"content":[{"type":"thinking","thinking":TEXT},{"type":"text","text":TEXT}],"stop_reason":"end_turn","usage":{}}"#,
        r#"{"content":[{"type":"tool_use","name":"verdict","input":{"decision":TEXT}}],"stop_reason":"tool_use"}"#,
        r#"{"model_name":"m","outputs":[{"name":"response","datatype":"BYTES","shape":[1],"data":[TEXT]}]}"#,
        r#"{"model_name":"m","text_output":TEXT}"#,
        r#"{"error":TEXT}"#,
        r#"{"error":{"message":TEXT,"type":TEXT,"code":TEXT,"param":"temperature"}}"#,
        r#"{"type":"error","error":{"type":"overloaded_error","message":TEXT,"details":{"error_code":TEXT}}}"#,
        r#"{"data":[{"id":TEXT}],"models":[{"name":TEXT}],"inputs":[{"name":"text","datatype":"BYTES","shape":[1]}],
            "outputs":[{"name":"response","datatype":"BYTES","shape":[1]}],"name":"m","versions":["1"],"id":"m"}"#,
    ]);
    (shape, quoted).prop_map(|(shape, text)| shape.replace("TEXT", &text))
}

/// What the parse takes: a status, no headers, a body.
fn near() -> impl Strategy<Value = Vec<u8>> {
    (any::<u8>(), body(), any::<prop::sample::Index>(), any::<bool>()).prop_map(|(status, body, end, cut)| {
        let end = if cut { end.index(body.len() + 1) } else { body.len() };
        [&[status, 0], &body.as_bytes()[..end]].concat()
    })
}

/// A profile that Triton's preflight would have learned.
const TENSORS: &str = r#"{"data":[],"models":[],"name":"m","versions":["1"],"platform":"python",
    "inputs":[{"name":"text","datatype":"BYTES","shape":[1]}],"outputs":[{"name":"response","datatype":"BYTES","shape":[1]}]}"#;

fn all(data: &[u8]) {
    let response = response(data);
    parse::<Anthropic>(b"", &response);
    parse::<Ollama>(b"", &response);
    parse::<OpenAi>(b"", &response);
    parse::<OpenRouter>(b"", &response);
    parse::<Lexical>(b"", &response);
    let tensors = judge_host_properties::response(&[b"\0\0", TENSORS.as_bytes()].concat());
    let profile = prepare::<Triton>(&tensors).expect("such a model can be used");
    parse::<Triton>(&profile, &response);
    prepare::<Anthropic>(&response);
    prepare::<Ollama>(&response);
    prepare::<OpenAi>(&response);
    prepare::<OpenRouter>(&response);
    prepare::<Triton>(&response);
    prepare::<Lexical>(&response);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn responses_near_real_ones_give_verdicts_or_faults(data in near()) {
        all(&data);
    }

    #[test]
    fn any_bytes_give_faults(data in prop::collection::vec(any::<u8>(), 0..400)) {
        all(&data);
    }

    #[test]
    fn any_text_is_read_or_refused(text in model_text()) {
        read_answer(&text);
    }
}
