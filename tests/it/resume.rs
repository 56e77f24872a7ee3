//! A run that ends early goes on where it ended: nothing is lost, nothing is paid twice.

mod again;
#[cfg(unix)]
mod kill;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod storms;
