//! `bench` compares levels of parallelism, and parallelism pays.
