use super::connection::{Access, connect, version};
use super::counts::latest;
use super::failure::failure;
use super::rows::{CLUSTER_COLUMNS, OUTCOME_COLUMNS, read_cluster, read_counted, read_outcome};
use crate::model::{Cluster, Outcome};
use crate::registry::RegistryError;
use rusqlite::{Connection, OptionalExtension};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A cluster with its ordinal, by which prompts are ordered.
pub(crate) type Ordered = (u64, Arc<Cluster>);

/// A connection that reads. It sees what is committed, and waits for no writer.
pub(crate) struct Reader {
    path: PathBuf,
    connection: Connection,
}

impl Reader {
    /// Opens the registry's file.
    pub(crate) fn open(path: &Path, access: Access) -> Result<Reader, RegistryError> {
        Ok(Reader { path: path.to_owned(), connection: connect(path, access)? })
    }

    /// Hands over all clusters in the order of their ordinals; the last epoch that was committed.
    pub(crate) fn clusters(&self, mut each: impl FnMut(Ordered)) -> Result<u64, RegistryError> {
        let mut read = || {
            // One transaction, so that the epoch is that of the clusters.
            let transaction = self.connection.unchecked_transaction()?;
            let epoch: i64 = transaction.query_row("SELECT epoch FROM registry", [], |row| row.get(0))?;
            let (clusters, recent) = match version(&transaction)? {
                1 | 2 => ("clusters", Vec::new()),
                _ => ("cluster_texts LEFT JOIN counts USING (ordinal)", latest(&transaction)?),
            };
            let mut recent = recent.into_iter().peekable();
            let columns = cluster_columns(version(&transaction)?);
            let mut statement = transaction.prepare(&format!("SELECT {columns} FROM {clusters} ORDER BY ordinal"))?;
            let count_at = CLUSTER_COLUMNS.split(',').count();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (ordinal, cluster) = read_cluster(row)?;
                while recent.next_if(|(counted, _)| *counted < ordinal).is_some() {}
                let counted = match recent.next_if(|(counted, _)| *counted == ordinal) {
                    Some((_, counted)) => counted,
                    None => read_counted(row, count_at)?,
                };
                each((ordinal, Arc::new(counted.put_into(cluster))));
            }
            Ok(epoch.unsigned_abs())
        };
        read().map_err(|error| self.failed("read the clusters", error))
    }

    /// Whether a verdict on this record is committed.
    pub(crate) fn judged(&self, batch_id: &str, request_id: &str) -> Result<bool, RegistryError> {
        let find = || {
            let sql = "SELECT 1 FROM outcomes WHERE batch_id = ? AND request_id = ? AND fault_kind IS NULL";
            self.connection.prepare_cached(sql)?.exists([batch_id, request_id])
        };
        find().map_err(|error| self.failed("look an outcome up", error))
    }

    /// The outcome of this record.
    pub(crate) fn outcome(&self, batch_id: &str, request_id: &str) -> Result<Option<Outcome>, RegistryError> {
        let find = || {
            let columns = outcome_columns(version(&self.connection)?);
            let sql = format!("SELECT {columns} FROM outcomes WHERE batch_id = ? AND request_id = ?");
            self.connection.query_row(&sql, [batch_id, request_id], read_outcome).optional()
        };
        find().map_err(|error| self.failed("read an outcome", error))
    }

    /// Every outcome, of one batch or of all, one at a time in the order of their commits.
    pub(crate) fn outcomes<E: From<RegistryError>>(
        &self,
        batch_id: Option<&str>,
        each: &mut dyn FnMut(Outcome) -> Result<(), E>,
    ) -> Result<(), E> {
        let condition = if batch_id.is_some() { "WHERE batch_id = ?" } else { "" };
        let failed = |error| E::from(self.failed("read the outcomes", error));
        let columns = outcome_columns(version(&self.connection).map_err(failed)?);
        let sql = format!("SELECT {columns} FROM outcomes {condition} ORDER BY commit_seq");
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query(rusqlite::params_from_iter(batch_id)).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            each(read_outcome(row).map_err(failed)?)?;
        }
        Ok(())
    }

    /// The output file that a batch last wrote.
    pub(crate) fn sink_of(&self, batch_id: &str) -> Result<Option<PathBuf>, RegistryError> {
        let sql = "SELECT sink_path FROM batches WHERE batch_id = ?";
        let found = self.connection.query_row(sql, [batch_id], |row| row.get::<_, String>(0)).optional();
        Ok(found.map_err(|error| self.failed("read the batch's output file", error))?.map(PathBuf::from))
    }

    fn failed(&self, action: &'static str, error: rusqlite::Error) -> RegistryError {
        failure(&self.path, action, error)
    }
}

/// The columns of a cluster, then those of its count, as this version of the layout has them.
fn cluster_columns(version: i64) -> String {
    match version {
        1 => format!("{}, count, NULL", CLUSTER_COLUMNS.replace("merged_into", "NULL")),
        2 => format!("{CLUSTER_COLUMNS}, count, NULL"),
        _ => format!("{CLUSTER_COLUMNS}, count, counted_at"),
    }
}

/// The columns of an outcome, likewise.
fn outcome_columns(version: i64) -> String {
    match version {
        1 | 2 => OUTCOME_COLUMNS.replace("overtaken", "NULL"),
        _ => OUTCOME_COLUMNS.to_owned(),
    }
}
