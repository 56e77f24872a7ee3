//! The scheduler under load: servers of every kind on a virtual clock, the limit that it finds on each, and random
//! scripts of what may go wrong.

mod found;
mod ran;
mod random;
mod scenario;
mod server;
