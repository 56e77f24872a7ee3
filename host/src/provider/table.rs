//! The loaded providers as one value: whoever holds it sees no change.

use super::Provider;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why one file was not loaded, in the words of whoever tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    /// What is wrong with it, causes included.
    pub reason: String,
    /// What can be done about it.
    pub hint: Option<String>,
}

/// A file that was not loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedFile {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
    /// What can be done about it.
    pub hint: Option<String>,
    /// The file that has its id; when that goes, this one may be loaded.
    pub behind: Option<PathBuf>,
}

/// What the folder holds.
#[derive(Clone, Default)]
pub struct Table {
    loaded: BTreeMap<String, Arc<dyn Provider>>,
    refused: Vec<RefusedFile>,
}

impl Table {
    /// The loaded providers, by id.
    pub fn loaded(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.loaded.values()
    }

    /// The files that were not loaded, by name.
    pub fn refused(&self) -> &[RefusedFile] {
        &self.refused
    }

    /// Whether the folder held no component at all.
    pub fn is_empty(&self) -> bool {
        self.loaded.is_empty() && self.refused.is_empty()
    }

    /// What was loaded from a file.
    pub fn loaded_from(&self, path: &Path) -> Option<&Arc<dyn Provider>> {
        self.loaded.values().find(|provider| provider.identity().path == path)
    }

    /// The refusals that only wait for this file to go.
    pub fn behind<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = &'a Path> {
        self.refused.iter().filter(move |file| file.behind.as_deref() == Some(path)).map(|file| file.path.as_path())
    }

    /// Why a provider of this id cannot be loaded from this file: another file has it.
    pub(super) fn taken(&self, id: &str, path: &Path) -> Option<RefusedFile> {
        let first = &self.loaded.get(id)?.identity().path;
        (first != path).then(|| RefusedFile {
            path: path.to_owned(),
            reason: format!("its id `{id}` is taken by `{}`", file_name(first)),
            hint: Some("move one of the two out of the folder".to_owned()),
            behind: Some(first.clone()),
        })
    }

    /// Takes a provider in, in the place of what was there of its file; its id must not be taken.
    pub(super) fn put(&mut self, provider: Arc<dyn Provider>) {
        let path = provider.identity().path.clone();
        self.remove(&path);
        self.loaded.insert(provider.identity().descriptor.id.clone(), provider);
    }

    /// Notes a refusal, in the place of the file's last one. Says whether it is another than that.
    pub(super) fn refuse(&mut self, file: RefusedFile) -> bool {
        match self.refused.binary_search_by(|other| other.path.cmp(&file.path)) {
            Ok(at) if self.refused[at] == file => false,
            Ok(at) => {
                self.refused[at] = file;
                true
            }
            Err(at) => {
                self.refused.insert(at, file);
                true
            }
        }
    }

    /// Forgets that a file was refused.
    pub(super) fn pardon(&mut self, path: &Path) {
        self.refused.retain(|file| file.path != path);
    }

    /// Forgets a file.
    pub(super) fn remove(&mut self, path: &Path) {
        self.pardon(path);
        self.loaded.retain(|_, provider| provider.identity().path != path);
    }

    /// The provider of an id.
    pub(super) fn get(&self, id: &str) -> Option<&Arc<dyn Provider>> {
        self.loaded.get(id)
    }
}

impl RefusedFile {
    /// A file, and why it was not loaded.
    pub fn new(path: &Path, refused: Refused) -> RefusedFile {
        let Refused { reason, hint } = refused;
        RefusedFile { path: path.to_owned(), reason, hint, behind: None }
    }
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
