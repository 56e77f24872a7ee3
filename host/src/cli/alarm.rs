//! The word that an operator gets when a provider is put into quarantine: once a run; the summary has the counts.

use judge_host::control::quarantine::Onset;
use judge_host::job::Counters;
use judge_host::provider::Identity;
use judge_host::report::Console;
use std::sync::{Arc, OnceLock};

/// Characters of a digest that people compare.
const DIGEST_SHOWN: usize = 12;

/// Says once that a provider is in quarantine. Clones say it once together.
#[derive(Clone)]
pub(super) struct Alarm {
    console: Console,
    counters: Arc<Counters>,
    provider: String,
    told: Arc<OnceLock<()>>,
}

impl Alarm {
    pub(super) fn new(identity: &Identity, console: &Console, counters: &Arc<Counters>) -> Alarm {
        let digest: String = identity.digest.chars().take(DIGEST_SHOWN).collect();
        Alarm {
            console: console.clone(),
            counters: Arc::clone(counters),
            provider: format!("`{}` ({digest})", identity.descriptor.id),
            told: Arc::default(),
        }
    }

    /// Looks whether there is something to say. May be called as often as one likes.
    pub(super) fn look(&self) {
        if let Some(onset) = self.counters.first_quarantine.get()
            && self.told.set(()).is_ok()
        {
            self.console.note(&words(&self.provider, onset));
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
