//! From a file to a provider: cheap checks first, each with its own refusal.

use super::bindings::JudgeProviderPre;
use super::component::{Component, Guest};
use super::limits::COMPONENT_BYTES_MAX;
use super::refusal::chain;
use super::shared::Core;
use super::{Refusal, audit, compile, descriptor};
use crate::model::Descriptor;
use crate::provider::{Identity, Provider};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use wasmtime::{Engine, component};

/// The version of the contract that this host speaks.
const VERSION: &str = "0.1.0";
/// What a provider exports, without the version.
const EXPORT: &str = "judge:provider/provider@";
/// The first bytes of every WebAssembly binary.
const MAGIC: &[u8] = b"\0asm";
/// After the magic: a core module of version 1.
const CORE: &[u8] = &[1, 0, 0, 0];

/// A component that compiled, and what its bytes told.
struct Compiled {
    component: component::Component,
    digest: String,
    size_bytes: u64,
}

/// Loads one file.
pub(super) async fn load(core: &Arc<Core>, path: &Path) -> Result<Arc<dyn Provider>, Refusal> {
    let (engine, file) = (core.engine.clone(), path.to_owned());
    let compiled = compile::in_time(move || compile(&engine, &file)).await?;
    let world = compiled.component.component_type();
    check_exports(world.exports(&core.engine).map(|(name, _)| name))?;
    let mut imports: Vec<String> = world.imports(&core.engine).map(|(name, _)| name.to_owned()).collect();
    audit::check(imports.iter().map(String::as_str))?;
    imports.sort_unstable();

    let pre = core.linker.instantiate_pre(&compiled.component).and_then(JudgeProviderPre::new);
    let pre = pre.map_err(|error| Refusal::ContractMismatch { reason: chain(&error) })?;
    let guest = Guest::new(core, pre);
    guest.check_types().await?;
    let identity = Identity {
        descriptor: describe(&guest).await?,
        digest: compiled.digest,
        path: path.to_owned(),
        size_bytes: compiled.size_bytes,
        imports,
    };
    Ok(Arc::new(Component { guest, identity }))
}

/// Asks a component who it is, twice: what is not constant now is not constant in a run.
async fn describe(guest: &Guest) -> Result<Descriptor, Refusal> {
    let first = guest.describe().await.map_err(|fault| Refusal::DescribeFailed { fault: Box::new(fault) })?;
    let second = guest.describe().await.map_err(|fault| Refusal::DescribeFailed { fault: Box::new(fault) })?;
    if first != second {
        return Err(Refusal::DescribeDiffers);
    }
    descriptor::check(&first).map_err(|reason| Refusal::BadDescriptor { reason })?;
    Ok(first)
}

fn compile(engine: &Engine, path: &Path) -> Result<Compiled, Refusal> {
    let bytes = read(path)?;
    check_form(&bytes)?;
    let component = compile::compile(engine, &bytes)?;
    let digest = format!("{:x}", Sha256::digest(&bytes));
    Ok(Compiled { component, digest, size_bytes: bytes.len() as u64 })
}

fn read(path: &Path) -> Result<Vec<u8>, Refusal> {
    let unreadable = |source: io::Error| Refusal::Unreadable { source };
    let file = File::open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("not a regular file")));
    }
    let mut bytes = Vec::new();
    // One byte more than is allowed, to know whether there is more; a size told beforehand may change.
    file.take(COMPONENT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > COMPONENT_BYTES_MAX {
        return Err(Refusal::TooLarge { bytes_max: COMPONENT_BYTES_MAX });
    }
    Ok(bytes)
}

/// What kind of file it is, by its first bytes.
fn check_form(bytes: &[u8]) -> Result<(), Refusal> {
    let Some(version) = bytes.strip_prefix(MAGIC) else {
        if bytes.is_empty() || MAGIC.starts_with(bytes) {
            return Err(Refusal::Damaged { reason: format!("the file ends after {} bytes", bytes.len()) });
        }
        if bytes.starts_with(b"\x7fELF") || Engine::detect_precompiled(bytes).is_some() {
            return Err(Refusal::Precompiled);
        }
        return Err(if bytes.trim_ascii_start().starts_with(b"(") { Refusal::Wat } else { Refusal::NotWasm });
    };
    if version.starts_with(CORE) {
        return Err(Refusal::CoreModule);
    }
    Ok(())
}

fn check_exports<'a>(exports: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    let exports: Vec<String> = exports.map(str::to_owned).collect();
    let versions: Vec<&str> = exports.iter().filter_map(|name| name.strip_prefix(EXPORT)).collect();
    let Some(first) = versions.first() else { return Err(Refusal::NoProvider { exports }) };
    // Patch releases are compatible both ways: their types are checked one by one afterwards.
    if versions.iter().any(|version| version.starts_with("0.1.")) {
        return Ok(());
    }
    Err(Refusal::OtherVersion { found: (*first).to_owned(), ours: VERSION })
}
