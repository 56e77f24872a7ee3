//! The machine that the figures are of, in one line.

use std::fs;
use std::thread::available_parallelism;

pub(crate) fn described() -> String {
    let cores = available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
    let cpu = |name| said("/proc/cpuinfo", name).unwrap_or_else(|| "?".into());
    let memory = said("/proc/meminfo", "MemTotal").unwrap_or_else(|| "? kB".into());
    format!(
        "{cores} cores of {} (family {}, model {}), memory {memory}, {} {}",
        cpu("model name"),
        cpu("cpu family"),
        cpu("model"),
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

/// The first value of this name in a file of the system; none on other systems than Linux.
fn said(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim().to_owned())
    })
}
