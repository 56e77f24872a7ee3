//! The clusters and the outcomes: wait-free snapshots for readers, one committer for writers, one file on the disk.
//!
//! A reader takes a [`Snapshot`] by one atomic load and keeps it as long as it likes. A writer sends its change to
//! the committer, which makes a group of them durable in one transaction, publishes the next snapshot, and then
//! answers: what a snapshot shows is on the disk, and so is what a writer was told. This room knows the model, and
//! nothing of providers, jobs or HTTP.

mod births;
mod candidates;
mod committer;
mod counted;
mod counts;
#[cfg(test)]
mod counts_tests;
mod draft;
mod error;
pub mod exchange;
mod index;
mod next;
mod operate;
mod ordinals;
mod read;
#[cfg(test)]
mod schedule_tests;
mod slug;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;

pub use births::{ALIKE_MIN, BirthTurn};
pub use candidates::{BIRTHS_SHOWN_MAX, SHOWN_TOGETHER_MAX};
pub use committer::{GATHER_MAX, GROUP_MAX, QUEUE_MAX};
pub use draft::{ClusterDraft, UpsertReport};
pub use error::{Cause, RegistryError};
pub use index::UNCHOSEN_MAX;
pub use operate::MergeReport;
pub use snapshot::Snapshot;
pub use store::{SeenIds, recent_counts_min};

use crate::model::{Births, Cluster, Decision, Durability, Outcome};
use arc_swap::ArcSwap;
use committer::{Command, Committer};
use index::BuildAhead;
use next::Placement;
use read::read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{Access, Lock, Reader, Writer};
use tempfile::TempDir;

/// An outcome that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The epoch that it became durable in.
    pub epoch: u64,
    /// The outcome as it was committed: a new cluster has its id.
    pub outcome: Outcome,
}

/// What became of an outcome that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is durable.
    Committed(Committed),
    /// It proposes a cluster while others were born that the judge could not see. Nothing has changed: the record is to
    /// be judged again on the newest snapshot.
    Overtaken(Outcome),
}

/// The clusters and outcomes of one file. To be shared as `Arc<Registry>`.
///
/// Dropping it waits until the committer has written what is queued.
pub struct Registry {
    // The fields are dropped in this order: the committer ends before the lock is given up, the file is closed
    // before its temporary folder is removed.
    /// None where the file was opened for reading, or has few clusters.
    _index: Option<BuildAhead>,
    /// None where the file was opened for reading.
    committer: Option<Committer>,
    current: Arc<ArcSwap<Snapshot>>,
    /// For single look-ups. A mutex of microseconds, off the path of the snapshots.
    reader: Mutex<Reader>,
    path: PathBuf,
    _lock: Option<Lock>,
    _temporary: Option<TempDir>,
}

impl Registry {
    /// Opens a registry to read and write, and makes the file where there is none. Where it has more clusters than
    /// [`UNCHOSEN_MAX`], the index to choose candidates by is then built in the background.
    ///
    /// # Errors
    /// Where the file is in use by another host, of a later version, read-only, no registry, or cannot be opened.
    pub fn open(path: &Path) -> Result<Registry, RegistryError> {
        Registry::open_as(path, Durability::Full)
    }

    /// The same, with commits answered as soon as this says.
    ///
    /// # Errors
    /// As [`Registry::open`].
    pub fn open_as(path: &Path, durability: Durability) -> Result<Registry, RegistryError> {
        store::check_file(path, Access::Write(durability))?;
        let lock = Lock::take(path)?;
        let writer = Writer::open(path, durability)?;
        let (reader, current) = read(path, Access::ReadBeside)?;
        let committer = Committer::start(writer, Arc::clone(&current))
            .map_err(|error| RegistryError::Open { path: path.to_owned(), source: Arc::new(error) })?;
        Ok(Registry {
            _index: BuildAhead::start(current.load_full()),
            committer: Some(committer),
            current,
            reader,
            path: path.to_owned(),
            _lock: Some(lock),
            _temporary: None,
        })
    }

