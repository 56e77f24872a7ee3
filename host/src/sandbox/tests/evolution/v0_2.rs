//! The adapter of the next version: what it would be in `contract/`.

use crate::model::{
    Answer, Body, Choice, Confidence, Descriptor, Fault, HttpRequest, HttpResponse, Job, Outgoing, Preparation,
    Previous, Settings, Step, Task, Verdict,
};
use crate::sandbox::contract::{Contract, Version};
use crate::sandbox::store::CallState;
use async_trait::async_trait;
use bindings::exports::judge::provider::provider as guest;
use bindings::{JudgeProvider, JudgeProviderPre};
use wasmtime::component::InstancePre;
use wasmtime::{Result, Store};

mod bindings {
    wasmtime::component::bindgen!({
        path: "src/sandbox/tests/evolution/provider.wit",
        world: "judge-provider",
        exports: { default: async },
    });
}

/// From so many percent on, a verdict is one of high confidence, and of medium.
const HIGH: u8 = 80;
const MEDIUM: u8 = 40;

pub(super) const VERSION: Version = Version { number: "0.2.0", bind };

struct Bound(JudgeProviderPre<CallState>);

fn bind(pre: InstancePre<CallState>) -> Result<Box<dyn Contract>> {
    Ok(Box::new(Bound(JudgeProviderPre::new(pre)?)))
}

#[async_trait]
impl Contract for Bound {
    async fn check_types(&self, store: &mut Store<CallState>) -> Result<Result<()>> {
        let instance = self.0.instance_pre().instantiate_async(&mut *store).await?;
        Ok(JudgeProvider::new(store, &instance).map(drop))
    }

    async fn describe(&self, store: &mut Store<CallState>) -> Result<Descriptor> {
        let instance = self.0.instantiate_async(&mut *store).await?;
        let descriptor = instance.judge_provider_provider().call_describe(store).await?;
        Ok(Descriptor { id: descriptor.id, version: descriptor.version, ..Descriptor::default() })
    }

    async fn prepare(
        &self,
        _: &mut Store<CallState>,
        _: &Settings,
        _: Option<Previous>,
    ) -> Result<Result<Preparation, Fault>> {
        Ok(Ok(Preparation::Ready(Vec::new())))
    }

    async fn brief(&self, _: &mut Store<CallState>, _: &Task) -> Result<Result<Body, Fault>> {
        Ok(Ok(Body::Text(String::new())))
    }

    async fn build_request(&self, store: &mut Store<CallState>, job: &Job) -> Result<Result<Step, Fault>> {
        let instance = self.0.instantiate_async(&mut *store).await?;
        let told = instance.judge_provider_provider().call_build_request(store, &to_guest(job)).await?;
        Ok(Ok(step(job, told)))
    }

    async fn parse_response(
        &self,
        store: &mut Store<CallState>,
        job: &Job,
        _: &[u8],
        response: HttpResponse,
    ) -> Result<Result<Step, Fault>> {
        let body = String::from_utf8_lossy(response.body.as_bytes());
        let instance = self.0.instantiate_async(&mut *store).await?;
        let provider = instance.judge_provider_provider();
        let told = provider.call_parse_response(store, &to_guest(job), response.status, &body).await?;
        Ok(Ok(step(job, told)))
    }
}

/// The one record of a job.
fn to_guest(job: &Job) -> guest::Job {
    let record = job.records.first().expect("a job has a record");
    guest::Job {
        record_id: record.request_id.clone(),
        text: record.text.clone(),
        language: job.task.instructions.rationale_language.clone(),
        candidate_ids: job.task.candidate_ids().cloned().collect(),
    }
}

fn step(job: &Job, step: guest::Step) -> Step {
    match step {
        guest::Step::Send(path_and_query) => {
            let request = HttpRequest { method: "GET".to_owned(), path_and_query, headers: Vec::new(), body: None };
            Step::Send(Outgoing { request, state: Vec::new() })
        }
        guest::Step::Done(verdict) => {
            let confidence = match verdict.score {
                HIGH.. => Confidence::High,
                MEDIUM.. => Confidence::Medium,
                _ => Confidence::Low,
            };
            let verdict = Verdict {
                record_id: job.records[0].request_id.clone(),
                choice: verdict.cluster_id.map_or(Choice::Skip, Choice::Assign),
                confidence,
                rationale: String::new(),
            };
            Step::Done(Answer { verdicts: vec![verdict], ..Answer::default() })
        }
    }
}
