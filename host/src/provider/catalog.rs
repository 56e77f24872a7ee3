//! The table of loaded providers, built from a folder of components and kept as the folder changes.

use super::error::how_to_fill;
use super::stamp::stamps;
use super::{CatalogError, Provider, Refused, RefusedFile, Stamps, Table, UnknownProvider};
use arc_swap::ArcSwap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The providers of a folder. Readers never wait: a change makes a new table and puts it in place of the old.
pub struct Catalog {
    folder: PathBuf,
    /// The files as they were before they were first read.
    seen: Stamps,
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
        let seen = stamps(folder)?;
        let mut table = Table::default();
        for path in seen.keys() {
            let refused = match load(path.clone()).await {
                Ok(provider) => {
                    let taken = table.taken(&provider.identity().descriptor.id, path);
                    if taken.is_none() {
                        table.put(provider);
                    }
                    taken
                }
                Err(refused) => Some(RefusedFile::new(path, refused.into())),
            };
            if let Some(refused) = refused {
                table.refuse(refused);
            }
        }
        Ok(Catalog { folder: folder.to_owned(), seen, table: ArcSwap::from_pointee(table) })
    }

    /// The provider of this id.
    ///
    /// # Errors
    /// Lists those there are, and the files that were refused.
    pub fn get(&self, id: &str) -> Result<Arc<dyn Provider>, UnknownProvider> {
        let table = self.table.load();
        table.get(id).cloned().ok_or_else(|| UnknownProvider {
            id: id.to_owned(),
            loaded: table.loaded().map(|provider| provider.identity().descriptor.id.clone()).collect(),
            refused: table.refused().to_vec(),
            folder: self.folder.clone(),
        })
    }

    /// What is loaded now, and what is not.
    pub fn entries(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What to tell whoever sees an empty table: how providers come into the folder.
    pub fn hint(&self) -> String {
        how_to_fill(&self.folder)
    }

    /// The files as they were before the scan read them.
    pub fn seen(&self) -> &Stamps {
        &self.seen
    }

    /// Whether a provider could be taken in.
    ///
    /// # Errors
    /// Where another file has its id.
    pub fn room_for(&self, provider: &dyn Provider) -> Result<(), RefusedFile> {
        let identity = provider.identity();
        self.table.load().taken(&identity.descriptor.id, &identity.path).map_or(Ok(()), Err)
    }

    /// Takes a provider in, in the place of what its file gave before, whatever its id was. Whoever holds that keeps it.
    ///
    /// # Errors
    /// Where another file has its id: then nothing changes.
    pub fn put(&self, provider: &Arc<dyn Provider>) -> Result<(), RefusedFile> {
        self.room_for(provider.as_ref())?;
        self.change(|table| table.put(Arc::clone(provider)));
        Ok(())
    }

    /// Notes why a file was not loaded; what it gave before stays. Says whether that is news.
    pub fn refuse(&self, file: &RefusedFile) -> bool {
        let mut is_news = false;
        self.change(|table| is_news = table.refuse(file.clone()));
        is_news
    }

    /// Notes that a file is again what was loaded from it.
    pub fn pardon(&self, path: &Path) {
        self.change(|table| table.pardon(path));
    }

    /// Offers what came from a file no longer. Whoever holds it keeps it.
    pub fn remove(&self, path: &Path) {
        self.change(|table| table.remove(path));
    }

    /// Puts a changed copy of the table in its place, again where somebody was quicker.
    fn change(&self, mut change: impl FnMut(&mut Table)) {
        self.table.rcu(|table| {
            let mut table = Table::clone(table);
            change(&mut table);
            table
        });
    }
}

#[cfg(test)]
mod tests;
