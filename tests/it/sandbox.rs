//! Components that misbehave: each verb ends in its own fault, and nothing else suffers.
