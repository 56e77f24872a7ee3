//! The table of loaded providers, built from a folder of components.

use super::Provider;
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Components in one folder.
pub const FILES_MAX: usize = 256;

/// Why one file was not loaded, in the words of whoever tried.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

/// What a scan of the folder found.
#[derive(Default)]
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
}

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
}

impl CatalogError {
    /// What can be done about it.
    pub fn hint(&self) -> String {
        match self {
            CatalogError::Missing { folder } => how_to_fill(folder),
            CatalogError::Unreadable { .. } => "check that it is a folder and may be read".to_owned(),
            CatalogError::TooMany { .. } => "give the folder that holds the providers alone".to_owned(),
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
    pub refused: Vec<PathBuf>,
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
        let refused: Vec<_> = self.refused.iter().map(|path| file_name(path)).collect();
        let (refused, first) = (refused.join(", "), first.display());
        format!("{loaded}; not loaded: {refused} (`judge-host providers check {first}` says why)")
    }
}

/// The providers of a folder. Readers never wait: a scan makes a new table and puts it in place of the old.
pub struct Catalog {
    folder: PathBuf,
    table: ArcSwap<Table>,
}

impl Catalog {
    /// Loads every `*.wasm` of a folder, in order of name. A file that cannot be loaded is noted and left out;
    /// of two with one id the first is taken. A folder without any gives an empty table.
    ///
    /// Dropping the future loses what it loaded so far.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    pub async fn scan<L, F, R>(folder: &Path, load: L) -> Result<Catalog, CatalogError>
    where
        L: Fn(PathBuf) -> F,
        F: Future<Output = Result<Arc<dyn Provider>, R>>,
        R: Into<Refused>,
    {
        let table = read(folder, load).await?;
        Ok(Catalog { folder: folder.to_owned(), table: ArcSwap::from_pointee(table) })
    }

    /// Scans the folder again. Whoever holds a provider of the old table keeps it.
    ///
    /// Dropping the future leaves the old table in place.
    ///
    /// # Errors
    /// Where the folder cannot be listed; the old table stays.
    pub async fn rescan<L, F, R>(&self, load: L) -> Result<(), CatalogError>
    where
        L: Fn(PathBuf) -> F,
        F: Future<Output = Result<Arc<dyn Provider>, R>>,
        R: Into<Refused>,
    {
        let table = read(&self.folder, load).await?;
        self.table.store(Arc::new(table));
        Ok(())
    }

    /// The provider of this id.
    ///
    /// # Errors
    /// Lists those there are, and the files that were refused.
    pub fn get(&self, id: &str) -> Result<Arc<dyn Provider>, UnknownProvider> {
        let table = self.table.load();
        table.loaded.get(id).cloned().ok_or_else(|| UnknownProvider {
            id: id.to_owned(),
            loaded: table.loaded.keys().cloned().collect(),
            refused: table.refused.iter().map(|file| file.path.clone()).collect(),
            folder: self.folder.clone(),
        })
    }

    /// What the last scan found.
    pub fn entries(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// What to tell whoever sees an empty table: how providers come into the folder.
    pub fn hint(&self) -> String {
        how_to_fill(&self.folder)
    }
}

async fn read<L, F, R>(folder: &Path, load: L) -> Result<Table, CatalogError>
where
    L: Fn(PathBuf) -> F,
    F: Future<Output = Result<Arc<dyn Provider>, R>>,
    R: Into<Refused>,
{
    let mut table = Table::default();
    for path in list(folder)? {
        match load(path.clone()).await {
            Ok(provider) => add(&mut table, path, provider),
            Err(refused) => {
                let Refused { reason, hint } = refused.into();
                table.refused.push(RefusedFile { path, reason, hint });
            }
        }
    }
    Ok(table)
}

fn add(table: &mut Table, path: PathBuf, provider: Arc<dyn Provider>) {
    let id = provider.identity().descriptor.id.clone();
    if let Some(first) = table.loaded.get(&id) {
        let first = file_name(&first.identity().path);
        let reason = format!("its id `{id}` is taken by `{first}`");
        let hint = Some("move one of the two out of the folder".to_owned());
        table.refused.push(RefusedFile { path, reason, hint });
        return;
    }
    table.loaded.insert(id, provider);
}

/// The components of a folder, by name.
fn list(folder: &Path) -> Result<Vec<PathBuf>, CatalogError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => CatalogError::Missing { folder: folder.to_owned() },
        _ => CatalogError::Unreadable { folder: folder.to_owned(), source },
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension() != Some(OsStr::new("wasm")) {
            continue;
        }
        if paths.len() == FILES_MAX {
            return Err(CatalogError::TooMany { folder: folder.to_owned() });
        }
        paths.push(path);
    }
    paths.sort_unstable();
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn how_to_fill(folder: &Path) -> String {
    format!(
        "`cargo xtask plugins` builds the bundled providers; any other is a .wasm file put into `{}`",
        folder.display()
    )
}

#[cfg(test)]
mod tests;
