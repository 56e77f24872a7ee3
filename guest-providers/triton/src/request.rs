//! The bodies of `/infer` and `/generate`.

use crate::head::Head;
use crate::layout::Layout;
use crate::model::{Model, Tensor};
use crate::options::{Enforcement, Options, Route};
use judge_provider::serde_json::{Map, Value, json};
use judge_provider::{Body, Fault, HttpRequest, Job, Task, brief, http, prompt, schema};

/// Generated tokens for one verdict: a rationale of two sentences in any script, and a proposal.
const OUTPUT_TOKENS: u32 = 512;

/// The request of a task, with a hole for the prompt. Sampling is off unless the operator asked for it, so that a run
/// can be repeated; so far as the model can be told at all.
///
/// # Errors
/// Where the profile is not one of ours, or does not fit the settings.
pub(crate) fn brief(task: &Task, options: &Options) -> Result<Body, Fault> {
    let model = Model::of_profile(&task.profile)?;
    let layout = Layout::of(&model, options)?;
    let start = options.template.start(&prompt::system(task));
    let head = Head::of(&task.settings, &layout, options, start, limit(task));
    let tensors = tensors(task, &model, &layout, options);
    let body = match layout.route {
        Route::Infer => infer(&layout, &tensors),
        Route::Generate => generate(task, &model, &layout, options, &tensors),
    };
    Ok(brief::with_head(&head.written(), &body))
}

/// The first request for a job.
///
/// # Errors
/// Where the brief is not one of ours.
pub(crate) fn first(job: &Job) -> Result<HttpRequest, Fault> {
    let head = Head::read(job)?;
    with_prompt(job, &head, &prompt(job, &head))
}

/// The job's prompt as one text.
pub(crate) fn prompt(job: &Job, head: &Head) -> String {
    head.start.clone() + &head.template.user(&prompt::user(&job.records))
}

/// A request for a job with this prompt.
///
/// # Errors
/// Where the brief is not one of ours.
pub(crate) fn with_prompt(job: &Job, head: &Head, prompt: &str) -> Result<HttpRequest, Fault> {
    let body = brief::fill(job, &[prompt.into()])?;
    Ok(http::post_json_text(&head.path, body))
}

/// The inputs and their values, the prompt first.
fn tensors<'a>(task: &Task, model: &'a Model, layout: &Layout<'a>, options: &Options) -> Vec<(&'a Tensor, Value)> {
    let mut tensors = vec![(layout.prompt, Value::from(brief::HOLE))];
    let mut add = |tensor: Option<&'a Tensor>, value: Value| tensors.extend(tensor.map(|tensor| (tensor, value)));
    add(layout.limit, limit(task).into());
    add(layout.temperature, temperature(task).into());
    let is_seed_required = layout.seed.is_some_and(|seed| !seed.is_optional);
    if let Some(seed) = task.settings.seed.or(is_seed_required.then_some(0)) {
        add(layout.seed, seed.into());
    }
    layout.switched_on.iter().for_each(|tensor| add(Some(tensor), true.into()));
    layout.switched_off.iter().for_each(|tensor| add(Some(tensor), false.into()));
    layout.empty_texts.iter().for_each(|tensor| add(Some(tensor), "".into()));
    if let (Enforcement::TrtLlm, Some((guide_type, guide))) = (layout.guided, layout.guide) {
        // `json` would be any JSON object (tensorrtllm_backend, guided decoding).
        add(Some(guide_type), "json_schema".into());
        add(Some(guide), schema::verdict(task).to_string().into());
    }
    // The operator's word counts where both have one.
    for (name, value) in &options.tensors {
        match tensors.iter_mut().find(|(tensor, _)| tensor.name == *name) {
            Some((_, ours)) => *ours = value.clone(),
            None => tensors.extend(model.input(name).map(|input| (input, value.clone()))),
        }
    }
    tensors
}

fn infer(layout: &Layout, tensors: &[(&Tensor, Value)]) -> Value {
    let input = |(tensor, value): &(&Tensor, Value)| {
        let Tensor { name, datatype, shape, .. } = tensor;
        json!({ "name": name, "datatype": datatype, "shape": shape, "data": [value] })
    };
    let outputs = std::iter::once(layout.answer.name.as_str()).chain(layout.extras.iter().copied());
    json!({
        "inputs": tensors.iter().map(input).collect::<Vec<_>>(),
        // Without names all outputs come, logits among them.
        "outputs": outputs.map(|name| json!({ "name": name })).collect::<Vec<_>>(),
    })
}

/// Here a key that names no tensor becomes a parameter, so parameters get a place of their own.
fn generate(task: &Task, model: &Model, layout: &Layout, options: &Options, tensors: &[(&Tensor, Value)]) -> Value {
    let mut body: Map<String, Value> =
        tensors.iter().map(|(tensor, value)| (tensor.name.clone(), value.clone())).collect();
    let mut parameters = Map::new();
    if layout.limit.is_none() {
        parameters.insert("max_tokens".to_owned(), limit(task).into());
    }
    if layout.temperature.is_none() {
        parameters.insert("temperature".to_owned(), temperature(task).into());
    }
    if let (None, Some(seed)) = (layout.seed, task.settings.seed) {
        parameters.insert("seed".to_owned(), seed.into());
    }
    let parameter = match layout.guided {
        Enforcement::StructuredOutputs => Some("structured_outputs"),
        Enforcement::GuidedDecoding => Some("guided_decoding"),
        Enforcement::TrtLlm | Enforcement::Prompt => None,
    };
    if let Some(parameter) = parameter {
        // Parameters are single values, so the object goes as text (vllm_backend, src/utils/vllm_backend_utils.py).
        parameters.insert(parameter.to_owned(), json!({ "json": schema::verdict(task) }).to_string().into());
    }
    let others = options.tensors.iter().filter(|(name, _)| model.input(name).is_none());
    parameters.extend(others.map(|(name, value)| (name.clone(), value.clone())));
    if !parameters.is_empty() {
        body.insert("parameters".to_owned(), parameters.into());
    }
    body.into()
}

fn limit(task: &Task) -> u32 {
    task.settings.max_output_tokens.unwrap_or(OUTPUT_TOKENS.saturating_mul(task.records_max))
}

fn temperature(task: &Task) -> f64 {
    task.settings.temperature.unwrap_or(0.0)
}
