//! Where the rows go: which file may be written, and how a file of an earlier run is taken up again.

use super::{Sink, csv::Csv, jsonl::Jsonl};
use crate::registry::{Registry, RegistryError};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// How rows are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON lines.
    Jsonl,
    /// Comma-separated values.
    Csv,
}

/// Where rows go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output, as JSON lines.
    Stdout,
    /// A file.
    File {
        /// Its path.
        path: PathBuf,
        /// How its rows are spelled.
        format: Format,
    },
}

/// Why rows cannot go there.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The name says nothing about the format.
    #[error("cannot tell the format of the output from its name: {0}")]
    Extension(PathBuf),
    /// There is a file that this run has no claim on.
    #[error("the output file exists and is not this run's: {0}")]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("cannot write the output: {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is committed cannot be read.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl TargetError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            TargetError::Extension(_) => Some("end it in `.jsonl` or `.csv`, or give `-` for stdout".to_owned()),
            TargetError::Exists(_) => Some(
                "choose another `--out`, or replace the file with `--force`; the run that wrote it goes on with \
                      the same `--registry` and `--batch-id`"
                    .to_owned(),
            ),
            TargetError::Io { .. } => {
                Some("`--out` wants a file in a folder that exists and can be written".to_owned())
            }
            TargetError::Registry(error) => error.hint(),
        }
    }
}

impl Target {
    /// `-` is stdout; otherwise the name's end tells the format.
    ///
    /// # Errors
    /// Where the name ends in something else than `.jsonl`, `.ndjson` or `.csv`.
    pub fn parse(path: &Path) -> Result<Target, TargetError> {
        if path == Path::new("-") {
            return Ok(Target::Stdout);
        }
        let extension = path.extension().and_then(|end| end.to_str()).map(str::to_ascii_lowercase);
        let format = match extension.as_deref() {
            Some("jsonl" | "ndjson") => Format::Jsonl,
            Some("csv") => Format::Csv,
            _ => return Err(TargetError::Extension(path.to_owned())),
        };
        Ok(Target::File { path: path.to_owned(), format })
    }
}

/// Opens the target for a batch. A file that an earlier run of the same batch and registry wrote is made anew from
/// the committed verdicts (failed records are left out: they are tried again) and written on; any other file is
/// refused, unless `force` has it replaced.
///
/// # Errors
/// Where the file is not this run's, or cannot be written.
pub fn open(target: &Target, registry: &Registry, batch_id: &str, force: bool) -> Result<Box<dyn Sink>, TargetError> {
    let Target::File { path, format } = target else {
        return Ok(Box::new(Jsonl(BufWriter::new(io::stdout()))));
    };
    let failed = |source| TargetError::Io { path: path.clone(), source };
    let absolute = std::path::absolute(path).map_err(failed)?;
    let known = registry.sink_of(batch_id)?.as_deref() == Some(absolute.as_path());
    let exists = path.try_exists().map_err(failed)?;
    let in_use = exists && path.metadata().map_err(failed)?.len() > 0;
    if in_use && !known && !force {
        return Err(TargetError::Exists(path.clone()));
    }
    if path.exists() && !path.is_file() {
        // A pipe or a device: nothing to make anew, and no other file to put in its place.
        let output = BufWriter::new(OpenOptions::new().write(true).open(path).map_err(failed)?);
        return sink(*format, output, true).map_err(failed);
    }
    rebuild(&absolute, *format, registry, batch_id)?;
    registry.set_sink(batch_id, &absolute)?;
    let output = OpenOptions::new().append(true).open(&absolute).map_err(failed)?;
    sink(*format, BufWriter::new(output), false).map_err(failed)
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

/// Writes the committed verdicts of the batch to a file beside the target, and puts it in the target's place.
fn rebuild(path: &Path, format: Format, registry: &Registry, batch_id: &str) -> Result<(), TargetError> {
    let failed = |source| TargetError::Io { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(failed(io::Error::new(io::ErrorKind::NotFound, "there is no such folder")));
    }
    // Its kind alone: the name of a file that never came to be helps nobody.
    let fresh = tempfile::Builder::new().prefix(".judge-host-").tempfile_in(folder);
    let fresh = fresh.map_err(|error| failed(error.kind().into()))?;
    let output: File = fresh.as_file().try_clone().map_err(failed)?;
    let mut rows = sink(format, BufWriter::new(output), true).map_err(failed)?;
    registry.outcomes(Some(batch_id), &mut |outcome| {
        if outcome.result.is_ok() { rows.write(&outcome).map_err(failed) } else { Ok(()) }
    })?;
    rows.flush().map_err(failed)?;
    drop(rows);
    fresh.as_file().sync_all().map_err(failed)?;
    make_readable(fresh.as_file()).map_err(failed)?;
    fresh.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// A temporary file is for its owner alone; an output file is like any other that the operator makes.
#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &File) -> io::Result<()> {
    Ok(())
}
