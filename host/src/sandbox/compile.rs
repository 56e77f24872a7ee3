//! From a component's bytes to machine code: what may be refused cheaply first, and within a bound of time.

use super::limits::{COMPILE_THREADS, COMPILE_WALL_MAX};
use super::refusal::chain;
use super::scanned::Scanned;
use super::{Refusal, scan};
use crate::provider::Artifact;
use std::time::Duration;
use tokio::time::timeout;
use wasmtime::{Engine, component};

/// Compiles what has the form of a component, or takes it from the cache.
pub(super) fn compile(
    engine: &Engine,
    scanned: Option<&Scanned>,
    artifact: &Artifact,
) -> Result<component::Component, Refusal> {
    check_scan(scanned, artifact)?;
    // A few threads of its own: as many as there are processors would be as many times the memory.
    let threads = rayon::ThreadPoolBuilder::new().num_threads(COMPILE_THREADS).build();
    let threads = threads.map_err(|error| Refusal::Compile { reason: error.to_string() })?;
    let compiled = threads.install(|| component::Component::from_binary(engine, artifact.bytes()));
    compiled.map_err(|error| Refusal::Compile { reason: chain(&error) })
}

/// Scans what is not known to have passed the scan.
fn check_scan(scanned: Option<&Scanned>, artifact: &Artifact) -> Result<(), Refusal> {
    let Some(scanned) = scanned else { return scan::check(artifact.bytes()) };
    if !scanned.has(artifact.digest()) {
        scan::check(artifact.bytes())?;
        scanned.note(artifact.digest());
    }
    Ok(())
}

/// Runs what compiles on a thread for blocking work, and waits for it so long and no longer.
///
/// A thread cannot be ended from outside: one that takes longer goes on to its end, which the bounds of the scan put at
/// some minutes, and what it compiled is thrown away. Nobody waits for it, and the process may end meanwhile.
pub(super) async fn in_time<T: Send + 'static>(
    compile: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    within(COMPILE_WALL_MAX, compile).await
}

async fn within<T: Send + 'static>(
    wall: Duration,
    compile: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    match timeout(wall, tokio::task::spawn_blocking(compile)).await {
        Ok(Ok(compiled)) => compiled,
        Ok(Err(_)) => Err(Refusal::Compile { reason: "the compiler gave up".to_owned() }),
        Err(_) => Err(Refusal::CompileTime { wall }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_compilation_without_an_end_is_not_waited_for() {
        let (go_on, waits) = mpsc::channel::<()>();
        let (tell, ended) = mpsc::channel();
        let endless = move || {
            let _ = waits.recv();
            tell.send(()).map_err(|_| Refusal::NotWasm)
        };
        let refusal = within(Duration::from_millis(1), endless).await.expect_err("it has no end");
        assert!(matches!(refusal, Refusal::CompileTime { .. }), "{refusal:?}");
        assert_eq!(refusal.to_string(), "not compiled within 1ms");
        drop(go_on);
        assert_eq!(ended.recv_timeout(Duration::from_mins(1)), Ok(()), "its thread goes on to its end");
    }

    #[tokio::test]
    async fn a_compiler_that_panics_is_a_refusal() {
        let refusal = within(Duration::MAX, || -> Result<(), Refusal> { panic!("a bug in the compiler") }).await;
        assert!(matches!(refusal, Err(Refusal::Compile { .. })), "{refusal:?}");
    }
}
