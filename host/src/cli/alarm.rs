//! The words that an operator gets while a run goes on: that a provider is put into quarantine, once a run; that a server is
//! left alone, or back. The summary has the counts.

use judge_host::control::quarantine::Onset;
use judge_host::judge::Observed;
use judge_host::provider::Identity;
use judge_host::report::Console;
use std::sync::{Arc, OnceLock};

/// Characters of a digest that people compare.
const DIGEST_SHOWN: usize = 12;

/// Says what happens, each thing once. Clones say it once together.
#[derive(Clone)]
pub(super) struct Alarm {
    console: Console,
    observed: Observed,
    provider: String,
    told: Arc<OnceLock<()>>,
}

impl Alarm {
    pub(super) fn new(identity: &Identity, console: &Console, observed: &Observed) -> Alarm {
        let digest: String = identity.digest.chars().take(DIGEST_SHOWN).collect();
        Alarm {
            console: console.clone(),
            observed: observed.clone(),
            provider: format!("`{}` ({digest})", identity.descriptor.id),
            told: Arc::default(),
        }
    }

    /// Looks whether there is something to say. May be called as often as one likes.
    pub(super) fn look(&self) {
        if let Some(onset) = self.observed.counters.first_quarantine.get()
            && self.told.set(()).is_ok()
        {
            self.console.note(&words(&self.provider, onset));
        }
        for change in self.observed.stops.changes() {
            self.console.note(&change.to_string());
        }
    }
}

fn words(provider: &str, onset: &Onset) -> String {
    let Onset { kind, faults, attempts, length } = onset;
    let length = humantime::format_duration(length.unwrap_or_default());
    format!(
        "provider {provider} is in quarantine: {faults} of its last {attempts} attempts failed in the sandbox, the last by \
         `{kind}`; its records wait, and one is tried in {length}; the summary counts what follows"
    )
}
