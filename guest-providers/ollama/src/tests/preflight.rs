//! The preparation: what is asked of the server before the first record, and what ends the run there.

use super::*;

const TAGS: &str = r#"{"models":[{"name":"qwen3:8b","model":"qwen3:8b"},{"name":"Gemma3:latest"},
    {"name":"glm-5","remote_host":"https://ollama.com:443","remote_model":"glm-5"}]}"#;
const SHOWN: &str = r#"{"capabilities":["completion","tools","thinking"],"details":{"family":"qwen3"},
    "model_info":{"general.architecture":"qwen3","qwen3.context_length":40960}}"#;
const LOADED: &str =
    r#"{"model":"qwen3:8b","message":{"role":"assistant","content":""},"done":true,"done_reason":"load"}"#;

/// Answers to the preparation's requests, in their order; the last outcome, and what was sent.
fn prepare(settings: &Settings, answers: Answers) -> (Result<Preparation, Fault>, Vec<Outgoing>) {
    let (mut previous, mut sent) = (None, Vec::new());
    let mut answers = answers.iter();
    loop {
        let outcome = Ollama::prepare(settings.clone(), previous.take());
        let Ok(Preparation::Send(outgoing)) = &outcome else { return (outcome, sent) };
        let Some((status, body)) = answers.next() else { return (outcome, sent) };
        previous = Some(Previous { state: outgoing.state.clone(), response: response(*status, body) });
        sent.push(outgoing.clone());
    }
}

fn named(model: &str, extra: &[(&str, &str)]) -> Settings {
    Settings { model: model.to_owned(), ..settings(extra) }
}

fn known(outcome: Result<Preparation, Fault>) -> Value {
    let Ok(Preparation::Ready(profile)) = outcome else { panic!("it is ready: {outcome:?}") };
    serde_json::from_slice(&profile).unwrap()
}

#[test]
fn it_looks_the_model_up_and_loads_it() {
    let (outcome, sent) =
        prepare(&named("qwen3:8b", &[("keep_alive", "10m")]), &[(200, TAGS), (200, SHOWN), (200, LOADED)]);
    let profile = json!({ "thinks": true, "has_levels_only": false, "is_cloud": false, "context_max": 40_960 });
    assert_eq!(known(outcome), profile);
    let asked: Vec<(&str, &str)> =
        sent.iter().map(|out| (out.request.method.as_str(), out.request.path_and_query.as_str())).collect();
    assert_eq!(asked, [("GET", "/api/tags"), ("POST", "/api/show"), ("POST", "/api/chat")]);
    assert_eq!(body_of(&sent[1]), json!({ "model": "qwen3:8b" }));
    assert_eq!(
        body_of(&sent[2]).to_string(),
        r#"{"model":"qwen3:8b","stream":false,"keep_alive":"10m","options":{"num_ctx":8192},"messages":[]}"#
    );
    let task = Task { profile: profile.to_string().into_bytes(), ..task(settings(&[])) };
    assert_eq!(sent_for(&task).1["options"]["num_ctx"], 8192, "another context would load the model again");
}

#[test]
fn it_loads_the_model_with_the_context_of_the_first_records() {
    for (max_output_tokens, think, num_ctx) in [
        (None, "false", 8192),
        (None, "high", 8192),
        (Some(6_000), "false", 16_384),
        (Some(8_000), "false", 16_384),
        (Some(12_000), "high", 16_384),
        (Some(16_000), "false", 32_768),
        (Some(100_000), "false", 40_960),
    ] {
        let settings = Settings { max_output_tokens, ..named("qwen3:8b", &[("think", think)]) };
        let (outcome, sent) = prepare(&settings, &[(200, TAGS), (200, SHOWN), (200, LOADED)]);
        let Ok(Preparation::Ready(profile)) = outcome else { panic!("it is ready: {outcome:?}") };
        let first = Task { candidates: Vec::new(), profile, ..task(settings) };
        let mut grown = first.clone();
        grown.candidates = vec![task(first.settings.clone()).candidates[0].clone(); 20];
        for candidate in &mut grown.candidates {
            candidate.samples = vec!["How can I add money to my account, and what does it cost?".to_owned(); 5];
        }
        for task in [first, grown] {
            let [loaded, asked] = [body_of(&sent[2]), sent_for(&task).1].map(|body| body["options"]["num_ctx"].clone());
            assert_eq!(
                (loaded, asked),
                (json!(num_ctx), json!(num_ctx)),
                "{max_output_tokens:?} tokens, think {think}"
            );
        }
    }
}

#[test]
fn it_loads_nothing_where_that_is_not_wanted_or_in_vain() {
    for extra in [("warm", "false"), ("keep_alive", "0"), ("keep_alive", "0s")] {
        let (outcome, sent) = prepare(&named("qwen3:8b", &[extra]), &[(200, TAGS), (200, SHOWN)]);
        assert_eq!((known(outcome)["thinks"].as_bool(), sent.len()), (Some(true), 2), "{extra:?}");
    }
    for model in ["glm-5", "gpt-oss:120b-cloud", "glm-5:cloud"] {
        let (outcome, sent) = prepare(&named(model, &[]), &[(200, TAGS), (200, "{}")]);
        assert_eq!((known(outcome)["is_cloud"].as_bool(), sent.len()), (Some(true), 2), "{model}");
    }
}

