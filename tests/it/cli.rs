//! The command line as a user sees it: help, listings, and what each command prints.
