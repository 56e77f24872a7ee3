//! The command line: flags to config, config to a run, a run to an exit code.

pub mod args;
