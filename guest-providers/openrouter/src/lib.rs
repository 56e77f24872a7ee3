//! Judges through OpenRouter, which passes chat completions on to many providers of models. Wire facts are those of
//! its documentation (OpenRouterTeam/docs: openapi.yaml, api_reference/errors-and-debugging.mdx and limits.mdx).

mod failure;
mod options;
mod prepare;
mod wait;

use judge_provider::chat::{self, Dialect, Learned};
use judge_provider::serde_json::Value;
use judge_provider::{
    AuthSlot, Body, Descriptor, Extra, Fault, HttpRequest, HttpResponse, Job, Preparation, Previous, Provider,
    Settings, Step, Task, Usage, http, usage,
};
use options::Options;

/// All paths begin with this. The endpoint's own path may end with it, or with its first half, or not: the host does
/// not repeat what is there.
const API: &str = "/api/v1";

/// The provider `openrouter`.
pub struct OpenRouter;

impl Provider for OpenRouter {
    fn describe() -> Descriptor {
        Descriptor {
            summary: "judges with the models that OpenRouter gives access to".to_owned(),
            default_endpoint: Some("https://openrouter.ai/api/v1".to_owned()),
            default_model: Some("openai/gpt-4o-mini".to_owned()),
            auth: Some(AuthSlot::bearer()),
            settings: options::specs(),
            ..Descriptor::new("openrouter", env!("CARGO_PKG_VERSION"))
        }
    }

    fn prepare(settings: Settings, previous: Option<Previous>) -> Result<Preparation, Fault> {
        prepare::step(&settings, &Options::read(&settings)?, previous)
    }

    fn brief(task: Task) -> Result<Body, Fault> {
        let learned = Learned::of_profile(&task.profile)?;
        let options = Options::read(&task.settings)?;
        let parameters = options.parameters(&task.settings, task.records_max, &learned);
        chat::brief(&task, &parameters, &learned, &[("title", options.title.into())])
    }

    fn build_request(job: Job) -> Result<Step, Fault> {
        chat::build_request::<Self>(&job)
    }

    fn parse_response(job: Job, state: Vec<u8>, response: HttpResponse) -> Result<Step, Fault> {
        chat::parse_response::<Self>(&job, &state, &response)
    }
}

impl Dialect for OpenRouter {
    const LESS_REASONING: &'static str = "let it reason less by `--setting reasoning_effort=low`";

    fn request(head: &Value, body: String) -> HttpRequest {
        let mut request = http::post_json_text(&format!("{API}/chat/completions"), body);
        // Names the caller in OpenRouter's rankings; optional, so only for those who want it.
        if let Some(title) = head["title"].as_str() {
            request.headers.push(("x-openrouter-title".to_owned(), title.as_bytes().to_vec()));
        }
        request
    }

    fn meaning(response: &HttpResponse, holder: &Value) -> Fault {
        failure::of(response, holder)
    }

    /// With a key of one's own for the model's provider (BYOK), `cost` is OpenRouter's fee alone, and the provider
    /// charges beside it.
    fn usage(usage: &Value) -> Usage {
        let known = usage::openai(usage);
        let upstream = usage["cost_details"]["upstream_inference_cost"].as_f64().filter(|_| usage["is_byok"] == true);
        let together = upstream.map(|upstream| usage["cost"].as_f64().unwrap_or_default() + upstream);
        Usage { cost_micro_usd: together.and_then(usage::micro_usd).or(known.cost_micro_usd), ..known }
    }

    /// Who ran the model: the same model may judge differently elsewhere.
    fn extras(body: &Value) -> Vec<Extra> {
        body["provider"].as_str().map(|name| ("provider".to_owned(), name.to_owned())).into_iter().collect()
    }
}

judge_provider::export!(OpenRouter);

#[cfg(test)]
mod tests;
