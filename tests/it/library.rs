//! The library: the same judge without the binary.
