use super::error::error_lines;
use indicatif::ProgressBar;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where the host talks to people: stderr, or a writer of a test. Cheap to clone; all clones write to the same place,
/// whole lines at a time, above the progress bar where there is one.
#[derive(Clone)]
pub struct Console {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Mutex<Box<dyn Write + Send>>,
    bar: Mutex<Option<ProgressBar>>,
    is_terminal: bool,
    is_quiet: bool,
}

impl Console {
    /// The process's stderr. A quiet one shows no progress and no summary.
    pub fn stderr(is_quiet: bool) -> Self {
        let stderr = std::io::stderr();
        let is_terminal = stderr.is_terminal();
        Self::new(Box::new(stderr), is_terminal, is_quiet)
    }

    /// Another writer; it counts as no terminal.
    pub fn to(writer: impl Write + Send + 'static, is_quiet: bool) -> Self {
        Self::new(Box::new(writer), false, is_quiet)
    }

    /// Whether only errors and notes are wanted.
    pub fn is_quiet(&self) -> bool {
        self.inner.is_quiet
    }

    /// Writes a text and ends its line. What a terminal would take for a command is taken out: texts may come from
    /// servers and providers.
    pub fn line(&self, text: &str) {
        let text = without_control(text);
        let write = || {
            let mut writer = lock(&self.inner.writer);
            // There is nowhere to say that stderr is gone.
            let _ = writeln!(writer, "{text}").and_then(|()| writer.flush());
        };
        let bar = lock(&self.inner.bar).clone();
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Writes a text unless the console is quiet.
    pub fn say(&self, text: &str) {
        if !self.inner.is_quiet {
            self.line(text);
        }
    }

    /// Writes something that the operator should know, as `note: …`.
    pub fn note(&self, text: &str) {
        self.line(&format!("note: {text}"));
    }

    /// Writes an error, what caused it, and what can be done about it.
    pub fn error(&self, error: &anyhow::Error) {
        self.line(&error_lines(error));
    }

    /// Whether a bar can be drawn.
    pub(super) fn is_terminal(&self) -> bool {
        self.inner.is_terminal
    }

    /// Puts the bar that lines are to be written above, or takes it away.
    pub(super) fn set_bar(&self, bar: Option<ProgressBar>) {
        *lock(&self.inner.bar) = bar;
    }

    fn new(writer: Box<dyn Write + Send>, is_terminal: bool, is_quiet: bool) -> Self {
        let inner = Inner { writer: Mutex::new(writer), bar: Mutex::new(None), is_terminal, is_quiet };
        Console { inner: Arc::new(inner) }
    }
}

// A thread that panicked while it wrote leaves half a line at worst.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn without_control(text: &str) -> String {
    let shown =
        |char: char| if char.is_control() && !matches!(char, '\n' | '\t') { char::REPLACEMENT_CHARACTER } else { char };
    text.chars().map(shown).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A writer whose text can be read while others write.
    #[derive(Clone, Default)]
    pub(in crate::report) struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Shared {
        pub(in crate::report) fn text(&self) -> String {
            String::from_utf8(lock(&self.0).clone()).expect("only text is written")
        }
    }

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            lock(&self.0).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_quiet_console_keeps_errors_and_notes() {
        let shared = Shared::default();
        let console = Console::to(shared.clone(), true);
        console.say("judged 5 records");
        console.note("OPENAI_API_KEY is not set");
        console.error(&anyhow::anyhow!("no providers"));
        assert_eq!(shared.text(), "note: OPENAI_API_KEY is not set\nerror: no providers\n");
    }

    #[test]
    fn texts_from_elsewhere_cannot_steer_a_terminal() {
        let shared = Shared::default();
        Console::to(shared.clone(), false).line("model \u{1b}[2Jgone\r\nsecond\tline");
        assert_eq!(shared.text(), "model \u{fffd}[2Jgone\u{fffd}\nsecond\tline\n");
    }
}
