//! How long a registry takes to open, and what memory it then needs: in a process of its own each time, since memory
//! that was once used may not go back to the system.

use super::choice;
use super::numbers::median;
use anyhow::{Context, Result, ensure};
use judge_host::registry::Registry;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The word that makes this program that process.
pub(crate) const OPEN: &str = "open-registry";

/// What it tells.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct StartUp {
    /// Until it is open.
    pub(crate) time: Duration,
    /// Until candidates are chosen for a first record, which takes the index of words.
    pub(crate) chosen: Duration,
    /// The most memory that the process ever held.
    pub(crate) memory_kib: u64,
}

/// Opens the registry so often, each time in a new process; the median times, and the most memory.
pub(crate) fn measure(path: &Path, times: usize) -> Result<StartUp> {
    let program = std::env::current_exe().context("where is this program?")?;
    let open = || {
        let output = Command::new(&program).arg(OPEN).arg(path).output().context("cannot start this program")?;
        ensure!(output.status.success(), "cannot open the registry: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<StartUp>(&output.stdout).context("cannot read what the process tells")
    };
    let opened = (0..times).map(|_| open()).collect::<Result<Vec<_>>>()?;
    Ok(StartUp {
        time: median(opened.iter().map(|opened| opened.time).collect()),
        chosen: median(opened.iter().map(|opened| opened.chosen).collect()),
        memory_kib: opened.iter().map(|opened| opened.memory_kib).max().unwrap_or_default(),
    })
}

/// The process of its own: opens the registry as a run does, chooses a record's candidates, and tells what that took.
pub(crate) fn open(path: &Path) -> Result<String> {
    let begun = Instant::now();
    let registry = Registry::open(path)?;
    let time = begun.elapsed();
    choice::choose(&registry.snapshot())?;
    let chosen = begun.elapsed();
    Ok(serde_json::to_string(&StartUp { time, chosen, memory_kib: memory_max_kib()? })?)
}

/// `VmHWM`, "peak resident set size" (<https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>).
fn memory_max_kib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("peak memory is known on Linux only")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()).context("no VmHWM in /proc/self/status")?;
    Ok(number.parse()?)
}
