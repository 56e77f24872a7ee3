use super::table::file_name;
use super::{FILES_MAX, LockError, RefusedFile};
use std::io;
use std::path::{Path, PathBuf};

/// Why there is no table.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// There is no such folder.
    #[error("no such folder of providers: `{}`", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// It cannot be listed.
    #[error("cannot list the folder of providers: `{}`", folder.display())]
    Unreadable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds more than anybody needs: probably another folder.
    #[error("more than {FILES_MAX} components in the folder of providers: `{}`", folder.display())]
    TooMany {
        /// The folder.
        folder: PathBuf,
    },
    /// Only what is locked may be loaded, and nothing says what that is.
    #[error("only locked providers are loaded, and there is nothing to go by")]
    Unlocked(#[source] LockError),
}

impl CatalogError {
    /// What can be done about it.
    pub fn hint(&self) -> String {
        match self {
            CatalogError::Missing { folder } => how_to_fill(folder),
            CatalogError::Unreadable { .. } => "check that it is a folder and may be read".to_owned(),
            CatalogError::TooMany { .. } => "give the folder that holds the providers alone".to_owned(),
            CatalogError::Unlocked(error) => error.hint(),
        }
    }
}

/// No provider has this id.
#[derive(Debug, thiserror::Error)]
#[error("no such provider: `{id}`")]
pub struct UnknownProvider {
    /// The id asked for.
    pub id: String,
    /// The ids there are.
    pub loaded: Vec<String>,
    /// The files that were not loaded, one of which may have been meant.
    pub refused: Vec<RefusedFile>,
    /// The folder.
    pub folder: PathBuf,
}

impl UnknownProvider {
    /// What there is instead, and what can be done.
    pub fn hint(&self) -> String {
        if self.loaded.is_empty() && self.refused.is_empty() {
            return how_to_fill(&self.folder);
        }
        let loaded = if self.loaded.is_empty() {
            "none is loaded".to_owned()
        } else {
            format!("loaded are: {}", self.loaded.join(", "))
        };
        let [first, ..] = self.refused.as_slice() else { return loaded };
        // As a rule a file is called like its provider.
        let meant = self.refused.iter().find(|file| file.path.file_stem().is_some_and(|stem| *stem == *self.id));
        if let Some(RefusedFile { path, reason, hint, .. }) = meant {
            let hint = hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
            return format!("`{}` is not loaded: {reason}{hint}", file_name(path));
        }
        let refused: Vec<_> = self.refused.iter().map(|file| file_name(&file.path)).collect();
        let (refused, first) = (refused.join(", "), first.path.display());
        format!("{loaded}; not loaded: {refused} (`judge-host providers check {first}` says why)")
    }
}

/// How providers come into a folder.
pub(super) fn how_to_fill(folder: &Path) -> String {
    format!(
        "`cargo xtask plugins` builds the bundled providers; any other is a .wasm file put into `{}`",
        folder.display()
    )
}
