use crate::control::retry::RetryPolicy;
use crate::model::{Fault, Preparation, Previous, Settings};
use crate::provider::Provider;
use crate::transport::Transport;
use std::time::{Duration, Instant};

/// The most requests of one preparation; the contract says so.
pub const SENDS_MAX: usize = 8;

/// The preflight before a run: the provider looks at the server, and what it learned goes into every job.
/// Faults that pass by themselves (a server that is loading its model) are waited out as in a run.
///
/// # Errors
/// The fault that a run would end in, record by record.
pub async fn prepare(
    provider: &dyn Provider,
    transport: Option<&dyn Transport>,
    settings: &Settings,
    retry: &RetryPolicy,
    total_timeout: Duration,
) -> Result<Vec<u8>, Fault> {
    let begun = Instant::now();
    let mut attempts = 0;
    loop {
        let left = total_timeout.saturating_sub(begun.elapsed());
        let fault = match tokio::time::timeout(left, attempt(provider, transport, settings)).await {
            Ok(Ok(profile)) => return Ok(profile),
            Ok(Err(fault)) => fault,
            Err(_) => return Err(super::deadline::out_of_time("preparation", total_timeout)),
        };
        attempts += 1;
        let left = total_timeout.saturating_sub(begun.elapsed());
        match retry.wait(&fault, attempts, left, fastrand::f64()) {
            Some(wait) => tokio::time::sleep(wait).await,
            None => return Err(fault),
        }
    }
}

async fn attempt(
    provider: &dyn Provider,
    transport: Option<&dyn Transport>,
    settings: &Settings,
) -> Result<Vec<u8>, Fault> {
    let (mut previous, mut sends) = (None, 0);
    loop {
        let outgoing = match provider.prepare(settings, previous).await? {
            Preparation::Ready(profile) => return Ok(profile),
            Preparation::Send(_) if sends == SENDS_MAX => {
                return Err(super::attempts::too_many_sends("preparation", SENDS_MAX));
            }
            Preparation::Send(outgoing) => outgoing,
        };
        let transport = transport.ok_or_else(super::link::no_endpoint)?;
        let response = transport.send(&outgoing.request).await?;
        sends += 1;
        previous = Some(Previous { state: outgoing.state, response });
    }
}
