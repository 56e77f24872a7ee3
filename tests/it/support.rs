//! Runs the built binary against a folder of its own: files in, exit code, stdout and stderr out.

#[cfg(unix)]
mod running;
pub mod server;

#[cfg(unix)]
pub use running::Running;

use judge_host_kit::FakeLlm;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A folder of its own, and the binary run in it.
pub struct Case {
    dir: TempDir,
    env: BTreeMap<String, String>,
}

/// What a run of the binary left.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Where `cargo xtask test` put what it built.
fn built(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} is not set: run `cargo xtask test`"));
    let path = PathBuf::from(path);
    assert!(path.exists(), "{variable} names nothing: {}", path.display());
    path
}

/// The binary under test.
pub fn binary() -> PathBuf {
    built("JUDGE_HOST_TEST_BIN")
}

/// The folder of the providers that ship.
pub fn plugins() -> PathBuf {
    built("JUDGE_HOST_TEST_PLUGINS")
}

/// The folder of the components that misbehave.
pub fn guests() -> PathBuf {
    built("JUDGE_HOST_TEST_GUESTS")
}

/// Compiled components, shared by all tests: compiling takes seconds in a debug build.
pub fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("components")
}

impl Case {
    pub fn new() -> Case {
        Case { dir: tempfile::tempdir().expect("a folder"), env: BTreeMap::new() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder above")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn env(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    /// The command, with nothing of this machine's environment in it. `--providers` is given unless `args` name it.
    pub fn command<S: AsRef<str>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(binary());
        command.current_dir(self.dir.path()).env_clear().envs(&self.env);
        command.env("HOME", self.dir.path()).env("COLUMNS", "120");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if !args.iter().any(|arg| arg.as_ref() == "--providers") {
            command.arg("--providers").arg(plugins());
        }
        command.arg("--cache-dir").arg(cache());
        command.args(args.iter().map(AsRef::as_ref));
        command
    }

    pub fn run<S: AsRef<str>>(&self, args: &[S]) -> Ran {
        Ran::from(self.command(args).output().expect("the binary runs"))
    }

    /// The same, from a test that serves the binary's calls on this thread's runtime.
    pub async fn run_beside<S: AsRef<str>>(&self, args: &[S]) -> Ran {
        let mut command = tokio::process::Command::from(self.command(args));
        Ran::from(command.output().await.expect("the binary runs"))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

impl Ran {
    /// The same, having ended with this code.
    #[track_caller]
    pub fn code(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Stdout as JSON rows: every line must be one.
    #[track_caller]
    pub fn rows(&self) -> Vec<serde_json::Value> {
        rows(&self.stdout)
    }
}

/// JSON lines.
#[track_caller]
pub fn rows(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Settings by which a provider asks its model nothing before the first record, so that tests can count calls.
pub fn no_probe(provider: &str) -> &'static [&'static str] {
    if provider == "openai" { &["--setting", "probe=never"] } else { &[] }
}

/// The arguments that judge `records` by a provider that asks this server.
pub fn judging(provider: &str, records: &str, server: &FakeLlm, more: &[&str]) -> Vec<String> {
    let endpoint = server.url();
    let known = ["judge", records, "--provider", provider, "--endpoint", &endpoint, "--model", "fake"];
    known.iter().chain(no_probe(provider)).chain(more).map(|&arg| arg.to_owned()).collect()
}

/// The text of a field of each row, in their order; empty where it is null.
pub fn column(rows: &[serde_json::Value], field: &str) -> Vec<String> {
    rows.iter().map(|row| row[field].as_str().unwrap_or_default().to_owned()).collect()
}

/// Records `r0`, `r1`, … as JSON lines.
pub fn records(count: usize) -> String {
    let record = |n| format!("{{\"request_id\":\"r{n}\",\"text\":\"where is card number {n}\"}}\n");
    (0..count).map(record).collect()
}

/// Three clusters as JSON lines.
pub const CLUSTERS: &str = concat!(
    r#"{"cluster_id":"card_arrival","name":"Card arrival","summary":"asks where an ordered card is"}"#,
    "\n",
    r#"{"cluster_id":"top_up_failed","name":"Top up failed","summary":"adding money did not work"}"#,
    "\n",
    r#"{"cluster_id":"exchange_rate","name":"Exchange rate","summary":"asks for the price of a currency"}"#,
    "\n",
);
