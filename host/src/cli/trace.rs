//! The file of `--trace`.

use super::advice;
use judge_host::job::{Trace, TraceWriter};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A trace that is being written.
pub(super) struct Tracing {
    path: PathBuf,
    writer: TraceWriter,
}

/// Makes the file anew.
pub(super) fn open(path: &Path) -> anyhow::Result<(Trace, Tracing)> {
    let file = File::create(path).map_err(|error| cannot_write(path, &error, "name another file with `--trace`"))?;
    let (trace, writer) = Trace::to(file);
    Ok((trace, Tracing { path: path.to_owned(), writer }))
}

impl Tracing {
    /// Waits until it is written; the run is to be over.
    pub(super) async fn finish(self) -> anyhow::Result<()> {
        let Tracing { path, writer } = self;
        let written = tokio::task::spawn_blocking(|| writer.finish()).await?;
        written.map_err(|error| cannot_write(&path, &error, "the run itself is complete, and its rows are written"))
    }
}

fn cannot_write(path: &Path, error: &io::Error, hint: &str) -> anyhow::Error {
    advice::error(format!("cannot write the trace: {}: {error}", path.display()), hint)
}
