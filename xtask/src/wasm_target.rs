use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::path::Path;

/// What the bundled providers are built for: there is no WASI in it, so nothing that they could import.
pub(crate) const PURE_TARGET: &str = "wasm32-unknown-unknown";

/// What everybody else's are built for by custom, and the tests' own: one command makes a component, which imports the
/// WASI of the standard library.
pub(crate) const WASI_TARGET: &str = "wasm32-wasip2";

/// Makes sure that the compiler has a target: adds it with rustup where it is missing. A compiler that came without
/// rustup is fine, as long as the target came with it.
///
/// # Errors
/// Where it is missing and cannot be added; says what to type.
pub(crate) fn ensure_installed(workspace: &Workspace, target: &str) -> Result<()> {
    if is_installed(workspace, target)? {
        return Ok(());
    }
    eprintln!("the target {target} is missing; adding it");
    let added = workspace.run(workspace.command("rustup").args(["target", "add", target]));
    if let Err(error) = added {
        bail!(
            "{error:#}\nhint: components are built for {target}; with rustup: `rustup target add {target}`, else \
             install your system's package of it (often `rust-std-{target}`)"
        );
    }
    if is_installed(workspace, target)? {
        return Ok(());
    }
    bail!(
        "rustup added {target}, but `rustc` does not find it\n\
         hint: `rustc` is not rustup's; see `which rustc` and `rustup which rustc`"
    )
}

/// Whether the standard library for the target is where the compiler looks.
fn is_installed(workspace: &Workspace, target: &str) -> Result<bool> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = workspace
        .command(rustc)
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .context("cannot start `rustc`")?;
    Ok(output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}
