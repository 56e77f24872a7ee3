//! Judges through Anthropic's Messages API: the verdict's JSON schema goes along as `output_config.format`, or as the
//! input of a forced tool, and what all records share is marked for the server's prompt cache.
//! Wire facts are those of Anthropic's docs (platform.claude.com, 2026) and of `anthropic-sdk-python` 0.121.

mod failure;
mod options;
mod prepare;
mod request;
mod response;

use judge_provider::{
    AuthSlot, Body, Descriptor, Fault, HttpResponse, Job, Preparation, Previous, Provider, Settings, Step, Task, http,
};
use options::Options;

/// The provider `anthropic`.
pub struct Anthropic;

impl Provider for Anthropic {
    fn describe() -> Descriptor {
        Descriptor {
            summary: "judges with Anthropic's Messages API, which knows no seed: --seed is left out".to_owned(),
            default_endpoint: Some("https://api.anthropic.com".to_owned()),
            default_model: Some("claude-haiku-4-5".to_owned()),
            auth: Some(AuthSlot { header: "x-api-key".to_owned(), prefix: String::new() }),
            settings: options::specs(),
            ..Descriptor::new("anthropic", env!("CARGO_PKG_VERSION"))
        }
    }

    fn prepare(settings: Settings, previous: Option<Previous>) -> Result<Preparation, Fault> {
        let options = Options::read(&settings)?;
        match previous {
            _ if !options.check_model => Ok(Preparation::Ready(Vec::new())),
            None => Ok(Preparation::Send(http::send(prepare::request(&settings.model)))),
            Some(previous) => prepare::check_model(&settings.model, options.form, &previous.response),
        }
    }

    fn brief(task: Task) -> Result<Body, Fault> {
        Ok(request::brief(&task, &Options::read(&task.settings)?))
    }

    fn build_request(job: Job) -> Result<Step, Fault> {
        Ok(Step::Send(http::send(request::first(&job)?)))
    }

    fn parse_response(job: Job, state: Vec<u8>, response: HttpResponse) -> Result<Step, Fault> {
        response::step(&job, &state, &response)
    }
}

judge_provider::export!(Anthropic);

#[cfg(test)]
mod tests;
