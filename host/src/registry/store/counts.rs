//! Counts: commits append them to `recent_counts`, from where they are folded into `counts` by and by. To replace the row
//! of each cluster that a group counts would dirty a page for each where there are many; appended, they are one row, and
//! folded in the order of the clusters they share pages.
//!
//! What is appended is the whole count, so the last one of a cluster holds, whatever has been folded meanwhile: a fold
//! changes nothing that is read, and a kill in the middle of one loses nothing and doubles nothing.

use super::rows::{counted_at, read_recent};
use crate::registry::counted::Counted;
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, btree_map};
use std::ops::Range;

/// Counts that are worth a fold, at least; few in tests, so that all of them meet folds.
const FOLDED_MIN: u64 = if cfg!(test) { 8 } else { 1024 };
/// In a large registry it is one for so many clusters. So some sixty go to a page of `counts`, which holds 240 clusters,
/// and a start-up reads no more than half as many counts again as there are clusters.
const CLUSTERS_A_COUNT: u64 = 4;
/// Counts are folded so many at a time, as they share pages.
const STEP: u64 = if cfg!(test) { 4 } else { 256 };
/// Rows that are folded are removed when so many counts were appended. What a removal frees other tables take, out of the
/// order of their pages, and a commit that has to put pages in order goes through all that SQLite keeps in memory.
const REMOVAL_STEP: u64 = if cfg!(test) { 8 } else { 8192 };
/// Counts that are folded for each three that are appended, and rows' counts that are removed for each that is appended. So a
/// fold and its removal end when as many counts were appended as it began with. That bounds both ways: there are never more
/// than twice those that are worth a fold, what one commit appends and a step; and what a commit does is in proportion to
/// what it appends, and to a step.
const DUE: u64 = 4;
/// Writes a count to where it is found by the cluster.
const PLACE: &str = "INSERT OR REPLACE INTO counts (ordinal, count, counted_at) VALUES (?, ?, ?)";
/// Counts in one row.
const ROW_MAX: usize = if cfg!(test) { 3 } else { 512 };
/// Clusters that are sorted together when they are folded.
const SHARE: u64 = 4096;

/// The table `recent_counts`, and how far it is folded.
#[derive(Debug, Default)]
pub(super) struct RecentCounts {
    /// How many clusters there are.
    clusters: u64,
    /// Which of all counts that were ever appended are there.
    kept: Range<u64>,
    /// Those of them that no fold has begun with.
    waiting: Shares,
    fold: Option<Fold>,
}

/// Counts by the share of the clusters that they are of, and in each in the order of commits.
type Shares = BTreeMap<u64, Vec<(u64, Counted)>>;

/// Counts on their way into the table `counts`. When all have arrived, their rows are removed.
#[derive(Debug)]
struct Fold {
    /// How many were ever appended when it began.
    through: u64,
    /// The shares that it has not come to.
    shares: btree_map::IntoIter<u64, Vec<(u64, Counted)>>,
    /// What is left of the share that it is at, the last cluster first.
    share: Vec<(u64, Counted)>,
    /// Clusters below this ordinal are written.
    from: u64,
}

/// How many counts the commits of a registry with so many clusters append before a fold begins. There are twice as many at the
/// most, what one commit appends, and as many again or 8,192, whichever is less.
pub fn recent_counts_min(clusters: u64) -> u64 {
    FOLDED_MIN.max(clusters / CLUSTERS_A_COUNT)
}

impl RecentCounts {
    /// As a file has them.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<RecentCounts> {
        let clusters = "SELECT coalesce(max(ordinal) + 1, 0) FROM counts";
        let clusters: i64 = connection.query_row(clusters, [], |row| row.get(0))?;
        let mark = "SELECT fold_through, fold_from FROM registry";
        let (through, from): (Option<i64>, i64) =
            connection.query_row(mark, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (through, from) = (through.map(i64::unsigned_abs), from.unsigned_abs());
        let mut read = RecentCounts { clusters: clusters.unsigned_abs(), ..RecentCounts::default() };
        let mut begun = Shares::new();
        each_row(connection, |seq, counts| {
            if read.kept.is_empty() {
                read.kept.start = seq.saturating_sub(counts.len() as u64);
            }
            read.kept.end = seq;
            let is_waiting = through.is_none_or(|through| seq > through);
            for (ordinal, counted) in counts {
                if is_waiting {
                    push(&mut read.waiting, ordinal, counted);
                } else if ordinal >= from {
                    push(&mut begun, ordinal, counted);
                }
            }
        })?;
        let fold = |through| Fold { through, shares: begun.into_iter(), share: Vec::new(), from };
        // A fold ends with its last row.
        read.fold = through.filter(|through| read.kept.start < *through).map(fold);
        Ok(read)
    }

    /// How many counts there are, a cluster's each time that it was counted.
    fn len(&self) -> u64 {
        self.kept.end - self.kept.start
    }

    /// A cluster was written with its count, beyond all others.
    pub(super) fn born(&mut self, ordinal: u64) {
        self.clusters = self.clusters.max(ordinal + 1);
    }

