//! What the README promises, shown.

mod births;
mod canary;
mod in_flight;
#[cfg(target_os = "linux")]
mod memory;
mod outcomes;
mod overtaken;
mod privacy;
mod requests;
mod stdout;
mod together;
mod twins;
