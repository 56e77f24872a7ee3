use super::failure::{failure, file_failure};
use crate::model::Durability;
use crate::registry::RegistryError;
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

/// The version of the layout in schema.sql.
const VERSION: i64 = 3;
/// What makes a layout the next one: from version 1 on, in order.
const MIGRATIONS: [&str; 2] = [include_str!("migrations/2.sql"), include_str!("migrations/3.sql")];
/// Tells a registry from any other SQLite file: `JHRG` in ASCII.
const APPLICATION_ID: i64 = 0x4A48_5247;
/// The beginning of every SQLite file (<https://www.sqlite.org/fileformat.html>, "The Database Header").
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// How long to wait for another program that holds the file locked for a moment, such as the `sqlite3` shell.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// What the writer keeps of the file in memory, whatever is in it.
const CACHE_KIB: i64 = 8 * 1024;
/// Clusters for which it keeps a further KiB: the counts of a million are 17 MiB, and all that a commit comes back to 24.
const CLUSTERS_A_KIB: i64 = 40;
/// Pages of 4 KiB in the journal beside the file before they are copied into it: some 16 MiB.
const JOURNAL_PAGES: i64 = 4000;

/// What a connection may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Read and write; makes the file.
    Write(Durability),
    /// Read a file that this process writes to elsewhere. The file is opened for writing, since the last one to
    /// close it clears the journal away, which a read-only connection cannot.
    ReadBeside,
    /// Read a file that may not be written.
    ReadOnly,
}

impl Access {
    fn writes(self) -> bool {
        matches!(self, Access::Write(_))
    }
}

/// Refuses what is certainly no registry before anything is made or opened beside it.
///
/// A file that its owner marked read-only is not written to, even by a user whom the system lets.
pub(crate) fn check_file(path: &Path, access: Access) -> Result<(), RegistryError> {
    let metadata = match path.metadata() {
        Ok(metadata) if metadata.is_dir() => return Err(file_failure(path, ErrorKind::IsADirectory.into())),
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound && access.writes() => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(RegistryError::Missing { path: path.to_owned() });
        }
        Err(error) => return Err(file_failure(path, error)),
    };
    let mut start = Vec::new();
    let mut file = File::open(path).map_err(|error| file_failure(path, error))?;
    file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut start).map_err(|error| file_failure(path, error))?;
    if !start.is_empty() && start != MAGIC {
        return Err(RegistryError::NotARegistry { path: path.to_owned() });
    }
    if access.writes() && metadata.permissions().readonly() {
        return Err(RegistryError::ReadOnly { path: path.to_owned() });
    }
    Ok(())
}

