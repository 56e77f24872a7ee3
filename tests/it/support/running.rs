//! The built binary while it runs: rows read as they come, signals sent, its end awaited.

use super::{Case, Ran};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// Generous, since the machine may be busy; far below what a run would wait for a server that is silent.
const PATIENCE: Duration = Duration::from_mins(1);

/// The same for what takes a run a second of computing when it has a processor to itself.
const LONG_PATIENCE: Duration = Duration::from_mins(4);

/// A run under way; dropped, it is killed.
pub struct Running {
    child: Child,
    /// Its standard input, open until it is taken.
    pub stdin: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Lines<BufReader<ChildStderr>>,
    told: Ran,
}

impl Running {
    /// Starts it with an open standard input.
    pub fn start<S: AsRef<str>>(case: &Case, args: &[S]) -> Running {
        let mut command = Command::from(case.command(args));
        let mut child = command.stdin(Stdio::piped()).kill_on_drop(true).spawn().expect("the binary runs");
        Running {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().expect("a pipe")).lines(),
            stderr: BufReader::new(child.stderr.take().expect("a pipe")).lines(),
            told: Ran { code: -1, stdout: String::new(), stderr: String::new() },
            child,
        }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends it a signal by name, such as `INT`.
    pub async fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().await.expect("a shell").success(), "{kill}");
    }

    /// Kills it at once, and waits for its end.
    pub async fn kill(mut self) -> Ran {
        self.child.start_kill().expect("it runs");
        self.end().await
    }

    /// Reads so many lines of its stdout.
    pub async fn read_rows(&mut self, count: usize) {
        for _ in 0..count {
            let line = timely(self.stdout.next_line()).await.expect("stdout is UTF-8").expect("a further row");
            self.told.stdout += &(line + "\n");
        }
    }

    /// Reads its stderr up to the line with these words.
    pub async fn read_words(&mut self, words: &str) {
        while !self.told.stderr.contains(words) {
            let line = timely(self.stderr.next_line()).await.expect("stderr is UTF-8");
            self.told.stderr += &(line.unwrap_or_else(|| panic!("{words}: not in {}", self.told.stderr)) + "\n");
        }
    }

    /// Reads its stderr up to the next line with these words, and gives that.
    pub async fn read_line_with(&mut self, words: &str) -> String {
        // Together, as a run that has nothing to say goes on telling its progress.
        let reading = async {
            loop {
                let line = self.stderr.next_line().await.expect("stderr is UTF-8");
                let line = line.unwrap_or_else(|| panic!("{words}: not in {}", self.told.stderr));
                self.told.stderr.extend([line.as_str(), "\n"]);
                if line.contains(words) {
                    return line;
                }
            }
        };
        let found = tokio::time::timeout(LONG_PATIENCE, reading).await;
        found.unwrap_or_else(|_| panic!("{words}: not in time in {}", self.told.stderr))
    }

    /// Waits for its end; what it left, with all that was read before. Ended by a signal, its code is -1.
    pub async fn end(mut self) -> Ran {
        let Ran { mut stdout, mut stderr, .. } = self.told;
        let (mut out, mut err) = (self.stdout.into_inner(), self.stderr.into_inner());
        let ended =
            async { tokio::join!(self.child.wait(), out.read_to_string(&mut stdout), err.read_to_string(&mut stderr)) };
        let (status, ..) = timely(ended).await;
        Ran { code: status.expect("it was started").code().unwrap_or(-1), stdout, stderr }
    }
}

async fn timely<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it does not take a minute")
}
