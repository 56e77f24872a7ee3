//! A server in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use std::{env, fs, thread};
use tempfile::TempDir;

/// Generous, since the machine may be busy: a start takes some ten seconds, an end some five.
const STARTS_WITHIN: Duration = Duration::from_mins(2);
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// A server that answers. Dropped, it has ended, and all that it started with it; a test that fails shows its log.
pub struct Peer {
    child: Child,
    /// The address first; then nothing, until the last process that could write there has ended.
    stdout: Receiver<String>,
    dir: TempDir,
    pub url: String,
}

impl Peer {
    /// Starts `tests/servers/SCRIPT` by the Python that this variable names, and waits until it prints its address.
    /// None, and a word about it, where the variable is not set.
    pub fn start(variable: &str, script: &str, args: &[&str]) -> Option<Peer> {
        let Some(python) = env::var_os(variable) else {
            skipped(variable);
            return None;
        };
        let dir = tempfile::tempdir().expect("a folder");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("servers").join(script);
        let mut command = Command::new(python);
        command.arg(path).arg(dir.path()).args(args).current_dir(dir.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(fs::File::create(log(&dir)).expect("a file"));
        // A group of its own can be killed as a whole.
        let mut child = command.process_group(0).spawn().expect("the installed Python runs");
        let stdout = first_line(child.stdout.take().expect("a pipe"));
        let mut peer = Peer { child, stdout, dir, url: String::new() };
        peer.url = peer.stdout.recv_timeout(STARTS_WITHIN).expect("the server starts");
        Some(peer)
    }

    /// `http://` left out.
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").expect("an address without TLS")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The script ends with its standard input, and cleans up then.
        drop(self.child.stdin.take());
        let ended = self.stdout.recv_timeout(ENDS_WITHIN) == Err(RecvTimeoutError::Disconnected);
        // The group keeps its number until its first process is waited for.
        let kill = format!("kill -s KILL -- -{}", self.child.id());
        let _ = Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
        if thread::panicking() {
            show(&fs::read_to_string(log(&self.dir)).unwrap_or_default());
        } else {
            assert!(ended, "the server had to be killed");
        }
    }
}

fn log(dir: &TempDir) -> PathBuf {
    dir.path().join("server.log")
}

/// The first line of what is written there; disconnected at its end.
fn first_line(stdout: ChildStdout) -> Receiver<String> {
    let (tx, rx) = channel();
    thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        if stdout.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
            let _ = tx.send(line.trim_end().to_owned());
        }
        let _ = stdout.read_to_end(&mut Vec::new());
    });
    rx
}

#[expect(clippy::print_stderr, reason = "nobody should take this for a test that ran")]
fn skipped(variable: &str) {
    eprintln!("skipped: {variable} is not set; `cargo xtask test` says why");
}

#[expect(clippy::print_stderr, reason = "the test has failed, and this may say why")]
fn show(log: &str) {
    eprintln!("the server's log:\n{log}");
}
