//! Judges through NVIDIA's Triton Inference Server: a language model behind the KServe v2 protocol, asked over `/infer`
//! or `/generate`. Triton knows tensors and no chats, so the preflight learns the model's tensors, and the prompt is
//! rendered here. Wire facts are those of Triton's `src/http_server.cc`, of the vLLM backend's `src/model.py`, and of
//! TensorRT-LLM's `triton_backend/all_models`; answers of a Triton 2.51 were looked at beside them.

mod failure;
mod head;
mod layout;
mod model;
mod options;
mod prepare;
mod request;
mod response;
mod template;

use judge_provider::{
    AuthSlot, Body, Descriptor, Fault, HttpResponse, Job, Preparation, Previous, Provider, Settings, Step, Task, http,
};
use options::Options;

/// The provider `triton`.
pub struct Triton;

impl Provider for Triton {
    fn describe() -> Descriptor {
        Descriptor {
            summary: "judges with a language model that a Triton Inference Server runs".to_owned(),
            default_endpoint: Some("http://localhost:8000".to_owned()),
            // Triton itself asks for no key; gateways in front of it do.
            auth: Some(AuthSlot::bearer()),
            settings: options::specs(),
            ..Descriptor::new("triton", env!("CARGO_PKG_VERSION"))
        }
    }

    fn prepare(settings: Settings, previous: Option<Previous>) -> Result<Preparation, Fault> {
        let options = Options::read(&settings)?;
        prepare::next(&settings.model, &options, previous.as_ref())
    }

    fn brief(task: Task) -> Result<Body, Fault> {
        request::brief(&task, &Options::read(&task.settings)?)
    }

    fn build_request(job: Job) -> Result<Step, Fault> {
        request::first(&job).map(|request| Step::Send(http::send(request)))
    }

    fn parse_response(job: Job, state: Vec<u8>, response: HttpResponse) -> Result<Step, Fault> {
        response::step(&job, &state, &response)
    }
}

judge_provider::export!(Triton);

#[cfg(test)]
mod tests;
