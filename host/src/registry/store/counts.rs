//! Counts: commits append them to `recent_counts`, from where they are folded into `counts` by and by. To replace the row
//! of each cluster that a group counts would dirty a page for each where there are many; appended, they share a few
//! pages, and folded in the order of the clusters they share pages again.
//!
//! A row says the whole count, so the last one of a cluster holds, whatever has been folded meanwhile: a fold changes
//! nothing that is read, and a kill in the middle of one loses nothing and doubles nothing.

use crate::model::Cluster;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::ops::Range;

/// Rows of `recent_counts` that it is worth while to fold, at least; few in tests, so that all of them meet folds.
const ROWS_MIN: u64 = if cfg!(test) { 8 } else { 1024 };
/// In a large registry it is one row for so many clusters. So thirty rows go to a page of `counts`, which holds 240
/// clusters, and a start-up reads rows in proportion to the clusters.
const CLUSTERS_A_ROW: u64 = 8;
/// Rows are folded so many at a time, as they share pages.
const STEP_ROWS: u64 = if cfg!(test) { 4 } else { 256 };
/// Rows that are folded or removed for each that is appended. A row has to be both, so a fold ends before as many rows
/// were appended as it began with. That bounds both ways: there are never more rows than twice those that a fold begins
/// with, and no commit folds or removes more than twice what it appends and twice a step.
const DUE_FOR_ONE: u64 = 2;

/// How many records a cluster has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The records.
    pub(crate) count: u64,
    /// When one last came or went, in milliseconds since 1970; none where the cluster itself has changed since.
    pub(crate) at_ms: Option<i64>,
}

/// The table `recent_counts`, and how far it is folded.
#[derive(Debug, Default)]
pub(super) struct RecentCounts {
    /// How many clusters there are.
    clusters: u64,
    /// The number of the first row that is there, and that of the next one.
    rows: Range<i64>,
    /// What those rows say that no fold has begun with.
    waiting: BTreeMap<u64, Counted>,
    fold: Option<Fold>,
}

/// Rows on their way into `counts`. When all have arrived, they are removed.
#[derive(Debug)]
struct Fold {
    /// The last of them.
    through: i64,
    /// What they say of the clusters that are still to be written.
    left: BTreeMap<u64, Counted>,
    /// Clusters below this ordinal are written.
    from: u64,
}

/// How many counts the commits of a registry with so many clusters append before a fold begins. There are twice as many
/// at the most, and what one commit appends.
pub fn recent_counts_min(clusters: u64) -> u64 {
    ROWS_MIN.max(clusters / CLUSTERS_A_ROW)
}

impl Counted {
    /// The cluster with this count.
    pub(super) fn put_into(self, cluster: Cluster) -> rusqlite::Result<Cluster> {
        let updated_at = match self.at_ms.map(Timestamp::from_millisecond).transpose() {
            Ok(at) => at.map_or(cluster.updated_at, |at| at.to_string()),
            Err(error) => return Err(rusqlite::Error::ToSqlConversionFailure(error.into())),
        };
        Ok(Cluster { count: self.count, updated_at, ..cluster })
    }
}

