//! Every slip of an operator gets a clear answer and an exit code, and nothing is lost.
