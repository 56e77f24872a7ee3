//! Which tensor of a model takes what. Names are not standardised: those of TensorRT-LLM's and vLLM's models and of
//! common hand-written ones are known, and a setting names the others.

use crate::model::{Model, Tensor};
use crate::options::{Enforcement, Options, Route};
use judge_provider::{Fault, FaultKind};

/// The protocol's word for text.
const TEXT: &str = "BYTES";
const INTEGERS: [&str; 4] = ["INT32", "INT64", "UINT32", "UINT64"];
/// FP16 and BF16 cannot be written as JSON (`http_server.cc`).
const FLOATS: [&str; 2] = ["FP32", "FP64"];

const PROMPTS: [&str; 3] = ["text", "text_input", "prompt"];
const ANSWERS: [&str; 4] = ["response", "text_output", "generated_text", "generated_output"];
const LIMITS: [&str; 4] = ["max_tokens", "request_output_len", "sampling_param_max_tokens", "max_new_tokens"];
const TEMPERATURES: [&str; 2] = ["temperature", "sampling_param_temperature"];
const SEEDS: [&str; 3] = ["seed", "sampling_param_seed", "random_seed"];
/// Inputs that keep the prompt out of the answer.
const EXCLUSIONS: [&str; 2] = ["exclude_input_in_output", "sampling_param_exclude_input_from_output"];
/// Outputs beside the answer, and the inputs that switch them on.
const EXTRAS: [(&str, &str); 3] = [
    (FINISH_REASON, "return_finish_reason"),
    (INPUT_TOKENS, "return_num_input_tokens"),
    (OUTPUT_TOKENS, "return_num_output_tokens"),
];
/// Texts that older TensorRT-LLM templates require, and take empty.
const EMPTY_TEXTS: [&str; 2] = ["bad_words", "stop_words"];
const STREAMS: [&str; 2] = ["stream", "streaming"];

pub(crate) const FINISH_REASON: &str = "finish_reason";
pub(crate) const INPUT_TOKENS: &str = "num_input_tokens";
pub(crate) const OUTPUT_TOKENS: &str = "num_output_tokens";
const GUIDE_TYPE: &str = "guided_decoding_guide_type";
const GUIDE: &str = "guided_decoding_guide";

/// Tensors that a message names.
const TENSORS_SHOWN_MAX: usize = 12;

/// A model's tensors in their roles. What a model has no tensor for is left to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout<'a> {
    pub(crate) route: Route,
    pub(crate) prompt: &'a Tensor,
    pub(crate) answer: &'a Tensor,
    pub(crate) limit: Option<&'a Tensor>,
    pub(crate) temperature: Option<&'a Tensor>,
    pub(crate) seed: Option<&'a Tensor>,
    pub(crate) guided: Enforcement,
    /// TensorRT-LLM's guide type and guide.
    pub(crate) guide: Option<(&'a Tensor, &'a Tensor)>,
    /// Truth values to set.
    pub(crate) switched_on: Vec<&'a Tensor>,
    /// Required inputs that say nothing.
    pub(crate) empty_texts: Vec<&'a Tensor>,
    pub(crate) switched_off: Vec<&'a Tensor>,
    /// Outputs beside the answer.
    pub(crate) extras: Vec<&'a str>,
}

impl<'a> Layout<'a> {
    /// # Errors
    /// `unsupported` where the model does not take and give text in a way known here; `invalid-request` where a setting
    /// names a tensor that cannot be used so.
    pub(crate) fn of(model: &'a Model, options: &Options) -> Result<Self, Fault> {
        let inputs = &model.inputs;
        let by_model = if model.is_vllm || model.is_decoupled { Route::Generate } else { Route::Infer };
        let route = options.route.unwrap_or(by_model);
        let prompt = text(inputs, "input", options.input.as_deref(), &PROMPTS)?;
        let answer = text(&model.outputs, "output", options.output.as_deref(), &ANSWERS)?;
        let guide = find(inputs, &[GUIDE_TYPE], &[TEXT]).zip(find(inputs, &[GUIDE], &[TEXT]));
        let extras = EXTRAS.iter().filter(|(output, _)| model.outputs.iter().any(|known| known.name == *output));
        let switches = EXCLUSIONS.into_iter().chain(extras.clone().map(|(_, switch)| *switch));
        let required_text = |name| find(inputs, &[name], &[TEXT]).filter(|tensor| !tensor.is_optional);
        let layout = Layout {
            route,
            prompt,
            answer,
            limit: chosen(inputs, "max_tokens_input", options.max_tokens_input.as_deref(), &LIMITS, &INTEGERS)?,
            temperature: chosen(
                inputs,
                "temperature_input",
                options.temperature_input.as_deref(),
                &TEMPERATURES,
                &FLOATS,
            )?,
            seed: find(inputs, &SEEDS, &INTEGERS),
            guided: guided(model, options, route, guide.is_some())?,
            guide,
            switched_on: switches.filter_map(|name| find(inputs, &[name], &["BOOL"])).collect(),
            empty_texts: EMPTY_TEXTS.into_iter().filter_map(required_text).collect(),
            switched_off: find(inputs, &STREAMS, &["BOOL"]).into_iter().collect(),
            extras: extras.map(|(output, _)| *output).collect(),
        };
        layout.check(model, options)?;
        Ok(layout)
    }

