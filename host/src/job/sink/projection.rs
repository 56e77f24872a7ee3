//! Outputs as projections of the registry: how a file of an earlier run is taken up again.

use super::target::absolute;
use super::{Format, Sink, Target, TargetError, csv::Csv, jsonl::Jsonl};
use crate::model::{FaultKind, Outcome};
use crate::registry::Registry;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open output, which holds already what was committed before.
pub struct Opened {
    /// Where further rows go.
    pub sink: Box<dyn Sink>,
    /// The providers that gave the verdicts committed before.
    pub providers: BTreeSet<String>,
}

/// Opens a claimed target for a batch: the verdicts committed before come first, then what is written. The records
/// that failed before are left out, since they are tried again; those that were not are back at the end.
///
/// Where all is judged again (`rejudge`), stdout gets no earlier verdict, and a file is made anew at the end.
///
/// # Errors
/// Where the file cannot be written.
pub fn open(target: &Target, registry: &Arc<Registry>, batch_id: &str, rejudge: bool) -> Result<Opened, TargetError> {
    let Target::File { path, format } = target else {
        let rows = Box::new(Jsonl(BufWriter::new(io::stdout())));
        return stream(rows, Path::new("-"), registry, batch_id, rejudge);
    };
    let failed = |source| TargetError::Io { path: path.clone(), source };
    if path.exists() && !path.is_file() {
        // A pipe or a device: nothing to make anew, and no other file to put in its place.
        let output = BufWriter::new(OpenOptions::new().write(true).open(path).map_err(failed)?);
        return stream(rows(*format, output).map_err(failed)?, path, registry, batch_id, rejudge);
    }
    let path = absolute(path)?;
    // First the claim, then the file: a run that ends between the two leaves no file that the next one refuses.
    registry.set_sink(batch_id, &path)?;
    let replayed = rebuild(&path, *format, registry, batch_id, Which::Verdicts)?;
    let output = OpenOptions::new().append(true).open(&path).map_err(failed)?;
    let rows = sink(*format, BufWriter::new(output), false).map_err(failed)?;
    let anew = (rejudge || replayed.failed > 0).then(|| Anew {
        path,
        format: *format,
        registry: Arc::clone(registry),
        batch_id: batch_id.to_owned(),
        since: registry.snapshot().epoch,
    });
    Ok(Opened { sink: Box::new(Projection { rows, anew }), providers: replayed.providers })
}

/// What can only be written on: the earlier verdicts first, unless all is judged again.
fn stream(
    mut sink: Box<dyn Sink>,
    name: &Path,
    registry: &Registry,
    batch_id: &str,
    rejudge: bool,
) -> Result<Opened, TargetError> {
    let failed = |source| TargetError::Io { path: name.to_owned(), source };
    let providers = if rejudge {
        BTreeSet::new()
    } else {
        replay(sink.as_mut(), registry, batch_id, Which::Verdicts, &failed)?.providers
    };
    Ok(Opened { sink, providers })
}

/// A file of rows, made anew at the end where appending alone would leave it double or short.
struct Projection {
    rows: Box<dyn Sink>,
    anew: Option<Anew>,
}

struct Anew {
    path: PathBuf,
    format: Format,
    registry: Arc<Registry>,
    batch_id: String,
    /// The epoch that the run began with.
    since: u64,
}

impl Sink for Projection {
    fn write(&mut self, outcome: &Outcome) -> io::Result<()> {
        self.rows.write(outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.rows.flush()
    }

    fn finish(&mut self, whole_input: bool) -> io::Result<()> {
        self.rows.flush()?;
        if let Some(Anew { path, format, registry, batch_id, since }) = &self.anew {
            // Where the input was not read to its end, its bad rows were not all told again.
            let since = if whole_input { *since } else { 0 };
            rebuild(path, *format, registry, batch_id, Which::AllSince(since)).map_err(io::Error::other)?;
        }
        Ok(())
    }
}

/// Rows into any writer, with the header that the format has.
///
/// # Errors
/// Where the header cannot be written.
pub fn rows(format: Format, output: impl Write + Send + 'static) -> io::Result<Box<dyn Sink>> {
    sink(format, output, true)
}

fn sink<W: Write + Send + 'static>(format: Format, output: W, with_header: bool) -> io::Result<Box<dyn Sink>> {
    Ok(match format {
        Format::Jsonl => Box::new(Jsonl(output)),
        Format::Csv => Box::new(Csv::new(output, with_header)?),
    })
}

/// Which of the committed outcomes become rows.
#[derive(Clone, Copy)]
enum Which {
    Verdicts,
    /// Verdicts and faults, but for the bad rows of the input that were told before this epoch: the run has read its
    /// input anew, and tells again those that are still bad.
    AllSince(u64),
}

impl Which {
    fn has(self, outcome: &Outcome) -> bool {
        match (self, &outcome.result) {
            (_, Ok(_)) => true,
            (Which::Verdicts, Err(_)) => false,
            (Which::AllSince(epoch), Err(fault)) => fault.kind != FaultKind::BadInput || outcome.epoch >= epoch,
        }
    }
}

/// What a replay saw.
#[derive(Default)]
struct Replayed {
    failed: u64,
    providers: BTreeSet<String>,
}

/// Writes the committed outcomes of the batch.
fn replay(
    rows: &mut dyn Sink,
    registry: &Registry,
    batch_id: &str,
    which: Which,
    failed: &dyn Fn(io::Error) -> TargetError,
) -> Result<Replayed, TargetError> {
    let mut replayed = Replayed::default();
    registry.outcomes::<TargetError>(Some(batch_id), &mut |outcome| {
        match &outcome.result {
            Ok(_) if !replayed.providers.contains(&outcome.provider) => {
                replayed.providers.insert(outcome.provider.clone());
            }
            Ok(_) => {}
            Err(_) => replayed.failed += 1,
        }
        if which.has(&outcome) { rows.write(&outcome).map_err(failed) } else { Ok(()) }
    })?;
    rows.flush().map_err(failed)?;
    Ok(replayed)
}

/// Writes the committed outcomes of the batch to a file beside the target, and puts it in the target's place.
fn rebuild(
    path: &Path,
    format: Format,
    registry: &Registry,
    batch_id: &str,
    which: Which,
) -> Result<Replayed, TargetError> {
    let failed = |source| TargetError::Io { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(failed(io::Error::new(io::ErrorKind::NotFound, "there is no such folder")));
    }
    // Its kind alone: the name of a file that never came to be helps nobody.
    let fresh = like(path).prefix(".judge-host-").tempfile_in(folder).map_err(|error| failed(error.kind().into()))?;
    let output: File = fresh.as_file().try_clone().map_err(failed)?;
    let mut rows = sink(format, BufWriter::new(output), true).map_err(failed)?;
    let replayed = replay(rows.as_mut(), registry, batch_id, which, &failed)?;
    drop(rows);
    fresh.as_file().sync_all().map_err(failed)?;
    fresh.persist(path).map_err(|error| failed(error.error))?;
    Ok(replayed)
}

/// A temporary file with the mode of the file that it will replace, or of any new file of this user.
fn like(path: &Path) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = path.metadata().map_or(0o666, |metadata| metadata.permissions().mode() & 0o777);
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = path;
    builder
}