/// Opens the file, checks what it is, and makes it a registry where it is new.
pub(super) fn connect(path: &Path, access: Access) -> Result<Connection, RegistryError> {
    let flags = match access {
        Access::Write(_) => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Access::ReadBeside => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Access::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let failed = |error| failure(path, "open the file", error);
    // A connection never leaves the thread or the mutex that holds it, so SQLite's own mutexes are not needed.
    let mut connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
    connection.busy_timeout(BUSY_MAX).map_err(failed)?;
    let found = Layout::of(&connection).map_err(failed)?;
    if found.is_blank() && access.writes() {
        create(&mut connection).map_err(failed)?;
    } else {
        found.check(path)?;
        if access.writes() {
            migrate(&mut connection, found.version).map_err(failed)?;
        }
    }
    match access {
        // FULL: a commit is on the disk when it returns, also through a loss of power. In WAL mode, NORMAL syncs at
        // checkpoints only (<https://www.sqlite.org/pragma.html#pragma_synchronous>).
        Access::Write(durability) => {
            let synchronous = if durability == Durability::Fast { "NORMAL" } else { "FULL" };
            connection.pragma_update(None, "synchronous", synchronous).map_err(failed)?;
            // The pages that a fold of counts comes back to stay in memory, and are copied out of the journal once for many
            // commits rather than once for a few.
            let clusters = "SELECT coalesce(max(ordinal), 0) FROM cluster_texts";
            let clusters: i64 = connection.query_row(clusters, [], |row| row.get(0)).map_err(failed)?;
            let cache_kib = CACHE_KIB + clusters / CLUSTERS_A_KIB;
            connection.pragma_update(None, "cache_size", -cache_kib).map_err(failed)?;
            connection.pragma_update(None, "wal_autocheckpoint", JOURNAL_PAGES).map_err(failed)?;
        }
        Access::ReadBeside => connection.pragma_update(None, "query_only", true).map_err(failed)?,
        Access::ReadOnly => {}
    }
    Ok(connection)
}

/// Lays the tables out, all or nothing.
fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    // Readers do not wait for the writer, nor the writer for readers. The mode stays with the file.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(include_str!("schema.sql"))?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Brings an older layout up to ours, all or nothing.
fn migrate(connection: &mut Connection, version: i64) -> rusqlite::Result<()> {
    let done = usize::try_from(version - 1).unwrap_or(0);
    if done >= MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for step in &MIGRATIONS[done..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// The layout of a file that may not be written, and so is not brought up to ours.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// What a SQLite file says of itself.
struct Layout {
    application_id: i64,
    version: i64,
    tables: i64,
}

impl Layout {
    fn of(connection: &Connection) -> rusqlite::Result<Layout> {
        Ok(Layout {
            application_id: connection.pragma_query_value(None, "application_id", |row| row.get(0))?,
            version: connection.pragma_query_value(None, "user_version", |row| row.get(0))?,
            tables: connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?,
        })
    }

    fn is_blank(&self) -> bool {
        self.application_id == 0 && self.version == 0 && self.tables == 0
    }

    fn check(&self, path: &Path) -> Result<(), RegistryError> {
        let path = path.to_owned();
        if self.application_id != APPLICATION_ID || self.version < 1 {
            return Err(RegistryError::NotARegistry { path });
        }
        if self.version > VERSION {
            return Err(RegistryError::Newer { path, found: self.version, known: VERSION });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    /// A file that SQLite made, changed by a statement.
    fn file(name: &str, sql: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        (dir, path)
    }

    #[test]
    fn a_file_is_made_once_and_says_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        drop(connect(&path, Access::Write(Durability::Full)).unwrap());
        let again = connect(&path, Access::Write(Durability::Full)).unwrap();
        let asked = |pragma| again.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!((asked("user_version"), asked("synchronous")), (3, 2));
        let fast = connect(&path, Access::Write(Durability::Fast)).unwrap();
        assert_eq!(fast.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0)).unwrap(), 1);
        let mode: String = again.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }

    #[test]
    fn databases_of_other_programs_are_refused_and_left_as_they_are() {
        let (_dir, path) = file("other.db", "CREATE TABLE t (x); PRAGMA user_version = 1");
        for access in [Access::Write(Durability::Full), Access::ReadOnly] {
            let error = connect(&path, access).unwrap_err();
            assert!(matches!(error, RegistryError::NotARegistry { .. }), "{error}");
        }
        let mode: String =
            Connection::open(&path).unwrap().pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "delete");
    }

    #[test]
    fn a_later_version_is_refused_by_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        connect(&path, Access::Write(Durability::Full)).unwrap().pragma_update(None, "user_version", 99).unwrap();
        for access in [Access::Write(Durability::Full), Access::ReadOnly] {
            let error = connect(&path, access).unwrap_err();
            assert!(matches!(error, RegistryError::Newer { found: 99, known: 3, .. }), "{error}");
        }
    }

    #[test]
    fn readers_cannot_write() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let _writer = connect(&path, Access::Write(Durability::Full)).unwrap();
        for access in [Access::ReadBeside, Access::ReadOnly] {
            let error = connect(&path, access).unwrap().execute("UPDATE registry SET epoch = 9", []).unwrap_err();
            let error = failure(&path, "write", error);
            assert!(matches!(error, RegistryError::ReadOnly { .. }), "{error}");
        }
    }
}
