//! The folder of providers while a judge judges: what comes is loaded and tried beside the records, and put into service
//! in one step, or refused while the one before goes on.

use super::{Change, Judge, Loader, Seat};
use crate::conformance::{first_failure, hostile};
use crate::job::Prepared;
use crate::model::Descriptor;
use crate::provider::{Artifact, Catalog, Provider, Refused, RefusedFile, Stamp, Touched, Watch};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// The longest that a component may take to withstand the hostile responses, and as long again to look at its server: a
/// second or two as a rule, and many times that on a machine that is busy.
const TRIAL_MAX: Duration = Duration::from_mins(2);
/// How often the hostile responses are tried. Where there is more to do than processors, a call may wait for its turn
/// longer than its deadline, through no fault of its own; what a component does wrong, it does wrong each time.
const TRIALS: u32 = 3;

/// Follows the folder while it lives.
pub(super) struct Following {
    pub(super) catalog: Arc<Catalog>,
    _following: AbortOnDropHandle<()>,
}

/// Takes changes in, one file after the other.
struct Follower<F> {
    loader: Loader,
    catalog: Arc<Catalog>,
    seats: Arc<[Seat]>,
    policy: super::Policy,
    told: F,
}

impl Judge {
    /// Follows the folder that the judge's provider was loaded from, from the catalog's scan on: a component that comes is
    /// audited, tried with the hostile corpus, and, where it is the judge's own, prepared with the judge's server. Then
    /// records that begin are judged by it; those in flight end on the one that they began with. One that fails any of it
    /// leaves the one before in service. `told` is called for every change, and must not block.
    ///
    /// Ends with the judge, or when it follows anew. Judges made of it by [`Judge::elsewhere`] change with it.
    pub fn follow(&mut self, loader: Loader, catalog: Arc<Catalog>, told: impl Fn(&Change) + Send + Sync + 'static) {
        let watch = Watch::of(&catalog);
        let follower = Follower {
            loader,
            catalog: Arc::clone(&catalog),
            seats: Arc::clone(&self.seats),
            policy: self.policy.clone(),
            told,
        };
        let following = AbortOnDropHandle::new(tokio::spawn(follower.follow(watch)));
        self.following = Some(Following { catalog, _following: following });
    }
}

impl<F: Fn(&Change)> Follower<F> {
    async fn follow(self, mut watch: Watch) {
        let mut is_lost = false;
        loop {
            match watch.next().await {
                Ok(touched) => {
                    is_lost = false;
                    for touched in touched {
                        self.take_in(touched).await;
                    }
                }
                Err(error) if !is_lost => {
                    is_lost = true;
                    let hint = Some(error.hint());
                    (self.told)(&Change::Lost(Refused { reason: error.to_string(), hint }));
                }
                Err(_) => {}
            }
        }
    }

    async fn take_in(&self, touched: Touched) {
        let (Touched::Gone { path } | Touched::Changed { path, .. }) = &touched;
        let before = self.id_from(path);
        match &touched {
            Touched::Gone { .. } => self.gone(path),
            Touched::Changed { stamp, .. } => self.changed(path, Some(*stamp)).await,
        }
        if before.is_some() && before != self.id_from(path) {
            // Whoever was refused since its id was taken may have it now.
            let behind: Vec<PathBuf> = self.catalog.entries().behind(path).map(Path::to_owned).collect();
            for file in behind {
                self.changed(&file, None).await;
            }
        }
    }

    /// The id of what is loaded from a file.
    fn id_from(&self, path: &Path) -> Option<String> {
        self.catalog.entries().loaded_from(path).map(|provider| provider.identity().descriptor.id.clone())
    }

    fn gone(&self, path: &Path) {
        let id = self.id_from(path);
        self.catalog.remove(path);
        if let Some(id) = id {
            let in_use = self.is_in_use(&id);
            (self.told)(&Change::Removed { path: path.to_owned(), id, in_use });
        }
    }

