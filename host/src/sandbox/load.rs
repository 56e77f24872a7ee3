//! From a file to a provider: cheap checks first, each with its own refusal.

use super::component::{Component, Guest};
use super::limits::COMPONENT_BYTES_MAX;
use super::refusal::chain;
use super::shared::Core;
use super::{Refusal, audit, compile, contract, descriptor};
use crate::model::{Descriptor, Signer};
use crate::provider::{Artifact, Identity, Provider, read_bounded};
use std::path::Path;
use std::sync::Arc;
use wasmtime::Engine;

/// The first bytes of every WebAssembly binary.
const MAGIC: &[u8] = b"\0asm";
/// After the magic: a core module of version 1.
const CORE: &[u8] = &[1, 0, 0, 0];

/// Loads what was read of a file. Who signed it is for others to know.
pub(super) async fn load(core: &Arc<Core>, artifact: Artifact, signer: Signer) -> Result<Arc<dyn Provider>, Refusal> {
    let (path, digest) = (artifact.path().to_owned(), artifact.digest().to_owned());
    let size_bytes = artifact.bytes().len() as u64;
    let compiler = core.compiler.clone();
    let compile = move || {
        check_form(artifact.bytes())?;
        compiler.compile(&artifact)
    };
    let compiled = compile::in_time(compile).await?;
    let world = compiled.component_type();
    let (version, number) = contract::common(core.versions, world.exports(&core.engine).map(|(name, _)| name))?;
    let mut imports: Vec<String> = world.imports(&core.engine).map(|(name, _)| name.to_owned()).collect();
    audit::check(imports.iter().map(String::as_str))?;
    imports.sort_unstable();

    let functions = core.linker.instantiate_pre(&compiled).and_then(version.bind);
    let functions = functions.map_err(|error| Refusal::ContractMismatch { reason: chain(&error) })?;
    let guest = Guest::new(core, functions);
    guest.check_types().await?;
    let descriptor = describe(&guest).await?;
    let identity = Identity { descriptor, digest, path, size_bytes, contract: number, imports, signer };
    Ok(Arc::new(Component { guest, identity }))
}

/// Asks a component who it is, twice: what is not constant now is not constant in a run.
async fn describe(guest: &Guest) -> Result<Descriptor, Refusal> {
    let first = guest.describe().await.map_err(|fault| Refusal::DescribeFailed { fault: Box::new(fault) })?;
    let second = guest.describe().await.map_err(|fault| Refusal::DescribeFailed { fault: Box::new(fault) })?;
    descriptor::same(first, &second)
}

/// Reads a file, once. It blocks.
pub(super) fn read(path: &Path) -> Result<Artifact, Refusal> {
    let bytes = read_bounded(path, COMPONENT_BYTES_MAX).map_err(|source| Refusal::Unreadable { source })?;
    let bytes = bytes.ok_or(Refusal::TooLarge { bytes_max: COMPONENT_BYTES_MAX })?;
    Ok(Artifact::new(path.to_owned(), bytes))
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
