//! Version 0.1 of the contract: its calls, and the conversions between its types and ours. These are total: every value
//! of one side has its like on the other.

mod bindings;
mod from_guest;
mod job;
mod task;
mod to_guest;

use super::{Contract, Version};
use crate::model::{Body, Descriptor, Fault, HttpResponse, Job, Preparation, Previous, Settings, Step, Task};
use crate::sandbox::store::CallState;
use async_trait::async_trait;
use bindings::{JudgeProvider, JudgeProviderPre, contract as guest};
use job::{JobParam, Lists};
use task::{Parts, TaskParam};
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Lower, TypedFunc};
use wasmtime::{Result, Store};

/// How the host speaks it.
pub(in crate::sandbox) const VERSION: Version = Version { number: "0.1.0", bind };

/// What the host calls.
const INTERFACE: &str = "judge:provider/provider@0.1.0";

/// What `parse-response` takes.
type ResponseParams<'a> = (JobParam<'a>, &'a [u8], &'a guest::HttpResponse);

/// What a call returns.
type Told<T> = (Result<T, guest::Fault>,);

struct Bound {
    pre: JudgeProviderPre<CallState>,
    brief: ComponentExportIndex,
    build_request: ComponentExportIndex,
    parse_response: ComponentExportIndex,
}

fn bind(pre: InstancePre<CallState>) -> Result<Box<dyn Contract>> {
    let component = pre.component().clone();
    // Looks for all that there has to be, and says what is missing.
    let pre = JudgeProviderPre::new(pre)?;
    let interface = component.get_export_index(None, INTERFACE);
    let function = |name: &str| {
        let found = interface.as_ref().and_then(|interface| component.get_export_index(Some(interface), name));
        found.ok_or_else(|| wasmtime::Error::msg(format!("no function `{name}`")))
    };
    let (brief, build_request) = (function("brief")?, function("build-request")?);
    Ok(Box::new(Bound { pre, brief, build_request, parse_response: function("parse-response")? }))
}

impl Bound {
    /// One function in a new instance. The bindings would look at the types of all functions for it.
    async fn function<Params, T>(
        &self,
        store: &mut Store<CallState>,
        function: &ComponentExportIndex,
    ) -> Result<TypedFunc<Params, Told<T>>>
    where
        Params: ComponentNamedList + Lower,
        T: Lift + Send + Sync + 'static,
    {
        let instance = self.pre.instance_pre().instantiate_async(&mut *store).await?;
        instance.get_typed_func(store, function)
    }
}

#[async_trait]
impl Contract for Bound {
    async fn check_types(&self, store: &mut Store<CallState>) -> Result<Result<()>> {
        let instance = self.pre.instance_pre().instantiate_async(&mut *store).await?;
        Ok(JudgeProvider::new(store, &instance).map(drop))
    }

    async fn describe(&self, store: &mut Store<CallState>) -> Result<Descriptor> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
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
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let told = instance.judge_provider_provider().call_prepare(store, &settings, previous.as_ref()).await?;
        Ok(told.map(from_guest::preparation).map_err(from_guest::fault))
    }

    async fn brief(&self, store: &mut Store<CallState>, task: &Task) -> Result<Result<Body, Fault>> {
        let parts = Parts::of(task);
        let brief = self.function::<(TaskParam<'_>,), guest::Body>(store, &self.brief).await?;
        let (told,) = brief.call_async(store, (parts.task(task),)).await?;
        Ok(told.map(from_guest::body).map_err(from_guest::fault))
    }

    async fn build_request(&self, store: &mut Store<CallState>, job: &Job) -> Result<Result<Step, Fault>> {
        let lists = Lists::of(job);
        let build = self.function::<(JobParam<'_>,), guest::Step>(store, &self.build_request).await?;
        let (told,) = build.call_async(store, (lists.job(job),)).await?;
        Ok(told.map(from_guest::step).map_err(from_guest::fault))
    }

    async fn parse_response(
        &self,
        store: &mut Store<CallState>,
        job: &Job,
        state: &[u8],
        response: HttpResponse,
    ) -> Result<Result<Step, Fault>> {
        let (lists, response) = (Lists::of(job), to_guest::response(response));
        let parse = self.function::<ResponseParams<'_>, guest::Step>(store, &self.parse_response).await?;
        let (told,) = parse.call_async(store, (lists.job(job), state, &response)).await?;
        Ok(told.map(from_guest::step).map_err(from_guest::fault))
    }
}
