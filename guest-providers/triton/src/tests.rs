//! The whole provider through its trait: preflight, requests as golden text, responses as tables.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod answers;
mod failures;
mod preflight;
mod requests;

use super::*;
use judge_provider::serde_json::{self, Value, json};
use judge_provider::{Cluster, Instructions, Outgoing, Record};

const VERDICT: &str =
    r#"{"rationale":"money","decision":"assign","cluster_id":"top-up","confidence":"high","new_cluster":null}"#;

/// A hand-written Python model, as PyTriton serves it: with a batch dimension.
fn by_hand() -> (Value, Value) {
    let metadata = json!({ "name": "m", "versions": ["1"], "platform": "python",
        "inputs": [tensor("text", "BYTES", &[-1, 1]), tensor("max_tokens", "INT32", &[-1, 1]),
            tensor("temperature", "FP32", &[-1, 1])],
        "outputs": [tensor("response", "BYTES", &[-1, 1])] });
    let config = config(&["text", "max_tokens", "temperature"], &[], false);
    (metadata, config)
}

/// The vLLM backend (vllm_backend, src/model.py).
fn vllm() -> (Value, Value) {
    let switches = ["stream", "exclude_input_in_output", "return_finish_reason", "return_num_output_tokens"];
    let mut inputs = vec![tensor("text_input", "BYTES", &[1]), tensor("image", "BYTES", &[-1])];
    inputs.push(tensor("sampling_parameters", "BYTES", &[1]));
    inputs.extend(switches.map(|name| tensor(name, "BOOL", &[1])));
    let outputs = [
        tensor("text_output", "BYTES", &[-1]),
        tensor("finish_reason", "BYTES", &[-1]),
        tensor("num_output_tokens", "UINT32", &[-1]),
    ];
    let metadata = json!({ "name": "m", "platform": "vllm", "inputs": inputs, "outputs": outputs });
    let optional = [&switches[..], &["image", "sampling_parameters"]].concat();
    (metadata, config(&["text_input"], &optional, true))
}

/// TensorRT-LLM's ensemble (triton_backend/all_models/inflight_batcher_llm) in its older form, which requires the word
/// lists.
fn trtllm() -> (Value, Value) {
    let texts = ["text_input", "bad_words", "stop_words", "guided_decoding_guide_type", "guided_decoding_guide"];
    let mut inputs: Vec<Value> = texts.iter().map(|name| tensor(name, "BYTES", &[-1, 1])).collect();
    inputs.push(tensor("max_tokens", "INT32", &[-1, 1]));
    inputs.push(tensor("temperature", "FP32", &[-1, 1]));
    inputs.push(tensor("seed", "UINT64", &[-1, 1]));
    inputs.push(tensor("exclude_input_in_output", "BOOL", &[-1, 1]));
    inputs.push(tensor("prompt_embedding_table", "FP16", &[-1, -1, -1]));
    let outputs = [tensor("text_output", "BYTES", &[-1, -1]), tensor("context_logits", "FP32", &[-1, -1, -1])];
    let metadata = json!({ "name": "m", "platform": "ensemble", "inputs": inputs, "outputs": outputs });
    let optional = [
        "guided_decoding_guide_type",
        "guided_decoding_guide",
        "temperature",
        "seed",
        "exclude_input_in_output",
        "prompt_embedding_table",
    ];
    (metadata, config(&["text_input", "bad_words", "stop_words", "max_tokens"], &optional, false))
}

