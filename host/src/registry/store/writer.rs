use super::connection::{Access, connect};
use super::counts::{RecentCounts, place};
use super::failure::failure;
use super::rows::{CLUSTER_COLUMNS, OUTCOME_COLUMNS, insert, insert_or_replace, write_cluster, write_outcome};
use crate::model::{Cluster, ClusterId, Durability, Outcome};
use crate::registry::RegistryError;
use crate::registry::counted::Counted;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static INSERT_CLUSTER: LazyLock<String> = LazyLock::new(|| insert("cluster_texts", CLUSTER_COLUMNS));
static REPLACE_CLUSTER: LazyLock<String> = LazyLock::new(|| insert_or_replace("cluster_texts", CLUSTER_COLUMNS));
static INSERT_OUTCOME: LazyLock<String> = LazyLock::new(|| insert_or_replace("outcomes", OUTCOME_COLUMNS));

/// The connection that writes.
pub(crate) struct Writer {
    path: PathBuf,
    connection: Connection,
    /// None before the first transaction, and after one that failed: then nothing but the file knows.
    counts: Option<RecentCounts>,
}

impl Writer {
    /// Opens the registry's file, and makes it where there is none.
    pub(crate) fn open(path: &Path, durability: Durability) -> Result<Writer, RegistryError> {
        Ok(Writer { path: path.to_owned(), connection: connect(path, Access::Write(durability))?, counts: None })
    }

    /// Reads what the first commit needs, which of many clusters takes some tenths of a second. Without it that commit does.
    pub(crate) fn prepare(&mut self) -> Result<(), RegistryError> {
        let counts = RecentCounts::read(&self.connection);
        self.counts = Some(counts.map_err(|error| failure(&self.path, "read the counts", error))?);
        Ok(())
    }

    /// Begins a transaction; dropped without a commit it leaves nothing behind.
    pub(crate) fn begin(&mut self) -> Result<Transaction<'_>, RegistryError> {
        // Immediate: to find the file locked is a matter of the beginning, not of the middle.
        match self.connection.transaction_with_behavior(TransactionBehavior::Immediate) {
            Ok(inner) => {
                Ok(Transaction { path: &self.path, inner, counts: &mut self.counts, born: None, counted: Vec::new() })
            }
            Err(error) => Err(failure(&self.path, "begin a transaction", error)),
        }
    }

    /// Remembers the output file that a batch writes.
    pub(crate) fn set_sink(&self, batch_id: &str, sink_path: &str) -> Result<(), RegistryError> {
        let write = || {
            let transaction = self.connection.unchecked_transaction()?;
            // A file belongs to the batch that wrote it last.
            let others = "DELETE FROM batches WHERE sink_path = ?2 AND batch_id <> ?1";
            transaction.execute(others, [batch_id, sink_path])?;
            let own = "INSERT OR REPLACE INTO batches (batch_id, sink_path) VALUES (?, ?)";
            transaction.execute(own, [batch_id, sink_path])?;
            transaction.commit()
        };
        write().map_err(|error| failure(&self.path, "write the batch's output file", error))
    }

    /// Makes every insert into `table` fail, as a broken disk would; for tests.
    #[cfg(test)]
    pub(crate) fn break_table(&self, table: &str) {
        let sql = format!(
            "CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'broken for a test'); END"
        );
        self.connection.execute_batch(&sql).expect("the trigger is well-formed");
    }

    /// Undoes `break_table`; for tests.
    #[cfg(test)]
    pub(crate) fn mend(&self) {
        self.connection.execute_batch("DROP TRIGGER broken").expect("the trigger is there");
    }
}

/// Where a verdict placed its record.
pub(crate) struct Placed {
    /// The cluster that counts it; none for a skip.
    pub(crate) cluster_id: Option<ClusterId>,
}

/// What is written together, or not at all.
pub(crate) struct Transaction<'a> {
    path: &'a Path,
    inner: rusqlite::Transaction<'a>,
    counts: &'a mut Option<RecentCounts>,
    /// The last cluster that was born in it.
    born: Option<u64>,
    counted: Vec<(u64, Counted)>,
}

