use super::failure::failure;
use crate::registry::RegistryError;
use rusqlite::Connection;

/// What the ids' pages may take of memory; the rest lies in the temporary file.
const CACHE_KIB: i64 = 4096;
/// What SQLite is given as a path to make a private temporary file: it has no name, and is gone when closed.
const TEMPORARY: &str = "";

/// Which ids an input has had. Exact, and as small for ten million ids as for ten: they lie in a temporary file in
/// the system's folder for those (`TMPDIR`).
pub struct SeenIds {
    connection: Connection,
}

impl SeenIds {
    /// None seen so far.
    ///
    /// # Errors
    /// Where no temporary file can be made.
    pub fn open() -> Result<Self, RegistryError> {
        let open = || {
            let connection = Connection::open(TEMPORARY)?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            // Nothing of it must outlive the process, so nothing is kept for a crash, and one transaction that
            // never ends spares a commit an id.
            connection.pragma_update(None, "journal_mode", "OFF")?;
            connection.pragma_update(None, "synchronous", "OFF")?;
            connection.execute_batch("CREATE TABLE seen (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID; BEGIN")?;
            Ok(connection)
        };
        let connection = open().map_err(temporary_failure)?;
        Ok(SeenIds { connection })
    }

    /// Whether this id is met for the first time; from now on it is not.
    ///
    /// # Errors
    /// Where the temporary file cannot be read or written; a full disk, most likely.
    pub fn first(&mut self, id: &str) -> Result<bool, RegistryError> {
        let statement = self.connection.prepare_cached("INSERT OR IGNORE INTO seen (id) VALUES (?)");
        let inserted = statement.and_then(|mut statement| statement.execute([id]));
        Ok(inserted.map_err(temporary_failure)? == 1)
    }
}

fn temporary_failure(error: rusqlite::Error) -> RegistryError {
    failure(&std::env::temp_dir().join("ids"), "keep the ids of the input", error)
}

impl std::fmt::Debug for SeenIds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeenIds").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn every_id_is_new_once() {
        const IDS: u32 = 100_000;
        let mut seen = SeenIds::open().unwrap();
        // Multiplied by an odd number modulo 2^32: all different, in no order.
        let id = |n: u32| format!("request-{}", n.wrapping_mul(2_654_435_761));
        assert_eq!((0..IDS).filter(|n| seen.first(&id(*n)).unwrap()).count(), IDS as usize);
        assert_eq!((0..IDS).filter(|n| seen.first(&id(*n)).unwrap()).count(), 0);
        assert!(seen.first("").unwrap());
        assert!(!seen.first("").unwrap());
    }
}
