#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use crate::model::{Body, Descriptor, Fault, HttpResponse, Job, Preparation, Previous, Settings, Step, Task};
use crate::provider::{FILES_MAX, Identity};
use async_trait::async_trait;
use std::fs;
use tempfile::TempDir;

/// Knows who it is, and nothing else: a catalog calls no provider.
struct Named(Identity);

#[async_trait]
impl Provider for Named {
    fn identity(&self) -> &Identity {
        &self.0
    }

    async fn prepare(&self, _: &Settings, _: Option<Previous>) -> Result<Preparation, Fault> {
        unreachable!("a catalog calls no provider")
    }

    async fn brief(&self, _: &Task) -> Result<Body, Fault> {
        unreachable!("a catalog calls no provider")
    }

    async fn build_request(&self, _: &Job) -> Result<Step, Fault> {
        unreachable!("a catalog calls no provider")
    }

    async fn parse_response(&self, _: &Job, _: Vec<u8>, _: HttpResponse) -> Result<Step, Fault> {
        unreachable!("a catalog calls no provider")
    }
}

/// Takes the file's content for the provider's id; an empty one is refused.
async fn load(path: PathBuf) -> Result<Arc<dyn Provider>, Refused> {
    let id = fs::read_to_string(&path).unwrap();
    if id.is_empty() {
        return Err(Refused { reason: "it is empty".to_owned(), hint: Some("fill it".to_owned()) });
    }
    let descriptor = Descriptor { id, version: "1".to_owned(), ..Descriptor::default() };
    Ok(Arc::new(Named(Identity { descriptor, path, ..Identity::default() })))
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, id) in files {
        fs::write(folder.path().join(name), id).unwrap();
    }
    folder
}

fn ids(table: &Table) -> Vec<&str> {
    table.loaded().map(|provider| provider.identity().descriptor.id.as_str()).collect()
}

#[tokio::test]
async fn loads_components_only_and_sorts_them_by_id() {
    let folder = folder(&[("a.wasm", "zeta"), ("b.wasm", "alpha"), ("c.txt", "text"), ("d.wasm.bak", "old")]);
    let catalog = Catalog::scan(folder.path(), load).await.unwrap();
    assert_eq!(ids(&catalog.entries()), ["alpha", "zeta"]);
    assert!(catalog.entries().refused().is_empty());
    assert_eq!(catalog.get("zeta").unwrap().identity().path, folder.path().join("a.wasm"));
}

#[tokio::test]
async fn of_two_with_one_id_the_first_file_wins_and_is_named() {
    let folder = folder(&[("b.wasm", "same"), ("a.wasm", "same"), ("c.wasm", "other")]);
    let catalog = Catalog::scan(folder.path(), load).await.unwrap();
    assert_eq!(ids(&catalog.entries()), ["other", "same"]);
    assert_eq!(catalog.get("same").unwrap().identity().path, folder.path().join("a.wasm"));
    let table = catalog.entries();
    let [refused] = table.refused() else { panic!("one is refused") };
    assert_eq!(refused.path, folder.path().join("b.wasm"));
    assert_eq!(refused.reason, "its id `same` is taken by `a.wasm`");
}

#[tokio::test]
async fn a_refused_file_is_kept_with_its_reason_and_stops_nothing() {
    let folder = folder(&[("a.wasm", ""), ("b.wasm", "good")]);
    let catalog = Catalog::scan(folder.path(), load).await.unwrap();
    let table = catalog.entries();
    assert_eq!(ids(&table), ["good"]);
    let expected = RefusedFile {
        path: folder.path().join("a.wasm"),
        reason: "it is empty".to_owned(),
        hint: Some("fill it".to_owned()),
        behind: None,
    };
    assert_eq!(table.refused(), [expected]);
}

#[tokio::test]
async fn an_unknown_id_lists_what_there_is() {
    let folder = folder(&[("a.wasm", "alpha"), ("b.wasm", "beta"), ("broken.wasm", "")]);
    let catalog = Catalog::scan(folder.path(), load).await.unwrap();
    let error = catalog.get("gamma").err().unwrap();
    assert_eq!(error.to_string(), "no such provider: `gamma`");
    assert!(error.hint().starts_with("loaded are: alpha, beta; not loaded: broken.wasm"), "{}", error.hint());
}

