//! One more round with the model, where the operator switched it on by `--setting repair=true`: it is shown its own
//! answer and what is wrong with it. It costs a second call for the few answers that are no verdict, and saves the
//! attempt from the beginning that the host would make otherwise.
//!
//! A provider keeps [`is_on`] in its brief's head, sends first with an empty state, and asks [`of`] before it gives a
//! `malformed` fault back.

use crate::http::written;
use crate::{Fault, FaultKind, SettingSpec, Settings, Usage, usage};
use serde_json::{Value, json};

/// The setting's name.
pub const SETTING: &str = "repair";

/// The setting, for a descriptor.
pub fn spec() -> SettingSpec {
    SettingSpec::new(
        SETTING,
        "whether to show the model its own invalid answer and ask once more, at the cost of a second call: true or false",
    )
    .default_value("false")
}

/// Whether the operator switched it on.
///
/// # Errors
/// `invalid-request`, where the setting is neither true nor false.
pub fn is_on(settings: &Settings) -> Result<bool, Fault> {
    Ok(settings.parse(SETTING)?.unwrap_or(false))
}

/// The second question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// What to say to the model after its own words.
    pub complaint: String,
    /// The state of the request: what was spent so far.
    pub state: Vec<u8>,
}

/// What to ask after a fault: none where repair is off, where the answer is not malformed, or where this was the second
/// round already.
pub fn of(is_on: bool, state: &[u8], fault: &Fault) -> Option<Repair> {
    let due = is_on && state.is_empty() && fault.kind == FaultKind::Malformed;
    due.then(|| Repair {
        complaint: format!(
            "This cannot be used: {}. Answer once more, with exactly one JSON object of the form asked for.",
            fault.message
        ),
        state: written(&spelled(fault.usage)).into_bytes(),
    })
}

/// What the job cost with this response: with the round before, if there was one.
pub fn spent(state: &[u8], now: Usage) -> Usage {
    let before: Value = serde_json::from_slice(state).unwrap_or_default();
    let count = |name: &str| before[name].as_u64();
    let before = Usage {
        input_tokens: count("input"),
        cached_input_tokens: count("cached_input"),
        output_tokens: count("output"),
        cost_micro_usd: count("cost"),
    };
    usage::sum(before, now)
}

fn spelled(usage: Usage) -> Value {
    json!({
        "input": usage.input_tokens,
        "cached_input": usage.cached_input_tokens,
        "output": usage.output_tokens,
        "cost": usage.cost_micro_usd,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault;

    fn used(input: u64, cost: Option<u64>) -> Usage {
        Usage { input_tokens: Some(input), cost_micro_usd: cost, ..Usage::default() }
    }

    #[test]
    fn a_malformed_answer_is_asked_about_once_where_it_is_switched_on() {
        let malformed = fault::malformed("missing-field", "the answer lacks `decision`").usage(used(7, None));
        let repair = of(true, &[], &malformed).expect("the first round");
        assert!(repair.complaint.contains("lacks `decision`"), "{}", repair.complaint);
        assert_eq!(of(true, &repair.state, &malformed), None, "no third round");
        assert_eq!(of(false, &[], &malformed), None);
        assert_eq!(of(true, &[], &fault::refused("no", Usage::default())), None);
        assert_eq!(spent(&repair.state, used(5, Some(3))), used(12, Some(3)));
        assert_eq!(spent(&[], used(5, None)), used(5, None));
    }
}
