//! Medians, and numbers as people read them.

use std::time::Duration;

/// The middle of at least one measurement; the upper one of two.
pub(crate) fn median(values: Vec<Duration>) -> Duration {
    percentile(values, 50)
}

/// The value below which so many hundredths of the measurements lie.
pub(crate) fn percentile(mut values: Vec<Duration>, percent: usize) -> Duration {
    values.sort_unstable();
    values[(values.len() * percent / 100).min(values.len() - 1)]
}

/// A time in the unit that leaves one to three digits before the point; nanoseconds are whole.
pub(crate) fn time(time: Duration) -> String {
    let ns = time.as_secs_f64() * 1e9;
    let (value, unit) = match ns {
        0.0..1e3 => (ns, "ns"),
        1e3..1e6 => (ns / 1e3, "µs"),
        1e6..1e9 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    if value < 100.0 && unit != "ns" { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}
