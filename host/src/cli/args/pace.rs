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
}

impl Pace {
    /// Puts what was given.
    pub(super) fn put(&self, flags: &mut Flags) {
        flags.set(Key::VramGb, self.vram_gb.as_deref());
    }
}
