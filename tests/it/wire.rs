//! Both wire dialects against the fake server: what is sent, and what comes of the answers.
