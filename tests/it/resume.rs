//! A run that ends early goes on where it ended: nothing is lost, nothing is paid twice.