    /// Opens a registry to read, as it is now; also one that another host writes to. Every change is refused.
    ///
    /// # Errors
    /// Where there is no such file, it is of a later version, no registry, or cannot be opened.
    pub fn open_read_only(path: &Path) -> Result<Registry, RegistryError> {
        store::check_file(path, Access::ReadOnly)?;
        let (reader, current) = read(path, Access::ReadOnly)?;
        Ok(Registry {
            _index: None,
            committer: None,
            current,
            reader,
            path: path.to_owned(),
            _lock: None,
            _temporary: None,
        })
    }

    /// Makes a registry that is gone when it is dropped.
    ///
    /// # Errors
    /// Where no file can be made in the system's folder for temporary ones.
    pub fn temporary() -> Result<Registry, RegistryError> {
        let folder = TempDir::with_prefix("judge-host-")
            .map_err(|error| RegistryError::Open { path: std::env::temp_dir(), source: Arc::new(error) })?;
        let registry = Registry::open(&folder.path().join("judge.db"))?;
        Ok(Registry { _temporary: Some(folder), ..registry })
    }

    /// The latest epoch. One atomic load: it never waits, whatever the committer does.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Inserts clusters, or changes those that are there by their ids; see [`ClusterDraft`]. A cluster that is there
    /// keeps its count. Several drafts of one id apply in their order.
    ///
    /// Dropped before it is done, it is either carried out whole or not at all.
    ///
    /// # Errors
    /// Where an id is empty, or the store fails: then nothing has changed.
    pub async fn upsert(&self, clusters: Vec<ClusterDraft>) -> Result<UpsertReport, RegistryError> {
        if clusters.iter().any(|draft| draft.cluster_id.is_empty()) {
            return Err(RegistryError::Invalid { problem: "a cluster without an id" });
        }
        self.committer()?.ask(|reply| Command::Upsert { drafts: clusters, reply }).await
    }

    /// Commits a record's outcome, and counts the record where its verdict places it. `text` is the record's, to be
    /// a sample of a cluster that it gave birth to. Returns when that is durable.
    ///
    /// A second verdict on the same record of a batch replaces the first, and the count moves with it; a fault replaces
    /// a fault, never a verdict. A new cluster
    /// whose id is already there, and not retired, is that cluster: the decision stays `new_cluster`. The samples
    /// of a cluster that is still tentative grow to five by such records; an assignment never changes them.
    ///
    /// Dropped before it is done, the outcome may be committed or not; if it is, it is so whole.
    ///
    /// # Errors
    /// Where the verdict's cluster is unknown or missing, or the store fails: then nothing has changed.
    pub async fn record_assignment(&self, outcome: Outcome, text: Option<&str>) -> Result<Committed, RegistryError> {
        match self.record(outcome, text, Births::Free, None).await? {
            Recorded::Committed(committed) => Ok(committed),
            Recorded::Overtaken(_) => Err(RegistryError::Stopped),
        }
    }

    /// The same, but for a new cluster whose judge was shown an epoch (the outcome's) that is not the newest: where
    /// `births` has it stand back, nothing is committed. Whoever holds `turn` is overtaken only by what was on its way
    /// when it took it.
    ///
    /// Dropped before it is done, the outcome may be committed or not; if it is, it is so whole.
    ///
    /// # Errors
    /// As [`Registry::record_assignment`].
    pub async fn record(
        &self,
        outcome: Outcome,
        text: Option<&str>,
        births: Births,
        turn: Option<&BirthTurn<'_>>,
    ) -> Result<Recorded, RegistryError> {
        let placement = placement(&self.snapshot(), &outcome, text)?;
        let (outcome, has_turn) = (Box::new(outcome), turn.is_some());
        self.committer()?.ask(|reply| Command::Record { outcome, placement, births, has_turn, reply }).await
    }

