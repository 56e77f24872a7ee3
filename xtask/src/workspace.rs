use anyhow::{Context, Result, ensure};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The repository and where cargo builds it.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    cargo: OsString,
}

impl Workspace {
    /// As cargo started this program: `CARGO_TARGET_DIR` moves the build, relative to the repository.
    pub(crate) fn of_environment() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().unwrap_or(manifest).to_owned();
        let target = root.join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
        Workspace { root, target, cargo: std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()) }
    }

    /// A path in the repository.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A path in the build folder.
    pub(crate) fn target(&self, relative: &str) -> PathBuf {
        self.target.join(relative)
    }

    /// The host, as `cargo build --release` leaves it.
    pub(crate) fn release_host(&self) -> PathBuf {
        self.release_binary("judge-host")
    }

    /// A binary, as `cargo build --release` leaves it.
    pub(crate) fn release_binary(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name).with_extension(std::env::consts::EXE_EXTENSION)
    }

    /// A path as one would type it in the repository.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// A command that runs in the repository.
    pub(crate) fn command(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        command.current_dir(&self.root);
        command
    }

    /// A cargo command that builds where this one was built.
    pub(crate) fn cargo<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.command(&self.cargo);
        command.env("CARGO_TARGET_DIR", &self.target).args(args);
        command
    }

    /// Shows a command and runs it on this terminal.
    ///
    /// # Errors
    /// Where it cannot be started or does not succeed.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        let shown = self.command_line(command);
        eprintln!("$ {shown}");
        let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
        ensure!(status.success(), "`{shown}` failed: {status}");
        Ok(())
    }

    /// Runs a command on some input, and gives what it writes to its standard output.
    ///
    /// # Errors
    /// Where it cannot be started or does not succeed.
    pub(crate) fn output(&self, command: &mut Command, input: &[u8]) -> Result<Vec<u8>> {
        let shown = self.command_line(command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start `{shown}`"))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input).with_context(|| format!("`{shown}` takes no input"))?;
        }
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "`{shown}` failed: {}", output.status);
        Ok(output.stdout)
    }

    /// A command as one would type it in the repository.
    pub(crate) fn command_line(&self, command: &Command) -> String {
        let program = match Path::new(command.get_program()) {
            cargo if cargo == Path::new(&self.cargo) => "cargo".to_owned(),
            program => self.shown(program),
        };
        let args = command.get_args().map(|arg| self.shown(Path::new(arg)));
        std::iter::once(program).chain(args).map(|word| quoted(&word)).collect::<Vec<_>>().join(" ")
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:=,@+\\".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_one_would_type_them() {
        let workspace = Workspace { root: "/repo".into(), target: "/repo/target".into(), cargo: "/bin/cargo".into() };
        let mut command = workspace.command(workspace.release_host());
        command.arg(workspace.path("examples/a b.jsonl")).args(["--model", "qwen3:8b", "it's", ""]);
        let host = format!("target/release/judge-host{}", std::env::consts::EXE_SUFFIX);
        let expected = format!(r"{host} 'examples/a b.jsonl' --model qwen3:8b 'it'\''s' ''");
        assert_eq!(workspace.command_line(&command), expected);
        assert_eq!(workspace.command_line(&workspace.cargo(["build", "--release"])), "cargo build --release");
    }

    #[test]
    fn a_command_that_fails_says_which() {
        let workspace = Workspace::of_environment();
        let error = workspace.run(&mut workspace.cargo(["no-such-command"])).expect_err("cargo knows no such command");
        assert!(error.to_string().starts_with("`cargo no-such-command` failed"), "{error}");
    }
}
