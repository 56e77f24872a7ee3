//! Real servers for the end-to-end tests: each comes from PyPI into a virtual environment of its own below the build
//! folder, once. Where that cannot be, its tests are left out, and one line says why.

use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A server, and how the tests find it.
struct Server {
    name: &'static str,
    /// Below `servers/` in the build folder.
    folder: &'static str,
    /// Holds the path of the Python that can start it.
    variable: &'static str,
    /// Pinned; what these need besides is left to pip, as it differs from Python to Python.
    requirements: &'static [&'static str],
}

const SERVERS: [Server; 2] = [
    Server {
        name: "Triton",
        folder: "triton",
        variable: "JUDGE_HOST_TEST_TRITON",
        requirements: &["nvidia-pytriton==0.7.0"],
    },
    Server {
        name: "llama.cpp",
        folder: "llama",
        variable: "JUDGE_HOST_TEST_LLAMA",
        requirements: &["xllamacpp==2026.10.11549", "gguf==0.19.0"],
    },
];

/// Names of Python 3.
const PYTHONS: [&str; 2] = ["python3", "python"];
/// Succeeds where a virtual environment can be made, of a Python that the packages take.
const USABLE: &str = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";
/// Written when all is in place, so that half an install has none.
const STAMP: &str = "installed.txt";

/// Installs what is not there yet, and tells the tests where it is.
pub(crate) fn provide(workspace: &Workspace, tests: &mut Command) {
    for server in SERVERS {
        match server.installed(workspace) {
            Ok(python) => tests.env(server.variable, python),
            Err(error) => {
                eprintln!("skipped: the tests against a real {}: {error:#}", server.name);
                tests.env_remove(server.variable)
            }
        };
    }
}

/// Lets the tests know of no server.
pub(crate) fn leave_out(tests: &mut Command) {
    for server in SERVERS {
        tests.env_remove(server.variable);
    }
}

impl Server {
    /// The Python that can start the server.
    fn installed(&self, workspace: &Workspace) -> Result<PathBuf> {
        let folder = workspace.target("servers").join(self.folder);
        let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        // The Python that it was made of may have gone since.
        if is_stamped(&folder, self.requirements) && succeeds(workspace.command(&python).args(["-c", ""])) {
            return Ok(python);
        }
        let system = usable(workspace, &PYTHONS)?;
        eprintln!("installing a real {} for the tests, once; it takes about a minute", self.name);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        workspace.run(workspace.command(system).args(["-m", "venv"]).arg(&folder))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
        workspace.run(workspace.command(&python).args(pip).args(self.requirements))?;
        fs::write(folder.join(STAMP), stamp(self.requirements))
            .with_context(|| format!("cannot write to {}", folder.display()))?;
        Ok(python)
    }
}

/// The first of these Pythons that can make a virtual environment.
fn usable<'a>(workspace: &Workspace, names: &[&'a str]) -> Result<&'a str> {
    let found = names.iter().find(|name| succeeds(workspace.command(**name).args(["-c", USABLE])));
    found.copied().context("there is no Python 3.10 or later with the module `venv` on the path")
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn stamp(requirements: &[&str]) -> String {
    requirements.join("\n") + "\n"
}

fn is_stamped(folder: &Path, requirements: &[&str]) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == stamp(requirements))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_install_counts_once_it_is_whole_and_while_its_pins_stand() {
        let folder = std::env::temp_dir().join(format!("judge-host-xtask-servers-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        assert!(!is_stamped(&folder, &["a==1"]));
        fs::write(folder.join(STAMP), stamp(&["a==1"])).expect("it can be written");
        assert!(is_stamped(&folder, &["a==1"]));
        assert!(!is_stamped(&folder, &["a==2"]) && !is_stamped(&folder, &["a==1", "b==1"]));
        fs::remove_dir_all(folder).expect("it is ours");
    }

    #[test]
    fn says_so_where_there_is_no_python() {
        let error = usable(&Workspace::of_environment(), &["no-such-python"]).expect_err("there is none");
        assert!(error.to_string().contains("no Python 3.10"), "{error}");
    }

    #[test]
    fn tests_without_servers_inherit_none() {
        let mut tests = Command::new("tests");
        leave_out(&mut tests);
        let removed: Vec<_> = tests.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        assert_eq!(removed, ["JUDGE_HOST_TEST_LLAMA", "JUDGE_HOST_TEST_TRITON"]);
    }
}
