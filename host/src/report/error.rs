use crate::model::Fault;
use std::error::Error;
use std::fmt;

/// An error with what the user can do about it. Says of itself what the error inside says.
#[derive(Debug)]
pub struct Hinted {
    error: Box<dyn Error + Send + Sync>,
    hint: String,
}

/// Puts an error's hint around it, where it has one, for the printer to find.
pub fn hinted(error: impl Error + Send + Sync + 'static, hint: Option<String>) -> anyhow::Error {
    match hint {
        Some(hint) => anyhow::Error::new(Hinted { error: Box::new(error), hint }),
        None => anyhow::Error::new(error),
    }
}

/// The text of an error: `error: …`, `caused by: …` for each cause, `hint: …` for each hint among them. A cause that
/// says nothing new is left out.
pub fn error_lines(error: &anyhow::Error) -> String {
    let mut lines = Vec::<String>::new();
    let mut hints = Vec::<String>::new();
    let mut last = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if !last.ends_with(&text) {
            lines.push(format!("{}: {text}", if lines.is_empty() { "error" } else { "  caused by" }));
            last = text;
        }
        let hint = match (cause.downcast_ref::<Hinted>(), cause.downcast_ref::<Fault>()) {
            (Some(hinted), _) => Some(&hinted.hint),
            (None, Some(fault)) => fault.hint.as_ref(),
            (None, None) => None,
        };
        hints.extend(hint.map(|hint| format!("hint: {hint}")));
    }
    lines.append(&mut hints);
    lines.join("\n")
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Hinted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FaultKind;
    use anyhow::Context;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open `{file}`")]
    struct Open {
        file: &'static str,
        source: std::io::Error,
    }

    fn open() -> Open {
        Open { file: "judge.db", source: std::io::Error::other("disk full") }
    }

    #[test]
    fn the_whole_chain_is_told_and_hints_come_last() {
        let error = hinted(open(), Some("free some space".into()));
        let error = Err::<(), _>(error).context("no registry").expect_err("it is one");
        let expected =
            "error: no registry\n  caused by: cannot open `judge.db`\n  caused by: disk full\nhint: free some space";
        assert_eq!(error_lines(&error), expected);
    }

    #[test]
    fn an_error_without_hint_has_no_hint_line() {
        assert_eq!(error_lines(&hinted(open(), None)), "error: cannot open `judge.db`\n  caused by: disk full");
    }

    #[test]
    fn a_faults_own_hint_is_told() {
        let fault = Fault::new(FaultKind::ModelNotFound, "model `q` not found").hint("ollama pull q");
        let error = anyhow::Error::new(fault).context("the provider is not ready");
        let expected =
            "error: the provider is not ready\n  caused by: model-not-found: model `q` not found\nhint: ollama pull q";
        assert_eq!(error_lines(&error), expected);
    }

    #[test]
    fn what_was_said_is_not_said_again() {
        let error = anyhow::anyhow!("disk full").context("cannot write: disk full");
        assert_eq!(error_lines(&error), "error: cannot write: disk full");
    }
}
