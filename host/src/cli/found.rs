//! Where the limit of a run stands, of all its servers together, in words.

use judge_host::control::limit::{Reason, State};
use judge_host::judge::{Observed, ServerState};
use judge_host::model::Parallel;

/// The number that was found to serve best, and why.
pub(super) struct Found {
    /// None while a server's is looked for.
    pub(super) settled: Option<usize>,
    pub(super) reason: String,
}

impl Found {
    pub(super) fn of(observed: &Observed, parallel: Parallel) -> Found {
        let limit = observed.permits.limit();
        let states = states(&observed.servers());
        let settled = states.iter().map(|(_, state)| state.settled).sum();
        match (parallel, states.as_slice()) {
            (Parallel::Fixed(_), _) => Found { settled: Some(limit), reason: format!("fixed at {limit}") },
            (_, []) => {
                Found { settled: Some(limit), reason: format!("{limit}: nothing is sent, one for each processor") }
            }
            (_, [(_, only)]) => Found { settled, reason: only.to_string() },
            (_, several) => {
                let each: Vec<_> = several.iter().map(|(origin, state)| format!("{origin} {state}")).collect();
                Found { settled, reason: each.join("; ") }
            }
        }
    }
}

/// What a limit that is looked for does at present: its state; of several that which moves. None where all is fixed.
pub(super) fn at_present(observed: &Observed) -> Option<String> {
    let states = states(&observed.servers());
    match states.as_slice() {
        [] => None,
        [(_, only)] => Some(only.to_string()),
        several => {
            let all = || several.iter().map(|(_, state)| state.limit.to_string()).collect::<Vec<_>>().join(" + ");
            let moving = several.iter().find(|(_, state)| moves(state));
            Some(moving.map_or_else(
                || format!("settled at {}", all()),
                |(origin, state)| format!("{} {state}", origin.rsplit('/').next().unwrap_or(origin)),
            ))
        }
    }
}

/// The limits that are looked for, each with its server's origin.
fn states(servers: &[ServerState]) -> Vec<(String, State)> {
    let looked_for = |server: &ServerState| {
        let state = server.lane.limit.filter(|state| state.reason != Reason::Fixed)?;
        Some((server.origin.clone(), state))
    };
    servers.iter().filter_map(looked_for).collect()
}

fn moves(state: &State) -> bool {
    !matches!(state.reason, Reason::Settled { .. } | Reason::HeldByMax | Reason::HeldBy { .. })
}
