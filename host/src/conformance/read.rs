use super::vector::Vector;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Files of one folder.
const FILES_MAX: usize = 1000;

/// A file of recorded exchanges.
#[derive(Clone, Debug)]
pub struct VectorFile {
    /// Where it is.
    pub path: PathBuf,
    pub(super) vector: Vector,
    /// The file as it stands, to be written back with what is found.
    pub(super) json: Value,
}

/// Why vectors cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// The folder or a file in it cannot be read, or not be written.
    #[error("cannot read or write the vectors: `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is no vector.
    #[error("not a vector: `{}`", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// The folder is another one.
    #[error("more than {FILES_MAX} vectors in a folder: `{}`", path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
}

impl VectorError {
    /// What can be done about it.
    pub fn hint(&self) -> &'static str {
        match self {
            VectorError::Io { .. } => "`--vectors DIR` names a folder of JSON files that may be read",
            VectorError::Malformed { .. } => "`judge-host providers test --help` says what a vector holds",
            VectorError::TooMany { .. } => "give the folder that holds the vectors alone",
        }
    }
}

impl VectorFile {
    /// The file's name.
    pub fn name(&self) -> String {
        self.path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Writes the file with what the provider did in the place of what it should do.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self) -> Result<(), VectorError> {
        let text = format!("{:#}\n", self.json);
        fs::write(&self.path, text).map_err(|source| VectorError::Io { path: self.path.clone(), source })
    }
}

/// The vectors of a folder: its files `*.json`, by name.
///
/// # Errors
/// Where the folder or a file cannot be read, or a file is no vector.
pub fn read_folder(folder: &Path) -> Result<Vec<VectorFile>, VectorError> {
    let io = |source| VectorError::Io { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|end| end == "json") {
            paths.push(path);
        }
    }
    if paths.len() > FILES_MAX {
        return Err(VectorError::TooMany { path: folder.to_owned() });
    }
    paths.sort();
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Result<VectorFile, VectorError> {
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(VectorError::Io { path, source }),
    };
    let vector = serde_json::from_str(&text).and_then(|vector| Ok((vector, serde_json::from_str(&text)?)));
    match vector {
        Ok((vector, json)) => Ok(VectorFile { path, vector, json }),
        Err(source) => Err(VectorError::Malformed { path, source }),
    }
}
