//! Judges through OpenAI's chat completions, or any server that speaks them (vLLM, llama.cpp, LiteLLM and others,
//! by `--endpoint`): the verdict's JSON schema goes along as a strict `response_format`.

mod failure;
mod options;
mod prepare;
mod request;
mod response;

use judge_provider::{
    AuthSlot, Body, Descriptor, Fault, HttpResponse, Job, Preparation, Previous, Provider, Settings, Step, Task, brief,
    http, prompt,
};
use options::Options;

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
        let options = Options::read(&settings)?;
        match previous {
            _ if !options.check_model => Ok(Preparation::Ready(Vec::new())),
            None => Ok(Preparation::Send(http::send(http::get("/v1/models")))),
            Some(previous) => prepare::check_model(&settings.model, &previous.response),
        }
    }

    fn brief(task: Task) -> Result<Body, Fault> {
        let body = request::body(&task, &Options::read(&task.settings)?);
        Ok(brief::of(&body))
    }

    fn build_request(job: Job) -> Result<Step, Fault> {
        let body = brief::fill(&job, &[prompt::user(&job.records).into()])?;
        Ok(Step::Send(http::send(http::post_json_text("/v1/chat/completions", body))))
    }

    fn parse_response(job: Job, _state: Vec<u8>, response: HttpResponse) -> Result<Step, Fault> {
        response::answer(&job, &response).map(Step::Done)
    }
}

judge_provider::export!(OpenAi);

#[cfg(test)]
mod tests;
