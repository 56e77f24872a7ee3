use super::lock::{Lock, Locked};
use super::{Artifact, Identity, Keys, LockError, Refused};
use crate::model::Signer;
use std::path::{Path, PathBuf};

/// What the operator asks of a component before it is compiled, beyond what the sandbox asks of every one. By default
/// nothing.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    keys: Option<Keys>,
    /// The folder whose lock file counts.
    locked: Option<PathBuf>,
}

/// A component that may be compiled, and who it has to turn out to be.
pub struct Admitted {
    /// Who signed it.
    pub signer: Signer,
    locked: Option<(Lock, Locked)>,
}

impl Admission {
    /// Only what one of these keys signed; none asks for no signature.
    #[must_use]
    pub fn signed_by(self, keys: Option<Keys>) -> Admission {
        Admission { keys, ..self }
    }

    /// Only what the lock file of this folder names.
    #[must_use]
    pub fn locked_by(self, folder: &Path) -> Admission {
        Admission { locked: Some(folder.to_owned()), ..self }
    }

    /// Whether anything could be admitted at all.
    ///
    /// # Errors
    /// Where a lock file is asked for, and there is none that can be read.
    pub fn ready(&self) -> Result<(), LockError> {
        self.locked.as_deref().map_or(Ok(()), |folder| Lock::read(folder).map(drop))
    }

    /// Whether these bytes may be compiled. Reads the lock file and the signature, each once, so it blocks.
    ///
    /// # Errors
    /// Where they are not locked, or not signed by a trusted key.
    pub fn admit(&self, artifact: &Artifact) -> Result<Admitted, Refused> {
        let signer = self.keys.as_ref().map_or(Ok(Signer::NotChecked), |keys| keys.signer(artifact))?;
        let locked = self.locked.as_deref().map(|folder| {
            let lock = Lock::read(folder)?;
            let locked = lock.entry(artifact)?;
            Ok::<_, Refused>((lock, locked))
        });
        Ok(Admitted { signer, locked: locked.transpose()? })
    }
}

impl Admitted {
    /// Whether the provider is who its bytes are locked for.
    ///
    /// # Errors
    /// Where its id or version is another.
    pub fn check(&self, identity: &Identity) -> Result<(), Refused> {
        self.locked.as_ref().map_or(Ok(()), |(lock, locked)| lock.check(locked, identity))
    }
}