impl RecentCounts {
    /// As a file has them.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<RecentCounts> {
        let clusters = "SELECT coalesce(max(ordinal) + 1, 0) FROM counts";
        let clusters: i64 = connection.query_row(clusters, [], |row| row.get(0))?;
        let mark = "SELECT fold_through, fold_from FROM registry";
        let (through, from): (Option<i64>, i64) =
            connection.query_row(mark, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let fold = through.map(|through| Fold { through, left: BTreeMap::new(), from: from.unsigned_abs() });
        let mut read = RecentCounts { clusters: clusters.unsigned_abs(), fold, ..RecentCounts::default() };
        each(connection, |seq, ordinal, counted| {
            if read.rows.is_empty() {
                read.rows.start = seq;
            }
            read.rows.end = seq + 1;
            match &mut read.fold {
                Some(fold) if seq <= fold.through => {
                    if ordinal >= fold.from {
                        fold.left.insert(ordinal, counted);
                    }
                }
                _ => {
                    read.waiting.insert(ordinal, counted);
                }
            }
        })?;
        // A fold ends with its last row, and all rows may be gone.
        read.fold = read.fold.filter(|fold| read.rows.start <= fold.through && !read.rows.is_empty());
        Ok(read)
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.rows.end - self.rows.start).unwrap_or(0)
    }

    /// A cluster was written with its count, beyond all others.
    pub(super) fn born(&mut self, ordinal: u64) {
        self.clusters = self.clusters.max(ordinal + 1);
    }

    /// Appends rows, and folds what is due for them. Where it fails, and where the transaction is not committed, this is
    /// no longer what the file has.
    pub(super) fn write(&mut self, connection: &Connection, changed: &[(u64, Counted)]) -> rusqlite::Result<()> {
        let before = self.rows.end.unsigned_abs();
        let mut append = connection
            .prepare_cached("INSERT INTO recent_counts (seq, ordinal, count, counted_at) VALUES (?, ?, ?, ?)")?;
        for (ordinal, counted) in changed {
            append.execute(params![self.rows.end, signed(*ordinal), signed(counted.count), counted.at_ms])?;
            self.rows.end += 1;
            self.waiting.insert(*ordinal, *counted);
        }
        // By the rows' numbers, which last, rather than by what this process has written: one that is killed soon, again
        // and again, comes to a step like any other.
        let steps = self.rows.end.unsigned_abs() / STEP_ROWS - before / STEP_ROWS;
        self.go_on(connection, steps * STEP_ROWS * DUE_FOR_ONE)
    }

    /// Folds or removes so many rows, or as many as there are to be.
    fn go_on(&mut self, connection: &Connection, mut due: u64) -> rusqlite::Result<()> {
        let mut remove = connection.prepare_cached("DELETE FROM recent_counts WHERE seq < ?")?;
        while due > 0 {
            if self.fold.is_none() && self.len() >= recent_counts_min(self.clusters) {
                let left = std::mem::take(&mut self.waiting);
                self.fold = Some(Fold { through: self.rows.end - 1, left, from: 0 });
            }
            let Some(fold) = &mut self.fold else { break };
            if let Some((ordinal, counted)) = fold.left.pop_first() {
                place(connection, ordinal, counted)?;
                fold.from = ordinal + 1;
                due -= 1;
                continue;
            }
            let end = self.rows.start.saturating_add_unsigned(due).min(fold.through + 1);
            remove.execute([end])?;
            due -= self.rows.start.abs_diff(end);
            self.rows.start = end;
            if end > fold.through {
                self.fold = None;
            }
        }
        Ok(())
    }

    /// The columns `fold_through` and `fold_from` of the table `registry`.
    pub(super) fn mark(&self) -> (Option<i64>, i64) {
        match &self.fold {
            Some(fold) => (Some(fold.through), signed(fold.from)),
            None => (None, 0),
        }
    }
}

/// Writes a cluster's count to where it is found by the cluster.
pub(super) fn place(connection: &Connection, ordinal: u64, counted: Counted) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO counts (ordinal, count, counted_at) VALUES (?, ?, ?)";
    connection.prepare_cached(sql)?.execute(params![signed(ordinal), signed(counted.count), counted.at_ms])?;
    Ok(())
}

/// The latest count of each cluster that has one in `recent_counts`, by ordinal.
pub(super) fn latest(connection: &Connection) -> rusqlite::Result<BTreeMap<u64, Counted>> {
    let mut latest = BTreeMap::new();
    each(connection, |_, ordinal, counted| {
        latest.insert(ordinal, counted);
    })?;
    Ok(latest)
}

/// Every row of `recent_counts`, the first one first.
fn each(connection: &Connection, mut take: impl FnMut(i64, u64, Counted)) -> rusqlite::Result<()> {
    let mut rows = connection.prepare("SELECT seq, ordinal, count, counted_at FROM recent_counts ORDER BY seq")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let (ordinal, count): (i64, i64) = (row.get(1)?, row.get(2)?);
        take(row.get(0)?, ordinal.unsigned_abs(), Counted { count: count.unsigned_abs(), at_ms: row.get(3)? });
    }
    Ok(())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
