use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::path::Path;

/// What providers are built for.
pub(crate) const WASM_TARGET: &str = "wasm32-wasip2";

/// Makes sure that the compiler has the target: adds it with rustup where it is missing. A compiler that came without
/// rustup is fine, as long as the target came with it.
///
/// # Errors
/// Where it is missing and cannot be added; says what to type.
pub(crate) fn ensure_installed(workspace: &Workspace) -> Result<()> {
    if is_installed(workspace)? {
        return Ok(());
    }
    eprintln!("the target {WASM_TARGET} is missing; adding it");
    let added = workspace.run(workspace.command("rustup").args(["target", "add", WASM_TARGET]));
    if let Err(error) = added {
        bail!(
            "{error:#}\nhint: providers are built for {WASM_TARGET}; with rustup: `rustup target add {WASM_TARGET}`, \
             else install your system's package of it (often `rust-std-{WASM_TARGET}`)"
        );
    }
    if is_installed(workspace)? {
        return Ok(());
    }
    bail!(
        "rustup added {WASM_TARGET}, but `rustc` does not find it\n\
         hint: `rustc` is not rustup's; see `which rustc` and `rustup which rustc`"
    )
}

/// Whether the standard library for the target is where the compiler looks.
fn is_installed(workspace: &Workspace) -> Result<bool> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = workspace
        .command(rustc)
        .args(["--print", "target-libdir", "--target", WASM_TARGET])
        .output()
        .context("cannot start `rustc`")?;
    Ok(output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}