#[test]
fn what_a_server_does_not_tell_is_left_open() {
    let nothing = json!({ "thinks": null, "has_levels_only": false, "is_cloud": false, "context_max": null });
    for (status, body) in [
        (200, "{}"),
        (200, r#"{"capabilities":[],"model_info":{"general.architecture":"x"}}"#),
        (200, "<html>"),
        (404, "404 page not found"),
        (405, ""),
        (501, ""),
        (403, "forbidden"),
        (400, r#"{"error":"name is required"}"#),
    ] {
        let (outcome, _) = prepare(&named("gemma3", &[]), &[(200, TAGS), (status, body), (200, LOADED)]);
        assert_eq!(known(outcome), nothing, "{status} {body}");
    }
    let oss = r#"{"capabilities":["completion","thinking"],"details":{"family":"gptoss"}}"#;
    let (outcome, _) = prepare(&named("gemma3", &[]), &[(200, TAGS), (200, oss), (200, LOADED)]);
    assert_eq!(known(outcome)["has_levels_only"], true);
    // A server that takes no request without messages may take one with some.
    let refusing = (400, r#"{"error":"messages must not be empty"}"#);
    let (outcome, _) = prepare(&named("gemma3", &[]), &[(200, TAGS), (200, SHOWN), refusing]);
    assert_eq!(known(outcome)["thinks"], true);
}

#[test]
fn a_model_is_found_by_its_name_with_or_without_tag() {
    for model in ["qwen3:8b", "gemma3", "gemma3:latest"] {
        let (outcome, sent) = prepare(&named(model, &[]), &[(200, TAGS)]);
        assert!(outcome.is_ok() && sent.len() == 1, "{model}");
    }
    for model in ["qwen3", "host:5000/gemma3", "gemma3:cloudy"] {
        let missing = prepare(&named(model, &[]), &[(200, TAGS)]).0.unwrap_err();
        assert_eq!((missing.kind, missing.code.as_deref()), (FaultKind::ModelNotFound, Some("model_not_found")));
        assert!(missing.message.ends_with("it has qwen3:8b, Gemma3:latest, glm-5"), "{}", missing.message);
        assert_eq!(missing.hint, Some(format!("ollama pull {model}")));
    }
    let nameless = prepare(&named("", &[]), &[(200, TAGS)]).0.unwrap_err();
    assert_eq!((nameless.kind, nameless.code.as_deref()), (FaultKind::ModelNotFound, Some("model_not_found")));
    assert_hint(&nameless, "--model");
}

type Answers<'a> = &'a [(u16, &'a str)];

#[test]
fn what_would_fail_at_every_record_fails_before_the_first() {
    let disabled = r#"{"error":"ollama cloud is disabled: remote model details are unavailable"}"#;
    let embeds = r#"{"capabilities":["embedding"]}"#;
    let dull = r#"{"capabilities":["completion"]}"#;
    let memory = r#"{"error":"model requires more system memory (8.1 GiB) than is available (7.3 GiB)"}"#;
    let cases: [(&str, &str, Answers, FaultKind, &str); 13] = [
        ("qwen3:8b", "false", &[(200, "<html>hello</html>")], FaultKind::Unsupported, "--endpoint"),
        ("qwen3:8b", "false", &[(200, r#"{"object":"list","data":[]}"#)], FaultKind::Unsupported, "--provider openai"),
        ("qwen3:8b", "false", &[(404, "404 page not found")], FaultKind::Unsupported, "--endpoint"),
        ("qwen3:8b", "false", &[(401, r#"{"error":"unauthorized"}"#)], FaultKind::Credentials, "--api-key-env"),
        ("qwen3:8b", "false", &[(403, "")], FaultKind::Credentials, "OLLAMA_HOST"),
        ("qwen3:8b", "false", &[(502, "")], FaultKind::Unavailable, ""),
        (
            "qwen3:8b",
            "false",
            &[(200, TAGS), (404, r#"{"error":"model 'qwen3:8b' not found"}"#)],
            FaultKind::ModelNotFound,
            "ollama pull qwen3:8b",
        ),
        ("glm-5", "false", &[(200, TAGS), (403, disabled)], FaultKind::Unsupported, "--model"),
        (
            "glm-5",
            "false",
            &[(200, TAGS), (401, r#"{"error":"unauthorized","signin_url":"u"}"#)],
            FaultKind::Credentials,
            "ollama signin",
        ),
        ("qwen3:8b", "low", &[(200, TAGS), (200, dull)], FaultKind::Unsupported, "--setting think"),
        ("qwen3:8b", "false", &[(200, TAGS), (200, embeds)], FaultKind::Unsupported, "--model"),
        ("qwen3:8b", "false", &[(200, TAGS), (200, SHOWN), (500, memory)], FaultKind::Overloaded, "num_ctx"),
        (
            "qwen3:8b",
            "false",
            &[(200, TAGS), (200, SHOWN), (200, r#"{"error":"model 'x' not found"}"#)],
            FaultKind::ModelNotFound,
            "ollama pull",
        ),
    ];
    for (model, think, answers, kind, hint) in cases {
        let fault = prepare(&named(model, &[("think", think)]), answers).0.unwrap_err();
        assert_eq!(fault.kind, kind, "{answers:?}: {fault:?}");
        assert_hint(&fault, hint);
    }
}

#[test]
fn a_state_that_it_did_not_give_is_a_fault() {
    let previous = Previous { state: b"{}".to_vec(), response: response(200, TAGS) };
    assert_eq!(Ollama::prepare(settings(&[]), Some(previous)).unwrap_err().kind, FaultKind::Other);
}
