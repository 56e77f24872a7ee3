//! What is sent, to the byte, and what the settings change in it.

use super::*;

/// The body with the system prompt's text taken out.
fn golden(settings: Settings) -> String {
    let (_, mut body) = sent_for(job(settings));
    assert!(body["system"][0]["text"].take().as_str().unwrap().contains("\"id\":\"top-up\""));
    body.to_string()
}

fn names(settings: Settings) -> Vec<String> {
    let (_, body) = sent_for(job(settings));
    body.as_object().unwrap().keys().cloned().collect()
}

const SCHEMA: &str = concat!(
    r#"{"type":"object","properties":{"rationale":{"type":"string"},"#,
    r#""decision":{"type":"string","enum":["assign","new_cluster","skip"]},"#,
    r#""cluster_id":{"anyOf":[{"type":"string","enum":["top-up"]},{"type":"null"}]},"#,
    r#""confidence":{"type":"string","enum":["low","medium","high"]},"#,
    r#""new_cluster":{"anyOf":[{"type":"object","properties":{"name":{"type":"string"},"#,
    r#""summary":{"type":"string"},"criteria":{"type":"string"}},"required":["name","summary","criteria"],"#,
    r#""additionalProperties":false},{"type":"null"}]}},"#,
    r#""required":["rationale","decision","cluster_id","confidence","new_cluster"],"additionalProperties":false}"#,
);
const MESSAGES: &str = r#""messages":[{"role":"user","content":"Record id: r1\nText: \"add money please\"\n"}]"#;

#[test]
fn the_request_is_as_the_api_wants_it() {
    let (outgoing, _) = sent_for(job(settings(&[])));
    let line = (outgoing.request.method.as_str(), outgoing.request.path_and_query.as_str());
    assert_eq!(line, ("POST", "/v1/messages"));
    assert!(outgoing.request.headers.contains(&("anthropic-version".to_owned(), b"2023-06-01".to_vec())));
    assert_eq!(
        golden(settings(&[])),
        r#"{"model":"claude-haiku-4-5","max_tokens":512,"output_config":{"format":{"type":"json_schema","schema":"#
            .to_owned()
            + SCHEMA
            + r#"}},"system":[{"type":"text","text":null,"cache_control":{"type":"ephemeral"}}],"#
            + MESSAGES
            + "}"
    );
}

#[test]
fn a_tool_is_forced_where_that_is_asked_for() {
    assert_eq!(
        golden(settings(&[("schema", "tool"), ("cache", "off")])),
        r#"{"model":"claude-haiku-4-5","max_tokens":512,"tools":[{"name":"verdict","description":"Takes the answer.","input_schema":"#
            .to_owned()
            + SCHEMA
            + r#","strict":true}],"tool_choice":{"type":"tool","name":"verdict","disable_parallel_tool_use":true},"#
            + r#""system":[{"type":"text","text":null}],"#
            + MESSAGES
            + "}"
    );
    // The preflight found a model that refuses strict tools.
    let lenient = Task { profile: crate::options::NO_STRICT_TOOLS.to_vec(), ..task(settings(&[("schema", "tool")])) };
    let (_, body) = sent_for(job_of(&lenient));
    assert_eq!(body["tools"][0].get("strict"), None);
    assert_eq!(body["tools"][0]["input_schema"]["type"], "object");
}

#[test]
fn settings_reach_the_request() {
    let mut chosen = settings(&[("schema", "none"), ("cache", "1h")]);
    (chosen.temperature, chosen.max_output_tokens, chosen.seed) = (Some(0.5), Some(99), Some(7));
    let (_, body) = sent_for(job(chosen.clone()));
    assert_eq!((&body["temperature"], &body["max_tokens"]), (&json!(0.5), &json!(99)));
    assert_eq!(body["system"][0]["cache_control"], json!({ "type": "ephemeral", "ttl": "1h" }));
    // Neither a schema nor the seed, which the API does not know.
    assert_eq!(names(chosen.clone()), ["model", "max_tokens", "temperature", "system", "messages"]);
    chosen.extra.push(("omit".to_owned(), "temperature".to_owned()));
    assert_eq!(names(chosen), ["model", "max_tokens", "system", "messages"]);
}

#[test]
fn effort_goes_along_in_every_form() {
    for (schema, keys) in [("output_config", 2), ("tool", 1), ("none", 1)] {
        let (_, body) = sent_for(job(settings(&[("schema", schema), ("effort", "low")])));
        let config = body["output_config"].as_object().unwrap();
        assert_eq!((config["effort"].as_str(), config.len()), (Some("low"), keys), "{schema}");
    }
}

#[test]
fn jobs_of_a_task_share_all_that_stands_before_the_record() {
    let task = task(settings(&[]));
    let brief = Anthropic::brief(task.clone()).unwrap();
    let body = |text: &str| text_of(&sent_for(task.job(brief.clone(), vec![record("r1", text)])).0);
    assert_eq!(body("first"), body("first"));
    let (shared, own) =
        body("first").split_once("first").map(|(shared, own)| (shared.to_owned(), own.to_owned())).unwrap();
    assert_eq!(body("second \" one"), format!("{shared}second \\\\\\\" one{own}"));
}

#[test]
fn the_schema_keeps_within_what_the_api_takes() {
    // Docs, "Structured outputs": at most 16 parameters with a union, and no bounds on texts and lists.
    let several = Task { records_max: 8, ..task(settings(&[])) };
    let (_, body) = sent_for(job_of(&several));
    assert_eq!(body["max_tokens"], 8 * 512);
    let schema = body["output_config"]["format"]["schema"].to_string();
    assert!(schema.contains("record_id"), "{schema}");
    assert!((1..16).contains(&schema.matches("\"anyOf\"").count()), "{schema}");
    for keyword in ["$ref", "oneOf", "not", "pattern", "minLength", "maxLength", "minItems", "maxItems", "minimum"] {
        assert!(!schema.contains(&format!("\"{keyword}\"")), "{keyword} in {schema}");
    }
}

#[test]
fn settings_that_cannot_be_read_fail_before_the_run() {
    let wrong = [
        ("schema", "strict"),
        ("cache", "10m"),
        ("effort", "some"),
        ("omit", "messages"),
        ("check_model", "perhaps"),
        ("repair", "maybe"),
    ];
    for (name, value) in wrong {
        let fault = Anthropic::prepare(settings(&[(name, value)]), None).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::InvalidRequest, Some("bad-setting")), "{name}");
        assert!(Anthropic::describe().settings.iter().any(|spec| spec.name == name), "{name} is declared");
    }
}
