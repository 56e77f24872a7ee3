//! Judges through an Ollama server: `POST /api/chat` with the verdict's JSON schema as `format`.
//! Wire facts are those of Ollama 0.33 (`server/routes.go`, `api/types.go`), and of older releases where it is said.

mod failure;
mod options;
mod prepare;
mod profile;
mod request;
mod response;

use judge_provider::{
    AuthSlot, Body, Descriptor, Fault, HttpResponse, Job, Preparation, Previous, Provider, Settings, Step, Task, http,
};
use options::Options;
use profile::Profile;

/// The provider `ollama`.
pub struct Ollama;

impl Provider for Ollama {
    fn describe() -> Descriptor {
        Descriptor {
            summary: "judges with a model that an Ollama server runs".to_owned(),
            default_endpoint: Some("http://localhost:11434".to_owned()),
            // A local server asks for no key; a hosted one and reverse proxies do.
            auth: Some(AuthSlot::bearer()),
            settings: options::specs(),
            ..Descriptor::new("ollama", env!("CARGO_PKG_VERSION"))
        }
    }

    fn prepare(settings: Settings, previous: Option<Previous>) -> Result<Preparation, Fault> {
        prepare::next(&settings, &Options::read(&settings)?, previous)
    }

    fn brief(task: Task) -> Result<Body, Fault> {
        Ok(request::brief(&task, &Options::read(&task.settings)?, &Profile::read(&task.profile)))
    }

    fn build_request(job: Job) -> Result<Step, Fault> {
        let request = http::post_json_text(request::PATH, request::body(&job)?);
        Ok(Step::Send(http::send(request)))
    }

    fn parse_response(job: Job, state: Vec<u8>, response: HttpResponse) -> Result<Step, Fault> {
        response::step(&job, &state, &response)
    }
}

judge_provider::export!(Ollama);

#[cfg(test)]
mod tests;
