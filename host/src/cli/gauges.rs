//! What GPUs and servers tell of themselves while a run goes on, read beside it and shown in its progress.

use judge_host::config::start_for_vram;
use judge_host::gauge::{Gpu, Gpus, ServerGauges};
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::task::AbortOnDropHandle;

/// How often they are read: often enough to see a card fill, and seldom enough to cost nothing.
const READ_EVERY: Duration = Duration::from_secs(2);

/// Where there is something to read.
#[derive(Default)]
pub(super) struct Gauges {
    /// This machine's cards, where a server that is asked is on this machine.
    pub(super) gpus: Option<Gpus>,
    /// The gauges of the servers, where the operator named them.
    pub(super) servers: Vec<ServerGauges>,
}

/// The last reading, in words; it is renewed while this lives.
pub(super) struct Readings {
    words: Arc<Mutex<Option<String>>>,
    _reading: Option<AbortOnDropHandle<()>>,
}

impl Gauges {
    /// With how many in flight a search begins, by the largest card of this machine; none where there is none.
    pub(super) fn start(&self) -> Option<NonZeroUsize> {
        let largest = self.gpus.as_ref()?.read().iter().map(Gpu::memory_gb).max()?;
        Some(start_for_vram(NonZeroU32::new(largest)?).start)
    }

    /// Reads them from now on.
    pub(super) fn read(self: &Arc<Self>) -> Readings {
        let words = Arc::new(Mutex::new(None));
        let is_idle = self.gpus.is_none() && self.servers.is_empty();
        let reading = (!is_idle).then(|| {
            let (gauges, words) = (Arc::clone(self), Arc::clone(&words));
            AbortOnDropHandle::new(tokio::spawn(async move {
                let mut ticks = tokio::time::interval(READ_EVERY);
                loop {
                    ticks.tick().await;
                    let read = gauges.words().await;
                    *words.lock().unwrap_or_else(PoisonError::into_inner) = read;
                }
            }))
        });
        Readings { words, _reading: reading }
    }

    /// None where nothing answers.
    async fn words(self: &Arc<Self>) -> Option<String> {
        let gauges = Arc::clone(self);
        // The driver may block.
        let gpus = tokio::task::spawn_blocking(move || gauges.gpus.as_ref().map(Gpus::read)).await;
        let mut told: Vec<_> = gpus.ok().flatten().unwrap_or_default().iter().map(Gpu::to_string).collect();
        for server in &self.servers {
            told.extend(server.read().await.ok().map(|load| load.to_string()));
        }
        (!told.is_empty()).then(|| told.join(", "))
    }
}

impl Readings {
    pub(super) fn words(&self) -> Option<String> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