#[tokio::test]
async fn a_missing_folder_and_a_file_are_errors_an_empty_folder_is_not() {
    let folder = folder(&[("file", "")]);
    let missing = Catalog::scan(&folder.path().join("none"), load).await.err().unwrap();
    assert!(matches!(missing, CatalogError::Missing { .. }), "{missing}");
    assert!(missing.hint().contains("cargo xtask plugins"), "{}", missing.hint());
    let file = Catalog::scan(&folder.path().join("file"), load).await.err().unwrap();
    assert!(matches!(file, CatalogError::Unreadable { .. }), "{file}");
    let empty = Catalog::scan(folder.path(), load).await.unwrap();
    assert!(empty.entries().is_empty());
    assert!(empty.get("any").err().unwrap().hint().contains("cargo xtask plugins"));
}

#[tokio::test]
async fn too_many_files_are_an_error() {
    let folder = folder(&[]);
    for n in 0..=FILES_MAX {
        fs::write(folder.path().join(format!("{n}.wasm")), "").unwrap();
    }
    let error = Catalog::scan(folder.path(), load).await.err().unwrap();
    assert!(matches!(error, CatalogError::TooMany { .. }), "{error}");
}

#[tokio::test]
async fn a_refused_file_that_was_meant_is_answered_with_its_reason() {
    let folder = folder(&[("a.wasm", "alpha"), ("beta.wasm", "")]);
    let catalog = Catalog::scan(folder.path(), load).await.unwrap();
    let error = catalog.get("beta").err().unwrap();
    assert_eq!(error.hint(), "`beta.wasm` is not loaded: it is empty; fill it");
}

async fn loaded(folder: &TempDir, name: &str, id: &str) -> Arc<dyn Provider> {
    fs::write(folder.path().join(name), id).unwrap();
    load(folder.path().join(name)).await.unwrap()
}

#[tokio::test]
async fn a_newer_provider_takes_the_place_of_what_its_file_gave_and_who_holds_that_keeps_it() {
    let folder = folder(&[("a.wasm", "old"), ("b.wasm", "other")]);
    let catalog = Catalog::scan(folder.path(), load).await.unwrap();
    let (held, table) = (catalog.get("old").unwrap(), catalog.entries());
    catalog.put(&loaded(&folder, "a.wasm", "new").await).unwrap();
    assert_eq!(ids(&catalog.entries()), ["new", "other"], "another id is another provider");
    assert_eq!((held.identity().descriptor.id.as_str(), ids(&table)), ("old", vec!["old", "other"]));
}

#[tokio::test]
async fn an_id_that_is_taken_is_not_given_away_until_its_file_goes() {
    let folder = folder(&[("a.wasm", "same")]);
    let catalog = Catalog::scan(folder.path(), load).await.unwrap();
    let (first, twin) = (folder.path().join("a.wasm"), loaded(&folder, "b.wasm", "same").await);
    let refused = catalog.put(&twin).unwrap_err();
    assert_eq!(refused.reason, "its id `same` is taken by `a.wasm`");
    catalog.refuse(&refused);
    assert_eq!(catalog.get("same").unwrap().identity().path, first);
    assert_eq!(catalog.entries().behind(&first).collect::<Vec<_>>(), [folder.path().join("b.wasm")]);
    catalog.remove(&first);
    assert!(catalog.get("same").is_err());
    catalog.put(&twin).unwrap();
    assert!(catalog.entries().refused().is_empty());
}

#[tokio::test]
async fn a_refusal_leaves_what_is_loaded_and_is_news_once() {
    let folder = folder(&[("a.wasm", "good")]);
    let catalog = Catalog::scan(folder.path(), load).await.unwrap();
    let path = folder.path().join("a.wasm");
    let refused = |reason: &str| RefusedFile::new(&path, Refused { reason: reason.to_owned(), hint: None });
    assert!(catalog.refuse(&refused("torn")));
    assert!(!catalog.refuse(&refused("torn")), "the same again");
    assert!(catalog.refuse(&refused("empty")), "another reason");
    assert_eq!((ids(&catalog.entries()), catalog.entries().refused().len()), (vec!["good"], 1));
    catalog.pardon(&path);
    assert!(catalog.entries().refused().is_empty() && catalog.get("good").is_ok());
    catalog.remove(&path);
    assert!(catalog.entries().is_empty());
}