    /// Waits for the turn of giving birth: until it is dropped, new clusters of all others stand back, except where
    /// they are [`Births::Free`].
    ///
    /// # Errors
    /// Where the registry was opened for reading.
    pub async fn birth_turn(&self) -> Result<BirthTurn<'_>, RegistryError> {
        Ok(self.committer()?.turns.take().await)
    }

    /// The clusters with the most records first, equals in the order of birth; all of them, or so many.
    pub fn list_clusters(&self, limit: Option<usize>) -> Vec<Arc<Cluster>> {
        self.snapshot().largest(limit.unwrap_or(usize::MAX))
    }

    /// The cluster with this id, retired or not.
    pub fn get_cluster(&self, cluster_id: &str) -> Option<Arc<Cluster>> {
        self.snapshot().get(cluster_id)
    }

    /// Whether a verdict on this record is committed. A record that failed is to be judged again.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn judged(&self, batch_id: &str, request_id: &str) -> Result<bool, RegistryError> {
        self.reader().judged(batch_id, request_id)
    }

    /// The outcome of this record, if one is committed.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn outcome(&self, batch_id: &str, request_id: &str) -> Result<Option<Outcome>, RegistryError> {
        self.reader().outcome(batch_id, request_id)
    }

    /// Hands over the outcomes, of one batch or of all, one at a time in the order of their commits. Those that are
    /// committed meanwhile are not among them.
    ///
    /// # Errors
    /// Where the store fails, or `each` does.
    pub fn outcomes<E: From<RegistryError>>(
        &self,
        batch_id: Option<&str>,
        each: &mut dyn FnMut(Outcome) -> Result<(), E>,
    ) -> Result<(), E> {
        // A connection of its own: `each` takes its time, and may ask this registry something.
        Reader::open(&self.path, self.reading())?.outcomes(batch_id, each)
    }

    /// The output file that the batch last wrote, as it was given.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn sink_of(&self, batch_id: &str) -> Result<Option<PathBuf>, RegistryError> {
        self.reader().sink_of(batch_id)
    }

    /// Remembers the output file that the batch writes. Waits for the disk.
    ///
    /// # Errors
    /// Where the path is not Unicode, or the store fails.
    pub fn set_sink(&self, batch_id: &str, path: &Path) -> Result<(), RegistryError> {
        self.committer()?;
        let path = path.to_str().ok_or(RegistryError::Invalid { problem: "an output path that is not Unicode" })?;
        // Once a run: a connection of its own is simpler than a way through the committer's queue.
        Writer::open(&self.path, Durability::Full)?.set_sink(batch_id, path)
    }

    /// The registry's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn committer(&self) -> Result<&Committer, RegistryError> {
        self.committer.as_ref().ok_or_else(|| RegistryError::ReadOnly { path: self.path.clone() })
    }

    fn reading(&self) -> Access {
        if self.committer.is_some() { Access::ReadBeside } else { Access::ReadOnly }
    }

    fn reader(&self) -> MutexGuard<'_, Reader> {
        // A reader that panicked has left no state behind: every look-up is a statement of its own.
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("path", &self.path).field("snapshot", &self.snapshot()).finish_non_exhaustive()
    }
}

/// Where an outcome's verdict places its record. The judge was shown an earlier snapshot, and clusters are never
/// deleted, so an id that is unknown now was never one of the candidates.
fn placement(snapshot: &Snapshot, outcome: &Outcome, text: Option<&str>) -> Result<Placement, RegistryError> {
    let Ok(judged) = &outcome.result else { return Ok(Placement::Nowhere) };
    match judged.decision {
        Decision::Skip => Ok(Placement::Nowhere),
        Decision::Assign => {
            let named = judged.cluster_id.as_ref();
            let cluster_id = named.ok_or(RegistryError::Invalid { problem: "an assignment without a cluster" })?;
            let unknown = || RegistryError::UnknownCluster { cluster_id: cluster_id.clone() };
            let ordinal = snapshot.ordinals.get(cluster_id).ok_or_else(unknown)?;
            Ok(Placement::Into(ordinal, cluster_id.clone()))
        }
        Decision::NewCluster => {
            let proposal = judged.proposal.clone();
            Ok(Placement::New {
                proposal: proposal.ok_or(RegistryError::Invalid { problem: "a new cluster without a proposal" })?,
                text: text.map(str::to_owned),
                batch_id: outcome.batch_id.clone(),
                rationale: judged.rationale.clone(),
            })
        }
    }
}
