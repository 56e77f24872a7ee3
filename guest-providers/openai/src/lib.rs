//! Judges through OpenAI's chat completions, or any server that speaks them (vLLM, llama.cpp, LiteLLM and others,
//! by `--endpoint`): the verdict's JSON schema goes along as a strict `response_format`. What the server or model
//! does not take is found out once, before the run.

mod failure;
mod options;
mod prepare;
mod probe;
mod refusal;

use judge_provider::chat::{self, Dialect, Learned};
use judge_provider::serde_json::Value;
use judge_provider::{
    AuthSlot, Body, Descriptor, Fault, HttpRequest, HttpResponse, Job, Preparation, Previous, Provider, Settings, Step,
    Task, http,
};
use options::Options;

/// Where completions are asked for.
const CHAT: &str = "/v1/chat/completions";

/// The provider `openai`.
pub struct OpenAi;

impl Provider for OpenAi {
    fn describe() -> Descriptor {
        Descriptor {
            summary: "judges with OpenAI's chat completions, or a server compatible with them".to_owned(),
            default_endpoint: Some("https://api.openai.com/v1".to_owned()),
            default_model: Some("gpt-4o-mini".to_owned()),
            auth: Some(AuthSlot::bearer()),
            settings: options::specs(),
            ..Descriptor::new("openai", env!("CARGO_PKG_VERSION"))
        }
    }

    fn prepare(settings: Settings, previous: Option<Previous>) -> Result<Preparation, Fault> {
        prepare::step(&settings, &Options::read(&settings)?, previous)
    }

    fn brief(task: Task) -> Result<Body, Fault> {
        let learned = Learned::of_profile(&task.profile)?;
        let parameters = Options::read(&task.settings)?.parameters(&task.settings, task.records_max, &learned);
        chat::brief(&task, &parameters, &learned, &[])
    }

    fn build_request(job: Job) -> Result<Step, Fault> {
        chat::build_request::<Self>(&job)
    }

    fn parse_response(job: Job, state: Vec<u8>, response: HttpResponse) -> Result<Step, Fault> {
        chat::parse_response::<Self>(&job, &state, &response)
    }
}

impl Dialect for OpenAi {
    const LESS_REASONING: &'static str = "let it reason less by `--setting reasoning_effort=low`, or not at all by \
        `--setting thinking=off` (vLLM, llama.cpp)";

    fn request(_head: &Value, body: String) -> HttpRequest {
        http::post_json_text(CHAT, body)
    }

    fn meaning(response: &HttpResponse, holder: &Value) -> Fault {
        failure::of(response, holder)
    }
}

judge_provider::export!(OpenAi);

#[cfg(test)]
mod tests;
