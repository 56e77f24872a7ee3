use serde::{Deserialize, Serialize};

/// When a commit is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// When it is on the disk: neither a kill nor a loss of power takes it back.
    #[default]
    Full,
    /// When the system has it: a kill takes nothing back; a loss of power or a crash of the system may take the last
    /// commits back, whose records are then judged, and paid, once more.
    Fast,
}
