//! What a live instance holds of the machine's memory: many in a process of their own, each after one call.

use super::table::Figures;
use super::variants::Variant;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

/// What this program is called with to hold instances.
pub(crate) const HOLD: &str = "hold-instances";

const INSTANCES: u64 = 64;

pub(crate) fn measure(component: &Path, figures: &mut Figures) -> Result<()> {
    let held = Command::new(std::env::current_exe()?).arg(HOLD).arg(component).output()?;
    ensure!(held.status.success(), "{}", String::from_utf8_lossy(&held.stderr));
    let told = String::from_utf8_lossy(&held.stdout);
    figures.push(format!("memory of a live instance (of {INSTANCES})"), format!("{} KiB", told.trim()));
    Ok(())
}

/// Holds instances and says how many KiB each has added.
pub(crate) fn hold(component: &Path) -> Result<()> {
    let variant = Variant::like_the_host(component)?;
    // What the first costs for all, such as code that is paged in.
    variant.call()?;
    let before = resident_kib()?;
    let held = (0..INSTANCES).map(|_| variant.called_instance()).collect::<Result<Vec<_>>>()?;
    let grown = resident_kib()?.saturating_sub(before);
    println!("{}", grown / INSTANCES);
    drop(held);
    Ok(())
}

/// What the process has in memory now.
fn resident_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("this is measured on Linux alone")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
