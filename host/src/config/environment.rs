use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// The environment as one value, so that what is read from it can be tested: the process's variables, and under
/// them those of `.env`.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    notes: Vec<String>,
}

impl Environment {
    /// The process's environment, and what the `.env` file in `dir` adds to it. A variable that the process has
    /// is never changed by the file. Variables that are not UTF-8 are left out.
    pub fn of_process(dir: &Path) -> Self {
        let mut environment = Environment::of_variables();
        environment.read_dot_env(&dir.join(".env"));
        environment
    }

    /// The process's environment alone. Variables that are not UTF-8 are left out.
    pub fn of_variables() -> Self {
        let process = std::env::vars_os();
        let variables = process.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        variables.collect()
    }

    /// A variable's value. An empty one counts as unset: templates of `.env` files are full of them.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }

    /// What the operator should know about `.env`, one sentence each; never with a value in it.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    fn read_dot_env(&mut self, path: &Path) {
        match std::fs::read_to_string(path) {
            Ok(text) => self.add_dot_env(&text, &path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => self.notes.push(format!("{} cannot be read and is ignored: {error}", path.display())),
        }
    }

    // A line that cannot be read is told and left out, not an error: such files are shared with other programs,
    // whose readers allow what this one does not (a value of two words without quotes).
    fn add_dot_env(&mut self, text: &str, path: &str) {
        for entry in dotenvy::from_read_iter(text.as_bytes()) {
            match entry {
                Ok((name, value)) => {
                    self.variables.entry(name).or_insert(value);
                }
                Err(dotenvy::Error::LineParse(line, _)) => {
                    // The error has the unreadable part of the line only.
                    let number = text.lines().position(|each| !line.is_empty() && each.contains(line.as_str()));
                    let place = number.map_or_else(|| path.to_owned(), |index| format!("{path} line {}", index + 1));
                    self.notes
                        .push(format!("{place} is no NAME=value and is ignored; quote values with spaces in them"));
                }
                Err(error) => {
                    self.notes.push(format!("{path} is read no further: {error}"));
                    return;
                }
            }
        }
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(variables: T) -> Self {
        Environment { variables: variables.into_iter().collect(), notes: Vec::new() }
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// Names only: values may be keys.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_adds_and_never_overrides() {
        let mut environment = Environment::from([("OLLAMA_MODEL", "from-process")]);
        environment.add_dot_env("OLLAMA_MODEL=from-file\nTRITON_MODEL=\"t 1\" # the GPU box\nEMPTY=\n", ".env");
        assert_eq!(environment.get("OLLAMA_MODEL"), Some("from-process"));
        assert_eq!(environment.get("TRITON_MODEL"), Some("t 1"));
        assert_eq!(environment.get("EMPTY"), None, "empty is unset");
        assert_eq!(environment.notes(), [""; 0]);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_told_by_number_without_its_value() {
        let mut environment = Environment::default();
        environment.add_dot_env("A=1\nOPENAI_API_KEY=sk-secret and more\nB=2\n", ".env");
        assert_eq!((environment.get("A"), environment.get("B")), (Some("1"), Some("2")));
        let [note] = environment.notes() else { panic!("one note, not {:?}", environment.notes()) };
        assert!(note.starts_with(".env line 2 is no NAME=value"), "{note}");
        assert!(!note.contains("secret"), "{note}");
    }

    #[test]
    fn debug_shows_names_only() {
        let shown = format!("{:?}", Environment::from([("OPENAI_API_KEY", "sk-secret")]));
        assert_eq!(shown, r#"{"OPENAI_API_KEY"}"#);
    }

    #[test]
    fn the_process_is_read_together_with_the_file() {
        let dir = tempfile::tempdir().expect("a folder for the test");
        std::fs::write(dir.path().join(".env"), "JUDGE_HOST_TEST_ONLY=1\nPATH=not-this\n")
            .expect("the file is written");
        let environment = Environment::of_process(dir.path());
        assert_eq!(environment.get("JUDGE_HOST_TEST_ONLY"), Some("1"));
        assert_ne!(environment.get("PATH"), Some("not-this"));
    }
}