    async fn changed(&self, path: &Path, stamp: Option<Stamp>) {
        let read = Loader::read(path).await;
        if stamp.is_some_and(|stamp| stamp != Stamp::of(path)) {
            // It changed while it was read: it is told again when it is quiet.
            return;
        }
        let before = self.catalog.entries().loaded_from(path).map(|provider| provider.identity().digest.clone());
        let tried = match read {
            Ok(artifact) if before.as_deref() == Some(artifact.digest()) => return self.catalog.pardon(path),
            Ok(artifact) => self.tried(artifact).await,
            Err(refused) => Err(RefusedFile::new(path, refused)),
        };
        let taken = tried.and_then(|(provider, prepared)| {
            self.catalog.put(&provider)?;
            Ok((provider, prepared))
        });
        match taken {
            Ok((provider, prepared)) => {
                let in_use = !prepared.is_empty();
                for (seat, prepared) in prepared {
                    self.seats[seat].seat(prepared);
                }
                let identity = Box::new(provider.identity().clone());
                (self.told)(&Change::Loaded { identity, before, in_use });
            }
            Err(file) => self.refuse(file),
        }
    }

    fn refuse(&self, file: RefusedFile) {
        let again = !self.catalog.refuse(&file);
        let serving = self.catalog.entries().loaded_from(&file.path).map(|provider| {
            let identity = provider.identity();
            (identity.descriptor.id.clone(), identity.digest.clone())
        });
        (self.told)(&Change::Refused { file, serving, again });
    }

    /// Loads what was read and tries it, as far as it can be tried without a record.
    async fn tried(&self, artifact: Artifact) -> Result<(Arc<dyn Provider>, Vec<(usize, Prepared)>), RefusedFile> {
        let path = artifact.path().to_owned();
        let refused = |refused: Refused| RefusedFile::new(&path, refused);
        let provider = self.loader.admit(artifact).await.map_err(refused)?;
        self.catalog.room_for(provider.as_ref())?;
        withstands(provider.as_ref()).await.map_err(refused)?;
        let mut prepared = Vec::new();
        for (index, seat) in self.seats.iter().enumerate() {
            if seat.is_of(&provider.identity().descriptor.id) {
                prepared.push((index, self.prepared(seat, &provider).await.map_err(refused)?));
            }
        }
        Ok((provider, prepared))
    }

    fn is_in_use(&self, id: &str) -> bool {
        self.seats.iter().any(|seat| seat.is_of(id))
    }

    /// Lets it look at the seat's server, through the seat's transport.
    async fn prepared(&self, seat: &Seat, provider: &Arc<dyn Provider>) -> Result<Prepared, Refused> {
        let serving = seat.provider();
        fits(&provider.identity().descriptor, &serving.identity().descriptor, &seat.settings.extra)?;
        let prepared = seat.prepared(provider, &self.policy, self.policy.total_timeout.min(TRIAL_MAX)).await;
        prepared.map_err(|fault| Refused {
            reason: format!("it cannot start with its server: {fault}"),
            hint: Some(fault.hint.unwrap_or_else(|| "`touch` the file to have it tried again".to_owned())),
        })
    }
}

/// Whether it survives what no honest server sends.
async fn withstands(provider: &dyn Provider) -> Result<(), Refused> {
    let trials = async {
        let mut failure = None;
        for _ in 0..TRIALS {
            failure = first_failure(&hostile(provider, &[]).await);
            if failure.is_none() {
                break;
            }
        }
        failure
    };
    let too_slow = |_| Some(format!("does not withstand the hostile responses within {} s", TRIAL_MAX.as_secs()));
    let failure = timeout(TRIAL_MAX, trials).await.unwrap_or_else(too_slow);
    let hint = format!("`judge-host providers test {}` shows them all", provider.identity().path.display());
    failure.map_or(Ok(()), |reason| Err(Refused { reason, hint: Some(hint) }))
}

/// Whether a component can go on with what the run was begun with: the key is bound to a header and to a server, and both
/// are the operator's to change.
fn fits(new: &Descriptor, old: &Descriptor, settings: &[(String, String)]) -> Result<(), Refused> {
    let unknown = settings.iter().find(|(name, _)| new.settings.iter().all(|setting| setting.name != *name));
    let what = if new.auth != old.auth {
        "it takes its key in another header".to_owned()
    } else if new.default_endpoint != old.default_endpoint {
        "its default endpoint is another".to_owned()
    } else if let Some((name, _)) = unknown {
        format!("it has no setting `{name}`, which the run gives")
    } else {
        return Ok(());
    };
    let hint = "it is taken by the next run; this one goes on as it began".to_owned();
    Err(Refused { reason: format!("not for a run that is under way: {what}"), hint: Some(hint) })
}

#[cfg(test)]
mod tests;
