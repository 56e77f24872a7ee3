use clap::Args;
use judge_host::config::{Flags, Key};

/// The heading of what decides how fast it goes, and what it costs.
pub(super) const PACE: &str = "Pace and spending";

/// How fast records are judged, and at what cost: what `judge` and `bench` share.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct Pace {
    /// [`Key::VramGb`]
    #[arg(long, help_heading = PACE, value_name = "N", help = Key::VramGb.help())]
    pub(in crate::cli) vram_gb: Option<String>,
    /// [`Key::Rpm`]
    #[arg(long, help_heading = PACE, value_name = "N", help = Key::Rpm.help())]
    pub(in crate::cli) rpm: Option<String>,
    /// [`Key::Tpm`]
    #[arg(long, help_heading = PACE, value_name = "N", help = Key::Tpm.help())]
    pub(in crate::cli) tpm: Option<String>,
    /// [`Key::RetryBudget`]
    #[arg(long, help_heading = PACE, value_name = "N%", help = Key::RetryBudget.help())]
    pub(in crate::cli) retry_budget: Option<String>,
    /// [`Key::ConnectTimeout`]
    #[arg(long, help_heading = PACE, value_name = "TIME", help = Key::ConnectTimeout.help())]
    pub(in crate::cli) connect_timeout: Option<String>,
    /// [`Key::OutageMax`]
    #[arg(long, help_heading = PACE, value_name = "TIME", help = Key::OutageMax.help())]
    pub(in crate::cli) outage_max: Option<String>,
    /// [`Key::Hedge`]
    #[arg(long, help_heading = PACE, help = Key::Hedge.help())]
    pub(in crate::cli) hedge: bool,
    /// [`Key::Dedup`]
    #[arg(long, help_heading = PACE, value_name = "auto|on|off", help = Key::Dedup.help())]
    pub(in crate::cli) dedup: Option<String>,
    /// [`Key::Budget`]
    #[arg(long, help_heading = PACE, value_name = "AMOUNT", help = Key::Budget.help())]
    pub(in crate::cli) budget: Option<String>,
    /// [`Key::BudgetTokens`]
    #[arg(long, help_heading = PACE, value_name = "N", help = Key::BudgetTokens.help())]
    pub(in crate::cli) budget_tokens: Option<String>,
    /// [`Key::EscalateBelow`]
    #[arg(long, help_heading = PACE, value_name = "high|medium", help = Key::EscalateBelow.help())]
    pub(in crate::cli) escalate_below: Option<String>,
    /// [`Key::RecordsPerRequest`]
    #[arg(long, help_heading = PACE, value_name = "N", help = Key::RecordsPerRequest.help())]
    pub(in crate::cli) records_per_request: Option<String>,
}

impl Pace {
    /// Puts what was given.
    pub(super) fn put(&self, flags: &mut Flags) {
        for (key, value) in [
            (Key::VramGb, &self.vram_gb),
            (Key::Rpm, &self.rpm),
            (Key::Tpm, &self.tpm),
            (Key::RetryBudget, &self.retry_budget),
            (Key::ConnectTimeout, &self.connect_timeout),
            (Key::OutageMax, &self.outage_max),
            (Key::Dedup, &self.dedup),
            (Key::Budget, &self.budget),
            (Key::BudgetTokens, &self.budget_tokens),
            (Key::EscalateBelow, &self.escalate_below),
            (Key::RecordsPerRequest, &self.records_per_request),
        ] {
            flags.set(key, value.as_deref());
        }
        flags.set(Key::Hedge, self.hedge.then_some("true"));
    }
}
