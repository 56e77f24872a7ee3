//! The preflight: what is asked, what is learned, and what stops a run before its first record.

use super::*;
use crate::model::Model;
use judge_provider::FaultKind;

fn asked(settings: &Settings, previous: Option<Previous>) -> String {
    match Triton::prepare(settings.clone(), previous) {
        Ok(Preparation::Send(outgoing)) => outgoing.request.path_and_query,
        other => panic!("{other:?}"),
    }
}

#[test]
fn metadata_and_configuration_are_asked_for() {
    let numbered = Settings { model: "a b+c".to_owned(), ..settings(&[("version", "3")]) };
    assert_eq!(asked(&settings(&[]), None), "/v2/models/m");
    assert_eq!(asked(&numbered, None), "/v2/models/a%20b+c/versions/3");
    let previous = Previous { state: b"metadata".to_vec(), response: response(200, &by_hand().0.to_string()) };
    assert_eq!(asked(&numbered, Some(previous)), "/v2/models/a%20b+c/versions/3/config");
}

#[test]
fn shapes_follow_the_batch_dimension() {
    let profile = learned(&settings(&[]), &trtllm()).unwrap();
    let model = Model::of_profile(&profile).unwrap();
    assert_eq!(model.inputs[0].shape, [1, 1], "`[-1, 1]` has one");
    let model = Model::of_profile(&learned(&settings(&[]), &vllm()).unwrap()).unwrap();
    assert_eq!(
        (&model.inputs[0].shape[..], &model.inputs[1].shape[..]),
        (&[1][..], &[1][..]),
        "`[1]` and `[-1]` have none"
    );
    assert!(model.is_decoupled && model.is_vllm);
    assert!(!model.inputs[0].is_optional && model.inputs[1].is_optional);
}

#[test]
fn vllm_is_known_by_its_backend_or_its_input() {
    let (metadata, mut config) = by_hand();
    config["backend"] = "vllm".into();
    let by_name = Model::of_profile(&learned(&settings(&[]), &(metadata, config)).unwrap()).unwrap();
    let (mut metadata, config) = vllm();
    metadata["platform"] = "python".into();
    let by_input = Model::of_profile(&learned(&settings(&[]), &(metadata, config)).unwrap()).unwrap();
    let other = Model::of_profile(&learned(&settings(&[]), &by_hand()).unwrap()).unwrap();
    assert!(by_name.is_vllm && by_input.is_vllm && !other.is_vllm);
}