    /// Whether every required input gets a value, and every tensor of the settings has its place.
    fn check(&self, model: &Model, options: &Options) -> Result<(), Fault> {
        let guides = self.guide.filter(|_| self.guided == Enforcement::TrtLlm);
        let taken: Vec<&Tensor> = [Some(self.prompt), self.limit, self.temperature, self.seed]
            .into_iter()
            .chain([guides.map(|(guide_type, _)| guide_type), guides.map(|(_, guide)| guide)])
            .flatten()
            .chain(self.switched_on.iter().chain(&self.switched_off).chain(&self.empty_texts).copied())
            .collect();
        let is_given = |input: &Tensor| taken.contains(&input) || options.tensors.contains_key(&input.name);
        if let Some(input) = model.inputs.iter().find(|input| !input.is_optional && !is_given(input)) {
            let Tensor { name, datatype, .. } = input;
            let message = format!("the model requires the input `{name}` ({datatype}), and no value for it is known");
            return Err(Fault::new(FaultKind::Unsupported, message)
                .code("required-input")
                .hint(format!("give it a value by `--setting tensors='{{\"{name}\":VALUE}}'`")));
        }
        for name in options.tensors.keys() {
            // With `/generate` a name that is no tensor is a parameter.
            let is_parameter = model.input(name).is_none() && self.route == Route::Generate;
            let has_place = model.input(name).is_some_and(|input| input.is_single() && input.name != self.prompt.name);
            if !is_parameter && !has_place {
                return Err(wrong_tensor(&model.inputs, "tensors", name, "further input"));
            }
        }
        Ok(())
    }
}

/// The text tensor that is named, or has a usual name, or is the only one.
fn text<'a>(tensors: &'a [Tensor], role: &str, named: Option<&str>, usual: &[&str]) -> Result<&'a Tensor, Fault> {
    if let Some(tensor) = chosen(tensors, role, named, usual, &[TEXT])? {
        return Ok(tensor);
    }
    let texts: Vec<&Tensor> = tensors.iter().filter(|tensor| tensor.datatype == TEXT && tensor.is_single()).collect();
    let (lacks, hint) = match texts.as_slice() {
        [only] => return Ok(only),
        [] => ("", "name a model that takes a text and gives one by `--model NAME`".to_owned()),
        _ => (" with a usual name", format!("name the text {role} by `--setting {role}=NAME`")),
    };
    let message = format!("the model has no text {role}{lacks}; {}", shown(tensors));
    Err(Fault::new(FaultKind::Unsupported, message).code(format!("no-text-{role}")).hint(hint))
}

fn chosen<'a>(
    tensors: &'a [Tensor],
    setting: &str,
    named: Option<&str>,
    usual: &[&str],
    datatypes: &[&str],
) -> Result<Option<&'a Tensor>, Fault> {
    let Some(name) = named else {
        return Ok(find(tensors, usual, datatypes));
    };
    let found = find(tensors, &[name], datatypes);
    found.map(Some).ok_or_else(|| wrong_tensor(tensors, setting, name, &datatypes.join(" or ")))
}

fn find<'a>(tensors: &'a [Tensor], names: &[&str], datatypes: &[&str]) -> Option<&'a Tensor> {
    let fits = |tensor: &&Tensor| datatypes.contains(&tensor.datatype.as_str()) && tensor.is_single();
    names.iter().find_map(|name| tensors.iter().filter(fits).find(|tensor| tensor.name == *name))
}

fn guided(model: &Model, options: &Options, route: Route, has_guide: bool) -> Result<Enforcement, Fault> {
    let by_model = match route {
        _ if has_guide => Enforcement::TrtLlm,
        Route::Generate if model.is_vllm => Enforcement::StructuredOutputs,
        _ => Enforcement::Prompt,
    };
    let refused =
        |message: &str, hint: &str| Err(Fault::new(FaultKind::Unsupported, message).code("guided").hint(hint));
    match options.guided.unwrap_or(by_model) {
        Enforcement::TrtLlm if !has_guide => refused(
            "the model has no inputs `guided_decoding_guide_type` and `guided_decoding_guide`",
            "drop `--setting guided=trtllm`: the schema is in the prompt too",
        ),
        Enforcement::StructuredOutputs | Enforcement::GuidedDecoding if route == Route::Infer => refused(
            "the vLLM backend's parameters go with `/generate` alone",
            "give `--setting route=generate` too, or `--setting guided=none`: the schema is in the prompt too",
        ),
        guided => Ok(guided),
    }
}

fn wrong_tensor(tensors: &[Tensor], setting: &str, name: &str, wanted: &str) -> Fault {
    let message = format!("the model has no {wanted} named `{name}` that takes one value; {}", shown(tensors));
    Fault::new(FaultKind::InvalidRequest, message)
        .code("bad-setting")
        .hint(format!("correct or drop `--setting {setting}=...`"))
}

fn shown(tensors: &[Tensor]) -> String {
    let names: Vec<String> =
        tensors.iter().take(TENSORS_SHOWN_MAX).map(|tensor| format!("{} ({})", tensor.name, tensor.datatype)).collect();
    match tensors.len() {
        0 => "it has none at all".to_owned(),
        count if count > TENSORS_SHOWN_MAX => format!("it has {count}, among them {}", names.join(", ")),
        _ => format!("it has {}", names.join(", ")),
    }
}
