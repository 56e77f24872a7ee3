use super::contract::Contract;
use super::limits::{BRIEF_BYTES_MAX, Limits, PROFILE_BYTES_MAX, STATE_BYTES_MAX};
use super::refusal::{Refusal, chain};
use super::shared::Core;
use super::store::{self, CallState};
use super::trap;
use crate::model::{
    Body, Descriptor, Fault, FaultKind, HttpResponse, Job, Outgoing, Preparation, Previous, Settings, Step, Task,
};
use crate::provider::{Identity, Provider};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{error::Elapsed, timeout};
use wasmtime::Store;

/// A loaded component. Every call is made in a store of its own, so that nothing passes from record to record.
pub(super) struct Component {
    pub(super) guest: Guest,
    pub(super) identity: Identity,
}

/// What can be called.
pub(super) struct Guest {
    pub(super) core: Arc<Core>,
    contract: Box<dyn Contract>,
    /// Its own share of the turns: calls that wait for one wait for calls of the same component.
    turns: Semaphore,
}

impl Guest {
    /// Of what is linked and fits the contract by its names.
    pub(super) fn new(core: &Arc<Core>, contract: Box<dyn Contract>) -> Guest {
        Guest { core: Arc::clone(core), contract, turns: Semaphore::new(core.turns_each) }
    }

    /// Whether the functions have the contract's types; wasmtime looks at them in an instance only.
    pub(super) async fn check_types(&self) -> Result<(), Refusal> {
        let mut call = self.call(self.core.limits.probe()).await;
        let ended = timeout(call.limits.wall, self.contract.check_types(&mut call.store)).await;
        let types = call.end(ended).map_err(|fault| Refusal::DescribeFailed { fault: Box::new(fault) })?;
        types.map_err(|error| Refusal::ContractMismatch { reason: chain(&error) })
    }

    /// Who it says it is, under the tight limits of a probe.
    pub(super) async fn describe(&self) -> Result<Descriptor, Fault> {
        let mut call = self.call(self.core.limits.probe()).await;
        let ended = timeout(call.limits.wall, self.contract.describe(&mut call.store)).await;
        call.end(ended)
    }

    /// Waits for a turn and opens a store.
    async fn call(&self, limits: Limits) -> Call<'_> {
        let own = self.turns.acquire().await.expect("nobody closes the semaphore");
        let turn = self.core.turns.acquire().await.expect("nobody closes the semaphore");
        Call { store: store::open(&self.core.engine, &limits), limits, _turns: [turn, own] }
    }
}

/// One call of a guest.
struct Call<'a> {
    store: Store<CallState>,
    limits: Limits,
    // Dropped last: the turn is over when the store has gone from the pool.
    _turns: [SemaphorePermit<'a>; 2],
}

impl Call<'_> {
    /// What came of it. The store goes, whatever came.
    fn end<T>(self, ended: Result<wasmtime::Result<T>, Elapsed>) -> Result<T, Fault> {
        match ended {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                let state = self.store.data();
                Err(trap::fault(&error, state.meter.denied, &state.stderr, &self.limits))
            }
            Err(_) => Err(trap::wall_fault(&self.limits)),
        }
    }
}

#[async_trait]
impl Provider for Component {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn prepare(&self, settings: &Settings, previous: Option<Previous>) -> Result<Preparation, Fault> {
        let request_sent = previous.is_some();
        let mut call = self.guest.call(self.guest.core.limits).await;
        let ended = timeout(call.limits.wall, self.guest.contract.prepare(&mut call.store, settings, previous)).await;
        let preparation = call.end(ended).flatten().and_then(check_preparation);
        preparation.map_err(|fault| Fault { request_sent, ..fault })
    }

    async fn brief(&self, task: &Task) -> Result<Body, Fault> {
        let mut call = self.guest.call(self.guest.core.limits).await;
        let ended = timeout(call.limits.wall, self.guest.contract.brief(&mut call.store, task)).await;
        let brief = call.end(ended).flatten()?;
        check_size("brief", brief.as_bytes(), BRIEF_BYTES_MAX)?;
        Ok(brief)
    }

    // The contract copies what it hands over when the call has its turn, so that waiting calls hold no copies.
    async fn build_request(&self, job: &Job) -> Result<Step, Fault> {
        let mut call = self.guest.call(self.guest.core.limits).await;
        let ended = timeout(call.limits.wall, self.guest.contract.build_request(&mut call.store, job)).await;
        call.end(ended).flatten().and_then(check_step)
    }

    async fn parse_response(&self, job: &Job, state: Vec<u8>, response: HttpResponse) -> Result<Step, Fault> {
        let mut call = self.guest.call(self.guest.core.limits).await;
        let parse = self.guest.contract.parse_response(&mut call.store, job, &state, response);
        let ended = timeout(call.limits.wall, parse).await;
        let step = call.end(ended).flatten().and_then(check_step);
        step.map_err(|fault| Fault { request_sent: true, ..fault })
    }
}

fn check_step(step: Step) -> Result<Step, Fault> {
    match &step {
        Step::Send(outgoing) => check_outgoing(outgoing)?,
        Step::Done(_) => {}
    }
    Ok(step)
}

fn check_preparation(preparation: Preparation) -> Result<Preparation, Fault> {
    match &preparation {
        Preparation::Send(outgoing) => check_outgoing(outgoing)?,
        Preparation::Ready(profile) => check_size("profile", profile, PROFILE_BYTES_MAX)?,
    }
    Ok(preparation)
}

fn check_outgoing(outgoing: &Outgoing) -> Result<(), Fault> {
    check_size("state", &outgoing.state, STATE_BYTES_MAX)
}

fn check_size(what: &str, bytes: &[u8], bytes_max: usize) -> Result<(), Fault> {
    if bytes.len() <= bytes_max {
        return Ok(());
    }
    let message = format!("the component returned a {what} of {} bytes, {bytes_max} are allowed", bytes.len());
    Err(Fault::new(FaultKind::TooLarge, message).code(what))
}
