use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// What Rust prints before a panic's place; other languages may follow the custom.
const PANIC: &[u8] = b"panicked at ";
/// A place longer than this is none.
const PLACE_BYTES_MAX: usize = 160;

/// A guest's stderr: takes everything, keeps the last bytes: at most twice its bound. A guest that floods it goes on
/// unharmed. Its text may hold the prompt, so nothing but a panic's place ever leaves it.
#[derive(Clone)]
pub(super) struct Stderr {
    kept: Arc<Mutex<Vec<u8>>>,
    bytes_max: usize,
}

impl Stderr {
    /// Keeps so many bytes, and for a while up to twice as many.
    pub(super) fn new(bytes_max: usize) -> Stderr {
        Stderr { kept: Arc::default(), bytes_max }
    }

    /// File, line and column of the last panic, as `src/lib.rs:31:20`.
    pub(super) fn panic_place(&self) -> Option<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = &kept[last_panic(&kept)? + PANIC.len()..];
        let line = rest.split(|byte| *byte == b'\n').next()?;
        let place = std::str::from_utf8(line).ok()?.trim_end().trim_end_matches(':');
        is_place(place).then(|| place.to_owned())
    }

    fn take(&self, bytes: &[u8]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.chunks(self.bytes_max.max(1)) {
            kept.extend_from_slice(part);
            // Only at twice the bound, so that a flood of small writes is not searched at each of them.
            if kept.len() >= 2 * self.bytes_max {
                // A long panic message must not push out the place before it.
                let start = last_panic(&kept).unwrap_or(kept.len() - self.bytes_max);
                kept.drain(..start);
                kept.truncate(self.bytes_max);
            }
        }
    }
}

fn last_panic(kept: &[u8]) -> Option<usize> {
    kept.windows(PANIC.len()).rposition(|window| window == PANIC)
}

/// A path without blanks, a line and a column: nothing that could be a sentence of a prompt.
fn is_place(text: &str) -> bool {
    let number = |part: Option<&str>| part.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let mut parts = text.rsplitn(3, ':');
    text.len() <= PLACE_BYTES_MAX
        && number(parts.next())
        && number(parts.next())
        && parts.next().is_some_and(|path| path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/\\._-+@:".contains(&b)))
}

impl IsTerminal for Stderr {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stderr {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Stderr {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        // Always ready, for a page at a time.
        Ok(4096)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stderr {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Stderr {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stderr(bytes_max: usize, writes: &[&str]) -> Stderr {
        let stderr = Stderr::new(bytes_max);
        for write in writes {
            stderr.take(write.as_bytes());
        }
        stderr
    }

    #[test]
    fn a_panic_is_told_by_its_place_alone() {
        let text = "\nthread '<unnamed>' (1) panicked at guest/src/lib.rs:31:20:\nthe secret prompt\nnote: run with\n";
        assert_eq!(stderr(4096, &[text]).panic_place().as_deref(), Some("guest/src/lib.rs:31:20"));
        let pieces = ["panicked ", "at ", "/a/b.rs", ":1", ":2", ":\n"];
        assert_eq!(stderr(4096, &pieces).panic_place().as_deref(), Some("/a/b.rs:1:2"));
    }

    #[test]
    fn what_is_no_place_is_not_told() {
        for text in ["", "panicked at ", "panicked at the disco:1:2\n", "panicked at a:b:c\n", "panicked at secret\n"] {
            assert_eq!(stderr(4096, &[text]).panic_place(), None, "{text}");
        }
    }

    #[test]
    fn a_flood_is_bounded_and_hides_no_panic() {
        let flood = "x".repeat(100_000);
        let kept = |stderr: &Stderr| stderr.kept.lock().map(|kept| kept.len()).unwrap_or_default();
        let before = stderr(100, &[&flood, "panicked at a.rs:1:2:\n"]);
        assert_eq!(before.panic_place().as_deref(), Some("a.rs:1:2"));
        let after = stderr(100, &["panicked at a.rs:1:2:\n", &flood, &flood]);
        assert_eq!(after.panic_place().as_deref(), Some("a.rs:1:2"));
        assert!(kept(&before) <= 200 && kept(&after) <= 200);
        assert_eq!(kept(&stderr(0, &[&flood])), 0);
    }
}
