use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Reads a regular file, once; none where it is over so many bytes. It blocks.
///
/// # Errors
/// Where it is no regular file, or cannot be read.
pub fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    // Asked before it is opened: to open a pipe is to wait for whoever writes into it.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    // One byte more than is allowed, to know whether there is more; a size told beforehand may change.
    File::open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= bytes_max).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_up_to_its_bound_and_regular_files_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        std::fs::write(&path, "1234").expect("a file");
        assert_eq!(read_bounded(&path, 4).expect("it is there"), Some(b"1234".to_vec()));
        assert_eq!(read_bounded(&path, 3).expect("it is there"), None);
        assert!(read_bounded(folder.path(), 4).is_err());
        assert_eq!(read_bounded(&folder.path().join("b"), 4).expect_err("it is not").kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn does_not_wait_for_a_pipe() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe.wasm");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("the system has it");
        assert!(made.success());
        assert_eq!(read_bounded(&pipe, 4).expect_err("nobody writes").to_string(), "not a regular file");
    }
}
