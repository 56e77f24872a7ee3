//! What the README promises, shown.