#[test]
fn a_server_may_keep_its_configuration_to_itself() {
    let (metadata, _) = vllm();
    for config in [
        response(404, ""),
        response(400, ""),
        response(501, ""),
        response(200, "<html>"),
        response(403, r#"{"error":"This API is restricted, expecting header 'k'"}"#),
    ] {
        let profile = prepared(&settings(&[]), response(200, &metadata.to_string()), config).unwrap();
        let model = Model::of_profile(&profile).unwrap();
        assert!(model.is_vllm && !model.is_decoupled && model.inputs[0].is_optional);
    }
    let stopping = response(503, r#"{"error":"Server is stopping"}"#);
    let fault = prepared(&settings(&[]), response(200, &metadata.to_string()), stopping).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
}

#[test]
fn what_is_no_ready_model_has_its_kind_and_hint() {
    for (status, body, kind, hint) in [
        (404, r#"{"error":"Request for unknown model: 'm' is not found"}"#, FaultKind::ModelNotFound, "--model"),
        (
            400,
            r#"{"error":"Request for unknown model: 'm' version 9 is not found"}"#,
            FaultKind::ModelNotFound,
            "version=N",
        ),
        (
            404,
            r#"{"error":"Request for unknown model: 'm' has no available versions"}"#,
            FaultKind::Unavailable,
            "not loaded",
        ),
        (
            503,
            r#"{"error":"Request for unknown model: 'm' version 1 is not at ready state"}"#,
            FaultKind::Unavailable,
            "",
        ),
        (400, "", FaultKind::Unavailable, "not ready"),
        (404, r#"{"error":"Not Found"}"#, FaultKind::Unsupported, "--endpoint"),
        (405, "", FaultKind::Unsupported, "--endpoint"),
        (200, r#"{"object":"list","data":[]}"#, FaultKind::Unsupported, "--provider openai"),
        (200, "<html>", FaultKind::Unsupported, "--endpoint"),
        (401, "", FaultKind::Credentials, "--api-key-env"),
        (403, r#"{"error":"This API is restricted, expecting header 'k'"}"#, FaultKind::Credentials, "gateway"),
        (502, "", FaultKind::Unavailable, ""),
    ] {
        let fault = prepared(&settings(&[]), response(status, body), response(404, "")).unwrap_err();
        assert_eq!(fault.kind, kind, "{status} {body}");
        assert!(fault.hint.clone().unwrap_or_default().contains(hint), "{status} {body}: {:?}", fault.hint);
    }
    let nameless = Triton::prepare(Settings { model: String::new(), ..settings(&[]) }, None).unwrap_err();
    assert_eq!((nameless.kind, nameless.code.as_deref()), (FaultKind::ModelNotFound, Some("model_not_found")));
}

#[test]
fn settings_that_cannot_be_read_fail_before_the_run() {
    for (name, value) in [
        ("version", "new"),
        ("route", "stream"),
        ("guided", "true"),
        ("template", "gemma"),
        ("tensors", "top_p=1"),
        ("tensors", "[1]"),
        ("tensors", r#"{"top_p":[1]}"#),
        ("repair", "maybe"),
    ] {
        let fault = Triton::prepare(settings(&[(name, value)]), None).unwrap_err();
        assert_eq!(
            (fault.kind, fault.code.as_deref()),
            (FaultKind::InvalidRequest, Some("bad-setting")),
            "{name}={value}"
        );
    }
}

#[test]
fn settings_that_the_model_does_not_have_fail_before_the_run() {
    for (model, name, value, code) in [
        (by_hand(), "input", "prompt", "bad-setting"),
        (by_hand(), "input", "max_tokens", "bad-setting"),
        (by_hand(), "output", "text", "bad-setting"),
        (by_hand(), "max_tokens_input", "temperature", "bad-setting"),
        (by_hand(), "temperature_input", "heat", "bad-setting"),
        (by_hand(), "tensors", r#"{"top_p":0.9}"#, "bad-setting"),
        (by_hand(), "tensors", r#"{"text":"mine"}"#, "bad-setting"),
        (by_hand(), "guided", "trtllm", "guided"),
        (by_hand(), "guided", "structured_outputs", "guided"),
    ] {
        let fault = learned(&settings(&[(name, value)]), &model).unwrap_err();
        assert_eq!(fault.code.as_deref(), Some(code), "{name}={value}: {}", fault.message);
        assert!(fault.hint.unwrap().contains("--setting"), "{name}={value}");
    }
}

#[test]
fn a_model_without_known_names_needs_a_word() {
    let model = |inputs: Value, required: &[&str]| {
        (json!({ "inputs": inputs, "outputs": [tensor("said", "BYTES", &[1])] }), config(required, &[], false))
    };
    let one = model(json!([tensor("question", "BYTES", &[1])]), &["question"]);
    assert!(learned(&settings(&[]), &one).is_ok(), "the only text input takes the prompt");
    let two = model(json!([tensor("question", "BYTES", &[1]), tensor("style", "BYTES", &[1])]), &["question", "style"]);
    let fault = learned(&settings(&[]), &two).unwrap_err();
    assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::Unsupported, Some("no-text-input")));
    assert!(fault.message.ends_with("it has question (BYTES), style (BYTES)"), "{}", fault.message);
    assert!(fault.hint.unwrap().contains("--setting input=NAME"));
    let fault = learned(&settings(&[("input", "question")]), &two).unwrap_err();
    assert_eq!(fault.code.as_deref(), Some("required-input"), "nobody knows what `style` is to be");
    assert!(fault.hint.unwrap().contains(r#"--setting tensors='{"style":VALUE}'"#));
    let told = settings(&[("input", "question"), ("tensors", r#"{"style":"terse"}"#)]);
    assert!(learned(&told, &two).is_ok());
}

#[test]
fn a_model_without_text_is_not_to_be_named_a_tensor_of() {
    let (pixels, pairs) = (tensor("pixels", "FP32", &[3, 224, 224]), tensor("pairs", "BYTES", &[-1, 2]));
    let question = tensor("question", "BYTES", &[1]);
    for (inputs, outputs, code) in [
        (json!([pixels]), json!([pixels]), "no-text-input"),
        (json!([pairs, pixels]), json!([question]), "no-text-input"),
        (json!([question]), json!([pixels]), "no-text-output"),
        (json!([question]), json!([]), "no-text-output"),
    ] {
        let metadata = json!({ "inputs": inputs, "outputs": outputs });
        let fault = learned(&settings(&[]), &(metadata, config(&[], &[], false))).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::Unsupported, Some(code)));
        let hint = fault.hint.unwrap();
        assert!(hint.contains("--model NAME") && !hint.contains("--setting"), "{inputs} {outputs}: {hint}");
    }
}
