//! From a component's bytes to machine code: what may be refused cheaply first, and within a bound of time.

use super::limits::{COMPILE_THREADS, COMPILE_WALL_MAX};
use super::refusal::chain;
use super::scanned::Scanned;
use super::{Refusal, scan};
use crate::provider::Artifact;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use wasmtime::{Engine, component};

/// Makes code of what has the form of a component. Its copies share what they have.
#[derive(Clone)]
pub(super) struct Compiler {
    engine: Engine,
    /// Which files need no scan; none where nothing is kept between runs.
    scanned: Option<Scanned>,
    /// Takes from the cache what was compiled before. It stays, as a thread that is new has to get all its memory from the
    /// system first, which takes longer than the taking; and it is one of a pool for when the cache has lost the code.
    taker: Option<Arc<ThreadPool>>,
}

impl Compiler {
    /// For an engine, whose cache is where the marks of what was scanned are.
    pub(super) fn new(engine: &Engine, scanned: Option<Scanned>) -> Compiler {
        let taker = scanned.as_ref().and_then(|_| threads(1).ok()).map(Arc::new);
        Compiler { engine: engine.clone(), scanned, taker }
    }

    /// Compiles a component, or takes it from the cache.
    ///
    /// # Errors
    /// What of it is beyond the bounds of the scan, or what the compiler says.
    pub(super) fn compile(&self, artifact: &Artifact) -> Result<component::Component, Refusal> {
        let is_known = self.scanned.as_ref().is_some_and(|scanned| scanned.has(artifact.digest()));
        if !is_known {
            scan::check(artifact.bytes())?;
            if let Some(scanned) = &self.scanned {
                scanned.note(artifact.digest());
            }
        }
        let compile = || component::Component::from_binary(&self.engine, artifact.bytes());
        let compiled = match &self.taker {
            Some(taker) if is_known => taker.install(compile),
            // A few threads of its own: as many as there are processors would be as many times the memory.
            _ => threads(COMPILE_THREADS)
                .map_err(|error| Refusal::Compile { reason: error.to_string() })?
                .install(compile),
        };
        compiled.map_err(|error| Refusal::Compile { reason: chain(&error) })
    }
}

fn threads(count: usize) -> Result<ThreadPool, ThreadPoolBuildError> {
    ThreadPoolBuilder::new().num_threads(count).build()
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
