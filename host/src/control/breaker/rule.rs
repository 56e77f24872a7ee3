use std::time::Duration;

/// Failures in a row that say that the endpoint is down.
pub const DOWN_IN_A_ROW: u32 = 5;
/// Calls that are looked back on for the share of such failures.
pub const CALLS_LOOKED_AT: usize = 20;
/// The share among them, in parts of a hundred, that is too much.
pub const DOWN_PERCENT: u8 = 50;
/// Failures in a row where some or all are of too much to do. Four times as many, since calls that came at once are
/// refused at once, before the first of those that were taken is answered.
pub const FAILED_IN_A_ROW: u32 = 20;
/// The first wait for a probe lies between half of this and all of it.
pub const PROBE_BASE: Duration = Duration::from_secs(1);
/// No wait for a probe is longer, unless the server asks for more.
pub const PROBE_MAX: Duration = Duration::from_secs(15);
/// Probes in a row that must go well: one answer of a model is no accident.
pub const PROBES_GOOD: u32 = 1;
/// An endpoint that is down for so long is not waited for: somebody should look at it.
pub const OUTAGE_MAX: Duration = Duration::from_mins(30);
/// Faults in a row that only a person can end. A few, as some servers are wrong about one model or account for a moment.
pub const PERSON_IN_A_ROW: u32 = 5;

/// Bounds by which an endpoint is left alone, and a run is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerRule {
    /// Failures in a row, all of an endpoint that is down, that open it; at least 1.
    pub down_in_a_row: u32,
    /// Failures in a row, of an endpoint that is down or has too much to do, that open it; at least 1.
    pub failed_in_a_row: u32,
    /// Calls that are looked back on; at least 1.
    pub calls: usize,
    /// The share among them of an endpoint that is down that opens it, in parts of a hundred.
    pub down_percent: u8,
    /// The bound of the first wait for a probe; each that follows is twice as long.
    pub probe_base: Duration,
    /// The bound of every wait for a probe.
    pub probe_max: Duration,
    /// Probes in a row that must go well to close it; at least 1.
    pub probes_good: u32,
    /// How long it may stay open before the run is to end.
    pub outage_max: Duration,
    /// Faults without a success between that only a person can end, before the run is to end; at least 1.
    pub person_in_a_row: u32,
}

impl Default for BreakerRule {
    fn default() -> Self {
        BreakerRule {
            down_in_a_row: DOWN_IN_A_ROW,
            failed_in_a_row: FAILED_IN_A_ROW,
            calls: CALLS_LOOKED_AT,
            down_percent: DOWN_PERCENT,
            probe_base: PROBE_BASE,
            probe_max: PROBE_MAX,
            probes_good: PROBES_GOOD,
            outage_max: OUTAGE_MAX,
            person_in_a_row: PERSON_IN_A_ROW,
        }
    }
}