impl Transaction<'_> {
    /// The earlier verdict on this record, this transaction's own included; none where it has none, or only a fault.
    pub(crate) fn verdict(&self, batch_id: &str, request_id: &str) -> Result<Option<Placed>, RegistryError> {
        let find = || {
            let sql = "SELECT cluster_id FROM outcomes WHERE batch_id = ? AND request_id = ? AND fault_kind IS NULL";
            let mut statement = self.inner.prepare_cached(sql)?;
            statement.query_row([batch_id, request_id], |row| Ok(Placed { cluster_id: row.get(0)? })).optional()
        };
        find().map_err(|error| self.failed("look an outcome up", error))
    }

    /// Writes a record's outcome, in the place of an earlier one.
    pub(crate) fn write_outcome(&self, outcome: &Outcome) -> Result<(), RegistryError> {
        let statement = self.inner.prepare_cached(&INSERT_OUTCOME);
        let written = statement.and_then(|mut statement| write_outcome(&mut statement, outcome));
        written.map_err(|error| self.failed("write an outcome", error))
    }

    /// Writes a cluster that was not there.
    pub(crate) fn write_born(
        &mut self,
        ordinal: u64,
        cluster: &Cluster,
        counted: Counted,
    ) -> Result<(), RegistryError> {
        let placed =
            self.put_cluster(&INSERT_CLUSTER, ordinal, cluster).and_then(|()| place(&self.inner, ordinal, counted));
        self.born = self.born.max(Some(ordinal));
        placed.map_err(|error| self.failed("write a cluster", error))
    }

    /// Writes a cluster in the place of its earlier state.
    pub(crate) fn write_changed(
        &mut self,
        ordinal: u64,
        cluster: &Cluster,
        counted: Counted,
    ) -> Result<(), RegistryError> {
        self.write_counted(ordinal, counted);
        self.put_cluster(&REPLACE_CLUSTER, ordinal, cluster).map_err(|error| self.failed("write a cluster", error))
    }

    /// Writes the count of a cluster of which nothing else has changed; with the commit.
    pub(crate) fn write_counted(&mut self, ordinal: u64, counted: Counted) {
        self.counted.push((ordinal, counted));
    }

    fn put_cluster(&self, sql: &str, ordinal: u64, cluster: &Cluster) -> rusqlite::Result<()> {
        write_cluster(&mut *self.inner.prepare_cached(sql)?, ordinal, cluster)
    }

    /// Gives the records of one cluster to another; how many there are.
    pub(crate) fn move_records(&self, from: &str, into: &str) -> Result<u64, RegistryError> {
        let sql = "UPDATE outcomes SET cluster_id = ?2 WHERE cluster_id = ?1";
        let moved = self.inner.execute(sql, [from, into]).map_err(|error| self.failed("move records", error))?;
        Ok(moved as u64)
    }

    /// Makes it durable, as this epoch.
    pub(crate) fn commit(self, epoch: u64) -> Result<(), RegistryError> {
        let Transaction { path, inner, counts: kept, born, counted } = self;
        let epoch = i64::try_from(epoch).unwrap_or(i64::MAX);
        let write = || {
            let mut counts = kept.take().map_or_else(|| RecentCounts::read(&inner), Ok)?;
            if let Some(ordinal) = born {
                counts.born(ordinal);
            }
            counts.write(&inner, counted)?;
            let (through, from) = counts.mark();
            let sql = "UPDATE registry SET epoch = ?, fold_through = ?, fold_from = ?";
            inner.prepare_cached(sql)?.execute(params![epoch, through, from])?;
            inner.commit()?;
            *kept = Some(counts);
            Ok(())
        };
        write().map_err(|error| failure(path, "commit", error))
    }

    fn failed(&self, action: &'static str, error: rusqlite::Error) -> RegistryError {
        failure(self.path, action, error)
    }
}
