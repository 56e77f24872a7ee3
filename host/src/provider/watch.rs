//! A folder as it changes. The system's events only say that it is time to look; what is there is what counts, so a lost
//! event costs time and nothing else.

use super::settle::{Settling, Touched};
use super::stamp::stamps;
use super::{Catalog, CatalogError};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How often the folder is looked at without an event: network file systems and some containers send none, and some
/// systems run out of watches.
const POLL: Duration = Duration::from_secs(2);
/// The shortest time between two looks: a file that is being written causes an event for every block.
const PAUSE: Duration = Duration::from_millis(20);

/// Follows the folder of a catalog from its last scan on.
pub struct Watch {
    folder: PathBuf,
    settling: Settling,
    bell: Arc<Notify>,
    // Held for its drop; none where the system gives none.
    _watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Begins with what the catalog saw when it was scanned: what changed since then is told, too.
    pub fn of(catalog: &Catalog) -> Watch {
        let bell = Arc::new(Notify::new());
        let watcher = listen(catalog.folder(), Arc::clone(&bell));
        Watch {
            folder: catalog.folder().to_owned(),
            settling: Settling::new(catalog.seen().clone()),
            bell,
            _watcher: watcher.ok(),
        }
    }

    /// Waits for files that changed and are quiet again.
    ///
    /// Dropping the future loses nothing: the next call looks again.
    ///
    /// # Errors
    /// Where the folder cannot be looked at; the next call tries again, a while later.
    pub async fn next(&mut self) -> Result<Vec<Touched>, CatalogError> {
        loop {
            let wait = self.settling.next().map_or(POLL, |due| due.saturating_duration_since(Instant::now()));
            tokio::select! {
                () = self.bell.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
            tokio::time::sleep(PAUSE).await;
            let folder = self.folder.clone();
            // A network folder may take its time to answer.
            let looked = tokio::task::spawn_blocking(move || stamps(&folder)).await;
            let now_there = match looked {
                Ok(Ok(now_there)) => now_there,
                Ok(Err(error)) => {
                    tokio::time::sleep(POLL).await;
                    return Err(error);
                }
                // Only when the runtime ends.
                Err(_) => return std::future::pending().await,
            };
            let touched = self.settling.look(&now_there, Instant::now());
            if !touched.is_empty() {
                return Ok(touched);
            }
        }
    }
}

fn listen(folder: &Path, bell: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // To look is to open the folder, and must not be a reason to look.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            bell.notify_one();
        }
    })?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}
