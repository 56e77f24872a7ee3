use super::SPECS;

/// One thing that the operator may choose by more than one way. [`SPECS`] says of each its unit and default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Where the providers are.
    Providers,
    /// Which one judges.
    Provider,
    /// Which model it asks.
    Model,
    /// How many records are in flight.
    Parallel,
    /// How large the card of its server is.
    VramGb,
    /// How many requests a minute are sent.
    Rpm,
    /// How many tokens a minute are asked for.
    Tpm,
    /// How many of the calls may be retries.
    RetryBudget,
    /// How long connecting may take.
    ConnectTimeout,
    /// How long a server that is down is waited for.
    OutageMax,
    /// Whether a slow call gets a second beside it.
    Hedge,
    /// Whether what is the same is judged once.
    Dedup,
    /// How much money a run may cost.
    Budget,
    /// How many tokens a run may take.
    BudgetTokens,
    /// Which answers go on to the next provider.
    EscalateBelow,
    /// How many records are asked about at once.
    RecordsPerRequest,
    /// Where clusters and outcomes are kept.
    Registry,
    /// When a commit is answered.
    Durability,
    /// What the batch is called.
    BatchId,
    /// Where rows go.
    Out,
    /// Which clusters to begin with.
    Clusters,
    /// The operator's words.
    Instructions,
    /// The language of the rationale.
    Language,
    /// How long one attempt may take.
    Timeout,
    /// How long one record may take.
    TotalTimeout,
    /// How often a record is tried.
    Attempts,
    /// How many clusters are shown.
    CandidatesMax,
    /// Whether new clusters may be proposed.
    NewCluster,
    /// When they may be born beside others.
    Births,
    /// How freely the model samples.
    Temperature,
    /// How long an answer may be.
    MaxOutputTokens,
    /// What the sampling starts from.
    Seed,
    /// How many records make a slice.
    SliceSize,
    /// Whether bodies are shown on stderr.
    LogBodies,
    /// Where compiled providers are kept.
    CacheDir,
    /// Whether only locked providers are loaded.
    Locked,
    /// Whose signatures count.
    TrustedKeys,
}

/// Where a key can be set, and what it is: the one table that help, errors and documentation are checked against.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The key.
    pub key: Key,
    /// Its name in judge.toml.
    pub name: &'static str,
    /// Its flag.
    pub flag: &'static str,
    /// Its environment variable. For `model` there is `<PROVIDER>_MODEL` above it.
    pub variable: Option<&'static str>,
    /// Its default, as the operator would write it.
    pub default: Option<&'static str>,
    /// What it is, with unit and range.
    pub summary: &'static str,
    /// Whether it is a path: in judge.toml relative to that file.
    pub is_path: bool,
}

impl Key {
    /// Its row.
    pub fn spec(self) -> &'static Spec {
        &SPECS[self as usize]
    }

    /// The help text of its flag: what it is, its default, and where else it can be set.
    pub fn help(self) -> String {
        let Spec { summary, default, variable, name, .. } = self.spec();
        let default = default.map(|default| format!(" [default: {default}]")).unwrap_or_default();
        let variable = variable.map(|variable| format!(" [env: {variable}]")).unwrap_or_default();
        format!("{summary}{default}{variable} [judge.toml: {name}]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_finds_its_own_row() {
        for (index, spec) in SPECS.iter().enumerate() {
            assert_eq!(spec.key as usize, index, "{}", spec.name);
            assert_eq!(spec.key.spec().name, spec.name);
        }
    }

    #[test]
    fn help_says_default_and_other_places() {
        let help = Key::Parallel.help();
        assert!(help.ends_with("[default: 5] [env: PARALLEL_INFERENCE_BATCH_SIZE] [judge.toml: parallel]"), "{help}");
    }
}