    /// Appends counts, and folds what is due for them. Where it fails, and where the transaction is not committed, this is
    /// no longer what the file has.
    pub(super) fn write(&mut self, connection: &Connection, mut changed: Vec<(u64, Counted)>) -> rusqlite::Result<()> {
        let before = self.kept.end;
        // The first step is small where there are few.
        let removal_step = REMOVAL_STEP.min(recent_counts_min(self.clusters));
        let mut append =
            connection.prepare_cached("INSERT INTO recent_counts (seq, counted_at, counts) VALUES (?, ?, ?)")?;
        // Of one commit there are two times at the most, its own and none; and no cluster is there twice.
        changed.sort_by_key(|(_, counted)| counted.at);
        for row in changed.chunk_by(|one, other| one.1.at == other.1.at).flat_map(|alike| alike.chunks(ROW_MAX)) {
            let counts: BTreeMap<u64, u64> = row.iter().map(|(ordinal, counted)| (*ordinal, counted.count)).collect();
            let json = serde_json::to_string(&counts).unwrap_or_default();
            self.kept.end += row.len() as u64;
            append.execute(params![signed(self.kept.end), counted_at(row[0].1), json])?;
        }
        for (ordinal, counted) in changed {
            push(&mut self.waiting, ordinal, counted);
        }
        // By the counts' numbers, which last, rather than by what this process has written: one that is killed soon, again
        // and again, comes to a step like any other.
        let appended = |step: u64| (self.kept.end / step - before / step) * step;
        let (folded, removed) = (appended(STEP) * DUE / 3, appended(removal_step) * DUE);
        self.begin();
        self.fold(connection, folded)?;
        self.remove(connection, removed)
    }

    /// Begins a fold of all that is waiting, where it is worth one.
    fn begin(&mut self) {
        if self.fold.is_none() && self.len() >= recent_counts_min(self.clusters) {
            let shares = std::mem::take(&mut self.waiting).into_iter();
            self.fold = Some(Fold { through: self.kept.end, shares, share: Vec::new(), from: 0 });
        }
    }

    /// Folds so many counts, or as many as are left.
    fn fold(&mut self, connection: &Connection, due: u64) -> rusqlite::Result<()> {
        let Some(fold) = &mut self.fold else { return Ok(()) };
        let mut place = connection.prepare_cached(PLACE)?;
        for _ in 0..due {
            let Some((ordinal, counted)) = fold.next() else { break };
            place.execute(placed(ordinal, counted))?;
        }
        Ok(())
    }

    /// Removes the rows of so many counts, or as many as are left, where all are folded.
    fn remove(&mut self, connection: &Connection, due: u64) -> rusqlite::Result<()> {
        let Some(fold) = self.fold.as_ref().filter(|fold| due > 0 && fold.is_folded()) else { return Ok(()) };
        let end = fold.through.min(self.kept.start + due);
        connection.prepare_cached("DELETE FROM recent_counts WHERE seq <= ?")?.execute([signed(end)])?;
        self.kept.start = end;
        if end == fold.through {
            self.fold = None;
        }
        Ok(())
    }

    /// The columns `fold_through` and `fold_from` of the table `registry`.
    pub(super) fn mark(&self) -> (Option<i64>, i64) {
        match &self.fold {
            Some(fold) => (Some(signed(fold.through)), signed(fold.from)),
            None => (None, 0),
        }
    }
}

impl Fold {
    /// The next cluster's latest count.
    fn next(&mut self) -> Option<(u64, Counted)> {
        while self.share.is_empty() {
            self.share = latest_first(self.shares.next()?.1);
        }
        let (ordinal, counted) = self.share.pop()?;
        self.from = ordinal + 1;
        Some((ordinal, counted))
    }

    fn is_folded(&self) -> bool {
        self.share.is_empty() && self.shares.len() == 0
    }
}

fn push(shares: &mut Shares, ordinal: u64, counted: Counted) {
    shares.entry(ordinal / SHARE).or_default().push((ordinal, counted));
}

/// The latest count of each cluster, the last cluster first.
fn latest_first(mut counts: Vec<(u64, Counted)>) -> Vec<(u64, Counted)> {
    counts.reverse();
    // Stable: the latest of a cluster stays before its others, and is the one that is kept.
    counts.sort_by_key(|(ordinal, _)| std::cmp::Reverse(*ordinal));
    counts.dedup_by_key(|(ordinal, _)| *ordinal);
    counts
}

/// Writes a cluster's count to where it is found by the cluster.
pub(super) fn place(connection: &Connection, ordinal: u64, counted: Counted) -> rusqlite::Result<()> {
    connection.prepare_cached(PLACE)?.execute(placed(ordinal, counted))?;
    Ok(())
}

fn placed(ordinal: u64, counted: Counted) -> (i64, i64, Option<i64>) {
    (signed(ordinal), signed(counted.count), counted_at(counted))
}

/// The latest count of each cluster that has one in `recent_counts`, in the order of the clusters.
pub(super) fn latest(connection: &Connection) -> rusqlite::Result<Vec<(u64, Counted)>> {
    let mut shares = Shares::new();
    each_row(connection, |_, counts| {
        for (ordinal, counted) in counts {
            push(&mut shares, ordinal, counted);
        }
    })?;
    Ok(shares.into_values().flat_map(|share| latest_first(share).into_iter().rev()).collect())
}

/// Every row of `recent_counts`, the first one first: its number, and what it says.
fn each_row(connection: &Connection, mut take: impl FnMut(u64, Vec<(u64, Counted)>)) -> rusqlite::Result<()> {
    let mut rows = connection.prepare("SELECT seq, counted_at, counts FROM recent_counts ORDER BY seq")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        take(row.get::<_, i64>(0)?.unsigned_abs(), read_recent(row)?);
    }
    Ok(())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
