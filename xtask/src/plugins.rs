use crate::wasm_target::{PURE_TARGET, WASI_TARGET, ensure_installed};
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use wit_component::ComponentEncoder;

/// A guest's own stack, in bytes. The linker's default of 1 MiB is a memory that the host looks through after each call;
/// JSON as deep as parsers follow it takes less.
const STACK_BYTES: usize = 128 << 10;
/// The folder below guest-providers/ that is no provider.
const SDK: &str = "sdk";

/// Builds every provider and puts it into `plugins/ID.wasm`, and its recorded exchanges beside it, where
/// `judge-host providers test` finds them: `plugins/ID.vectors`. The folder `guest-providers/ID` holds the package
/// `provider-ID`.
///
/// They are built without WASI, as core modules, and wrapped into components here: what imports nothing needs no word of
/// trust that what it imports is inert.
///
/// # Errors
/// Where the target is missing, a provider does not build or `plugins/` cannot be written.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    let ids = provider_ids(&workspace.path("guest-providers"))?;
    let packages: Vec<String> = ids.iter().map(|id| format!("provider-{id}")).collect();
    compile(workspace, PURE_TARGET, packages.iter().map(String::as_str))?;
    for (id, package) in ids.iter().zip(&packages) {
        let vectors = workspace.path("guest-providers").join(id).join("vectors");
        let component = wrapped(&built(workspace, PURE_TARGET, package))?;
        install(&component, &workspace.path("plugins").join(format!("{id}.wasm")))?;
        install_vectors(&vectors, &workspace.path("plugins").join(format!("{id}.vectors")))?;
    }
    eprintln!("{} providers in plugins/: {}", ids.len(), ids.join(", "));
    Ok(())
}

/// Builds a package as a component with WASI, as one outside this workspace is built, and puts it into `to`.
///
/// # Errors
/// Where cargo fails, or the file cannot be written.
pub(crate) fn build_with_wasi(workspace: &Workspace, package: &str, to: &Path) -> Result<()> {
    compile(workspace, WASI_TARGET, [package])?;
    install_file(&built(workspace, WASI_TARGET, package), to)
}

fn compile<'a>(workspace: &Workspace, target: &str, packages: impl IntoIterator<Item = &'a str>) -> Result<()> {
    ensure_installed(workspace, target)?;
    let mut cargo = workspace.cargo(["build", "--profile", "guest", "--target", target]);
    cargo.args(["--config", &format!("target.{PURE_TARGET}.rustflags=['-Clink-arg=-zstack-size={STACK_BYTES}']")]);
    for package in packages {
        cargo.args(["-p", package]);
    }
    workspace.run(&mut cargo)
}

/// Where cargo leaves a package's module or component.
fn built(workspace: &Workspace, target: &str, package: &str) -> PathBuf {
    workspace.target(&format!("{target}/guest/{}.wasm", package.replace('-', "_")))
}

/// The component around a core module. Its types are in a section that the bindings left in the module.
fn wrapped(module: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let encoded = ComponentEncoder::default().module(&bytes).and_then(|encoder| encoder.validate(true).encode());
    encoded.with_context(|| format!("cannot make a component of {}", module.display()))
}

/// Puts a file where a host may be looking at this moment: it sees the old file or the new one, never a part. A
/// file that has not changed is left alone, so that no host reloads it.
///
/// # Errors
/// Where a file cannot be read or written.
fn install(content: &[u8], to: &Path) -> Result<()> {
    if fs::read(to).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let write = || -> std::io::Result<()> {
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        // No host loads a file that ends so.
        let part = to.with_added_extension("part");
        fs::write(&part, content)?;
        fs::rename(part, to)
    };
    write().with_context(|| format!("cannot write {}", to.display()))
}

/// The same with the content of another file.
///
/// # Errors
/// Where a file cannot be read or written.
pub(crate) fn install_file(from: &Path, to: &Path) -> Result<()> {
    let content = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    install(&content, to)
}

/// Makes the folder `to` hold the vectors of `from`, and no others: what was taken back must not be held against the
/// provider.
fn install_vectors(from: &Path, to: &Path) -> Result<()> {
    let wanted = vectors(from)?;
    for name in vectors(to)?.difference(&wanted) {
        let stale = to.join(name);
        fs::remove_file(&stale).with_context(|| format!("cannot remove {}", stale.display()))?;
    }
    wanted.iter().try_for_each(|name| install_file(&from.join(name), &to.join(name)))
}

/// The names of a folder's vectors; none where there is no folder.
fn vectors(folder: &Path) -> Result<BTreeSet<OsString>> {
    let mut names = BTreeSet::new();
    if !folder.is_dir() {
        return Ok(names);
    }
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("json")) {
            names.extend(path.file_name().map(OsStr::to_owned));
        }
    }
    Ok(names)
}

/// The providers' ids, in order.
fn provider_ids(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut ids = Vec::new();
    for entry in entries {
        let entry = entry?;
        let id = entry.file_name().to_string_lossy().into_owned();
        if id != SDK && entry.path().join("Cargo.toml").is_file() {
            ids.push(id);
        }
    }
    ids.sort();
    ensure!(!ids.is_empty(), "no provider in {}", folder.display());
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_providers_and_not_the_sdk() {
        let ids = provider_ids(&Workspace::of_environment().path("guest-providers")).expect("the folder is there");
        assert!(ids.iter().any(|id| id == "lexical"));
        assert!(!ids.iter().any(|id| id == SDK));
        assert!(ids.is_sorted());
    }

    #[test]
    fn installs_whole_files_and_leaves_no_part() {
        let folder = std::env::temp_dir().join(format!("judge-host-xtask-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        let (from, to) = (folder.join("a.bin"), folder.join("plugins/a.wasm"));
        for content in ["one", "two", "two"] {
            fs::write(&from, content).expect("it can be written");
            install_file(&from, &to).expect("it can be installed");
            assert_eq!(fs::read_to_string(&to).expect("it is there"), content);
        }
        assert_eq!(fs::read_dir(folder.join("plugins")).expect("it is there").count(), 1);
        assert!(install_file(&folder.join("missing"), &to).is_err());
        fs::remove_dir_all(folder).expect("it is ours");
    }

    #[test]
    fn vectors_that_are_gone_are_taken_away_and_the_others_are_as_they_are_now() {
        let folder = std::env::temp_dir().join(format!("judge-host-xtask-vectors-{}", std::process::id()));
        let (from, to) = (folder.join("vectors"), folder.join("plugins/a.vectors"));
        install_vectors(&from, &to).expect("a provider may have none");
        assert!(!to.exists());
        fs::create_dir_all(&from).expect("a temporary folder");
        for (name, content) in [("one.json", "1"), ("two.json", "2"), ("notes.md", "no vector")] {
            fs::write(from.join(name), content).expect("it can be written");
        }
        install_vectors(&from, &to).expect("they can be installed");
        assert_eq!(vectors(&to).expect("it is there"), ["one.json", "two.json"].map(OsString::from).into());
        assert_eq!(fs::read_dir(&to).expect("it is there").count(), 2, "and nothing else");

        fs::remove_file(from.join("one.json")).expect("it is there");
        fs::write(from.join("two.json"), "3").expect("it can be written");
        install_vectors(&from, &to).expect("they can be installed");
        assert_eq!(vectors(&to).expect("it is there"), ["two.json"].map(OsString::from).into());
        assert_eq!(fs::read_to_string(to.join("two.json")).expect("it is there"), "3");
        fs::remove_dir_all(folder).expect("it is ours");
    }
}
