use crate::provider::{Admission, Artifact, Catalog, CatalogError, Provider, Refused};
use crate::sandbox::Sandbox;
use std::path::Path;
use std::sync::Arc;

/// The way from a file to a provider: read once, asked whether the operator lets it in, and only then compiled.
#[derive(Clone)]
pub struct Loader {
    sandbox: Arc<Sandbox>,
    admission: Arc<Admission>,
}

impl Loader {
    /// Loads into this sandbox what is admitted.
    pub fn new(sandbox: Sandbox, admission: Admission) -> Loader {
        Loader { sandbox: Arc::new(sandbox), admission: Arc::new(admission) }
    }

    /// Loads one file.
    ///
    /// Dropping the future loses the component, though a compilation that has begun goes on to its end.
    ///
    /// # Errors
    /// Why it is not loaded.
    pub async fn load(&self, path: &Path) -> Result<Arc<dyn Provider>, Refused> {
        self.admit(Loader::read(path).await?).await
    }

    /// The providers of a folder: those that loaded, and those refused with the reason.
    ///
    /// # Errors
    /// Where the folder cannot be read, or only what is locked is loaded and there is no lock file.
    pub async fn catalog(&self, folder: &Path) -> Result<Catalog, CatalogError> {
        self.admission.ready().map_err(CatalogError::Unlocked)?;
        Catalog::scan(folder, |path| async move { self.load(&path).await }).await
    }

    /// Reads one file, off the threads that judge.
    pub(super) async fn read(path: &Path) -> Result<Artifact, Refused> {
        let path = path.to_owned();
        aside(move || Sandbox::read(&path).map_err(Refused::from)).await
    }

    /// Loads what was read.
    pub(super) async fn admit(&self, artifact: Artifact) -> Result<Arc<dyn Provider>, Refused> {
        let admission = Arc::clone(&self.admission);
        let (artifact, admitted) = aside(move || {
            let admitted = admission.admit(&artifact)?;
            Ok((artifact, admitted))
        })
        .await?;
        let provider = self.sandbox.load_read(artifact, admitted.signer.clone()).await?;
        admitted.check(provider.identity())?;
        Ok(provider)
    }
}

/// Does what blocks, or takes long, on a thread for such work.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, Refused> + Send + 'static) -> Result<T, Refused> {
    let given_up = |_| Refused { reason: "the reading was given up".to_owned(), hint: None };
    tokio::task::spawn_blocking(work).await.map_err(given_up)?
}
