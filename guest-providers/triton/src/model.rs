//! What the server tells of a model: its tensors, and how it answers. Learned once, and kept as the run's profile.

use judge_provider::serde_json::{self, Value, json};
use judge_provider::{Fault, fault};

/// An input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    /// The protocol's word: `BYTES` is text.
    pub(crate) datatype: String,
    /// As it is to be sent for one value.
    pub(crate) shape: Vec<u64>,
    /// Whether a request may leave it out; assumed where the server does not say.
    pub(crate) is_optional: bool,
}

impl Tensor {
    /// Whether it takes one value.
    pub(crate) fn is_single(&self) -> bool {
        self.shape.iter().all(|size| *size == 1)
    }
}

/// A model as the requests need to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    /// Whether it may answer with any number of responses.
    pub(crate) is_decoupled: bool,
    /// Whether it runs in the vLLM backend.
    pub(crate) is_vllm: bool,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) outputs: Vec<Tensor>,
}

/// What matters in the answer to `GET /v2/models/{m}`; none where it is no model's metadata.
pub(crate) fn of_metadata(metadata: &Value) -> Option<Value> {
    Some(json!({
        "backend": metadata["platform"],
        "inputs": tensors(&metadata["inputs"])?,
        "outputs": tensors(&metadata["outputs"])?,
    }))
}

/// The same with what `GET /v2/models/{m}/config` adds.
pub(crate) fn with_config(mut profile: Value, config: &Value) -> Value {
    if config["backend"].as_str().is_some_and(|backend| !backend.is_empty()) {
        profile["backend"] = config["backend"].clone();
    }
    profile["decoupled"] = config["model_transaction_policy"]["decoupled"].clone();
    let Some(known) = config["input"].as_array() else {
        return profile;
    };
    for input in profile["inputs"].as_array_mut().into_iter().flatten() {
        if let Some(known) = known.iter().find(|known| known["name"] == input["name"]) {
            input["optional"] = (known["optional"] == true).into();
        }
    }
    profile
}

fn tensors(list: &Value) -> Option<Vec<Value>> {
    let tensor =
        |tensor: &Value| json!({ "name": tensor["name"], "datatype": tensor["datatype"], "shape": shape(tensor) });
    Some(list.as_array()?.iter().map(tensor).collect())
}

/// The metadata's shape with 1 for what is open (-1). It leads with the batch dimension where the model has one, as
/// PyTriton's `[-1, 1]`, and lacks it where `max_batch_size` is 0, which is what requests are checked against (triton
/// core: infer_request.cc).
fn shape(tensor: &Value) -> Vec<u64> {
    let sizes: Vec<u64> =
        tensor["shape"].as_array().into_iter().flatten().map(|size| size.as_u64().unwrap_or(1)).collect();
    if sizes.is_empty() { vec![1] } else { sizes }
}

impl Model {
    /// # Errors
    /// `other`, where the bytes are not a profile of ours.
    pub(crate) fn of_profile(profile: &[u8]) -> Result<Self, Fault> {
        serde_json::from_slice(profile)
            .ok()
            .and_then(|profile| Self::read(&profile))
            .ok_or_else(|| fault::other("the run's profile was not made by this provider"))
    }

    /// Reads what [`of_metadata`] and [`with_config`] made.
    pub(crate) fn read(profile: &Value) -> Option<Self> {
        let inputs = list(&profile["inputs"])?;
        // The backend adds this input to every model of its own (vllm_backend, src/model.py).
        let is_vllm = profile["backend"] == "vllm" || inputs.iter().any(|input| input.name == "sampling_parameters");
        let is_decoupled = profile["decoupled"] == true;
        Some(Model { is_decoupled, is_vllm, inputs, outputs: list(&profile["outputs"])? })
    }

    pub(crate) fn input(&self, name: &str) -> Option<&Tensor> {
        self.inputs.iter().find(|input| input.name == name)
    }
}

fn list(tensors: &Value) -> Option<Vec<Tensor>> {
    let tensor = |tensor: &Value| {
        Some(Tensor {
            name: tensor["name"].as_str()?.to_owned(),
            datatype: tensor["datatype"].as_str()?.to_owned(),
            shape: tensor["shape"].as_array()?.iter().filter_map(Value::as_u64).collect(),
            is_optional: tensor["optional"] != false,
        })
    };
    tensors.as_array()?.iter().map(tensor).collect()
}
