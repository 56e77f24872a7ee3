//! What the host itself takes of its machine. Linux alone tells it in files; elsewhere it is not known.

use std::fs;
use std::time::Duration;

/// Ticks a second in which Linux counts the time of processors for programs, on all of its usual architectures.
const TICKS_PER_SECOND: u64 = 100;

/// What the host has taken up to a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Footprint {
    /// What processors have worked for it.
    pub(super) cpu: Option<Duration>,
    /// The most memory that it held at any time.
    pub(super) memory_peak_bytes: Option<u64>,
}

impl Footprint {
    pub(super) fn now() -> Footprint {
        let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).ok();
        Footprint {
            cpu: read("stat").and_then(|text| cpu(&text)),
            memory_peak_bytes: read("status").and_then(|text| memory_peak(&text)),
        }
    }

    /// What processors have worked since an earlier moment.
    pub(super) fn cpu_since(&self, earlier: &Footprint) -> Option<Duration> {
        Some(self.cpu?.saturating_sub(earlier.cpu?))
    }
}

/// The fourteenth and fifteenth field of `/proc/PID/stat`: ticks of the program, and of the kernel for it. The second is
/// a name in brackets, with whatever in it.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11).map(|field| field.parse::<u64>().ok());
    let ticks = ticks.next()??.saturating_add(ticks.next()??);
    Some(Duration::from_millis(ticks.saturating_mul(1000 / TICKS_PER_SECOND)))
}

fn memory_peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        let stat = "7 (judge) host) S 1 7 7 0 -1 4194560 2500 0 0 0 123 45 0 0 20 0 9 0 100 1 2 3";
        assert_eq!(cpu(stat), Some(Duration::from_millis(1_680)));
        assert_eq!(memory_peak("Name:\tjudge-host\nVmHWM:\t   61440 kB\nVmRSS:\t 1 kB\n"), Some(61_440 * 1024));
        assert_eq!((cpu("7 (x) S 1"), memory_peak("Name:\tx\n")), (None, None));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_tells_them() {
        let now = Footprint::now();
        assert!(now.memory_peak_bytes.is_some_and(|bytes| bytes > 1 << 20), "{now:?}");
        assert!(now.cpu.is_some_and(|cpu| cpu < Duration::from_hours(1)), "{now:?}");
    }
}