/// TensorRT-LLM's LLM API (triton_backend/all_models/llmapi), without a batch dimension.
fn llmapi() -> (Value, Value) {
    let switches = ["sampling_param_exclude_input_from_output", "return_finish_reason"];
    let mut inputs = vec![
        tensor("text_input", "BYTES", &[-1]),
        tensor("sampling_param_max_tokens", "INT32", &[1]),
        tensor("sampling_param_temperature", "FP32", &[1]),
    ];
    inputs.extend(switches.map(|name| tensor(name, "BOOL", &[1])));
    let outputs = [tensor("text_output", "BYTES", &[-1]), tensor("finish_reason", "BYTES", &[-1])];
    let metadata = json!({ "name": "m", "platform": "python", "inputs": inputs, "outputs": outputs });
    let sampling = ["sampling_param_max_tokens", "sampling_param_temperature"];
    (metadata, config(&["text_input"], &[&switches[..], &sampling].concat(), false))
}

fn tensor(name: &str, datatype: &str, shape: &[i64]) -> Value {
    json!({ "name": name, "datatype": datatype, "shape": shape })
}

fn config(required: &[&str], optional: &[&str], is_decoupled: bool) -> Value {
    let input = |is_optional: bool| move |name: &&str| json!({ "name": name, "optional": is_optional });
    let inputs = required.iter().map(input(false)).chain(optional.iter().map(input(true)));
    json!({ "name": "m", "platform": "", "backend": "", "input": inputs.collect::<Vec<_>>(),
        "model_transaction_policy": { "decoupled": is_decoupled } })
}

fn settings(extra: &[(&str, &str)]) -> Settings {
    let extra = extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings { model: "m".to_owned(), temperature: None, max_output_tokens: None, seed: None, extra }
}

fn response(status: u16, body: &str) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: Body::Text(body.to_owned()) }
}

/// The preflight to its end, against a server that answers with these.
fn prepared(settings: &Settings, metadata: HttpResponse, config: HttpResponse) -> Result<Vec<u8>, Fault> {
    let mut previous = None;
    for response in [metadata, config] {
        let Preparation::Send(Outgoing { request, state }) = Triton::prepare(settings.clone(), previous)? else {
            panic!("two requests are sent")
        };
        assert_eq!(request.method, "GET");
        previous = Some(Previous { state, response });
    }
    match Triton::prepare(settings.clone(), previous)? {
        Preparation::Ready(profile) => Ok(profile),
        Preparation::Send(outgoing) => panic!("{outgoing:?} is one too many"),
    }
}

fn learned(settings: &Settings, (metadata, config): &(Value, Value)) -> Result<Vec<u8>, Fault> {
    prepared(settings, response(200, &metadata.to_string()), response(200, &config.to_string()))
}

fn task(settings: Settings, model: &(Value, Value)) -> Task {
    let cluster = Cluster {
        id: "top-up".to_owned(),
        name: "Top up".to_owned(),
        summary: String::new(),
        criteria: String::new(),
        samples: Vec::new(),
    };
    Task {
        candidates: vec![cluster],
        instructions: Instructions { text: String::new(), rationale_language: None },
        allow_new_cluster: false,
        records_max: 1,
        profile: learned(&settings, model).unwrap(),
        settings,
        extras: Vec::new(),
    }
}

fn job_of(text: &str, settings: Settings, model: &(Value, Value)) -> Job {
    let record = Record { id: "r1".to_owned(), text: text.to_owned(), context: Vec::new() };
    let task = task(settings, model);
    let brief = Triton::brief(task.clone()).unwrap();
    task.job(brief, vec![record])
}

fn job(extra: &[(&str, &str)], model: &(Value, Value)) -> Job {
    job_of("add money please", settings(extra), model)
}

fn body_of(outgoing: &Outgoing) -> Value {
    let Some(Body::Text(body)) = &outgoing.request.body else { panic!("the body is text") };
    serde_json::from_str(body).unwrap()
}

fn sent(job: &Job) -> Outgoing {
    let Ok(Step::Send(outgoing)) = Triton::build_request(job.clone()) else { panic!("a request is built") };
    outgoing
}

/// The prompt that goes out for a job.
fn prompt_of(body: &Value) -> String {
    let prompt = body["text_input"].as_str().or_else(|| body["inputs"][0]["data"][0].as_str());
    prompt.unwrap().to_owned()
}
