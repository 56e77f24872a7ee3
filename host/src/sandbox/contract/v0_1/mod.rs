//! Version 0.1 of the contract: its calls, and the conversions between its types and ours. These are total: every value
//! of one side has its like on the other.

mod bindings;
mod from_guest;
mod to_guest;

use super::{Contract, Version};
use crate::model::{Body, Descriptor, Fault, HttpResponse, Job, Preparation, Previous, Settings, Step, Task};
use crate::sandbox::store::CallState;
use async_trait::async_trait;
use bindings::{JudgeProvider, JudgeProviderPre};
use wasmtime::component::InstancePre;
use wasmtime::{Result, Store};

/// How the host speaks it.
pub(in crate::sandbox) const VERSION: Version = Version { number: "0.1.0", bind };

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
        Ok(from_guest::descriptor(descriptor))
    }

    async fn prepare(
        &self,
        store: &mut Store<CallState>,
        settings: &Settings,
        previous: Option<Previous>,
    ) -> Result<Result<Preparation, Fault>> {
        let (settings, previous) = (to_guest::settings(settings), previous.map(to_guest::previous));
        let instance = self.0.instantiate_async(&mut *store).await?;
        let told = instance.judge_provider_provider().call_prepare(store, &settings, previous.as_ref()).await?;
        Ok(told.map(from_guest::preparation).map_err(from_guest::fault))
    }

    async fn brief(&self, store: &mut Store<CallState>, task: &Task) -> Result<Result<Body, Fault>> {
        let task = to_guest::task(task);
        let instance = self.0.instantiate_async(&mut *store).await?;
        let told = instance.judge_provider_provider().call_brief(store, &task).await?;
        Ok(told.map(from_guest::body).map_err(from_guest::fault))
    }

    async fn build_request(&self, store: &mut Store<CallState>, job: &Job) -> Result<Result<Step, Fault>> {
        let job = to_guest::job(job);
        let instance = self.0.instantiate_async(&mut *store).await?;
        let told = instance.judge_provider_provider().call_build_request(store, &job).await?;
        Ok(told.map(from_guest::step).map_err(from_guest::fault))
    }

    async fn parse_response(
        &self,
        store: &mut Store<CallState>,
        job: &Job,
        state: &[u8],
        response: HttpResponse,
    ) -> Result<Result<Step, Fault>> {
        let (job, response) = (to_guest::job(job), to_guest::response(response));
        let instance = self.0.instantiate_async(&mut *store).await?;
        let told = instance.judge_provider_provider().call_parse_response(store, &job, state, &response).await?;
        Ok(told.map(from_guest::step).map_err(from_guest::fault))
    }
}
