use crate::wasm_target::{WASM_TARGET, ensure_installed};
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

/// The folder below guest-providers/ that is no provider.
const SDK: &str = "sdk";

/// Builds every provider and copies it to `plugins/ID.wasm`. The folder `guest-providers/ID` holds the package
/// `provider-ID`.
///
/// # Errors
/// Where the target is missing, a provider does not build or `plugins/` cannot be written.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    ensure_installed(workspace)?;
    let ids = provider_ids(&workspace.path("guest-providers"))?;
    let packages: Vec<String> = ids.iter().map(|id| format!("provider-{id}")).collect();
    build_guests(workspace, packages.iter().map(String::as_str))?;
    for (id, package) in ids.iter().zip(&packages) {
        install(&built(workspace, package), &workspace.path("plugins").join(format!("{id}.wasm")))?;
    }
    eprintln!("{} providers in plugins/: {}", ids.len(), ids.join(", "));
    Ok(())
}

/// Builds packages as components.
///
/// # Errors
/// Where cargo fails.
pub(crate) fn build_guests<'a>(workspace: &Workspace, packages: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let mut cargo = workspace.cargo(["build", "--profile", "guest", "--target", WASM_TARGET]);
    for package in packages {
        cargo.args(["-p", package]);
    }
    workspace.run(&mut cargo)
}

/// Where cargo leaves a package's component.
pub(crate) fn built(workspace: &Workspace, package: &str) -> std::path::PathBuf {
    workspace.target(&format!("{WASM_TARGET}/guest/{}.wasm", package.replace('-', "_")))
}

/// Puts a component where a host may be looking at this moment: it sees the old file or the new one, never a part. A
/// file that has not changed is left alone, so that no host reloads it.
///
/// # Errors
/// Where a file cannot be read or written.
pub(crate) fn install(from: &Path, to: &Path) -> Result<()> {
    let component = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    if fs::read(to).is_ok_and(|old| old == component) {
        return Ok(());
    }
    let write = || -> std::io::Result<()> {
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        // No host loads a file that does not end in `.wasm`.
        let part = to.with_extension("wasm.part");
        fs::write(&part, component)?;
        fs::rename(part, to)
    };
    write().with_context(|| format!("cannot write {}", to.display()))
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
            install(&from, &to).expect("it can be installed");
            assert_eq!(fs::read_to_string(&to).expect("it is there"), content);
        }
        assert_eq!(fs::read_dir(folder.join("plugins")).expect("it is there").count(), 1);
        assert!(install(&folder.join("missing"), &to).is_err());
        fs::remove_dir_all(folder).expect("it is ours");
    }
}
