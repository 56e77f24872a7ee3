//! Files of older layouts, and folds step by step.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
use super::counts::RecentCounts;
use super::reader::Ordered;
use super::{Access, Reader, Writer, recent_counts_min};
use crate::model::{Cluster, Durability, Outcome};
use crate::registry::RegistryError;
use crate::registry::counted::Counted;
use jiff::Timestamp;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const LAYOUTS: [(i64, &str); 2] = [(1, include_str!("tests/layout_1.sql")), (2, include_str!("tests/layout_2.sql"))];

/// Enough that folds begin and end, again and again.
const COMMITS: u64 = 300;

/// Two clusters with a record each, and one that was imported with seven.
const ROWS: &str = "
    INSERT INTO clusters (ordinal, cluster_id, name, summary, criteria, sample_requests, created_at, updated_at, count,
        status, batch_id, llm_reasoning, revision, birth_epoch) VALUES
        (0, 'a', 'A', 's', 'c', '[\"x\"]', '2026-01-01T00:00:00Z', '2026-01-02T03:04:05.6Z', 1, 'confirmed', '', '', 1, 1),
        (1, 'b', 'B', '', '', '[]', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 1, 'tentative', 'batch', 'r', 2, 2),
        (2, 'c', 'C', '', '', '[]', '2024-05-01T10:00:00.000001Z', '2024-05-02T10:00:00.000001Z', 7, 'retired', '', '',
            3, 1);
    INSERT INTO outcomes (batch_id, request_id, slice_id, decision, cluster_id, confidence, rationale, provider, model,
        component_digest, request_hash, epoch, attempts, latency_us) VALUES
        ('batch', '1', 0, 'assign', 'a', 'high', '', 'p', 'm', 'd', 'h', 1, 1, 5),
        ('batch', '2', 0, 'assign', 'b', 'low', '', 'p', 'm', 'd', 'h', 1, 1, 5);
    UPDATE registry SET epoch = 9;
    PRAGMA application_id = 1246253639;";

/// A file as this version laid it out.
fn old(version: i64, layout: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("judge.db");
    let file = Connection::open(&path).unwrap();
    file.pragma_update(None, "journal_mode", "WAL").unwrap();
    file.execute_batch(layout).unwrap();
    file.execute_batch(ROWS).unwrap();
    file.pragma_update(None, "user_version", version).unwrap();
    drop(file);
    (folder, path)
}

/// All that a reader finds.
fn found(path: &Path, access: Access) -> (u64, Vec<Ordered>, Vec<Outcome>) {
    let reader = Reader::open(path, access).unwrap();
    let mut clusters = Vec::new();
    let epoch = reader.clusters(|cluster| clusters.push(cluster)).unwrap();
    let mut outcomes = Vec::new();
    let read: Result<(), RegistryError> = reader.outcomes(None, &mut |outcome| {
        outcomes.push(outcome);
        Ok(())
    });
    read.unwrap();
    assert_eq!(reader.outcome("batch", "2").unwrap().as_ref(), outcomes.get(1));
    (epoch, clusters, outcomes)
}

/// What SQLite says of the tables, their columns and the view, whatever the spelling was that made them.
fn layout(path: &Path) -> Vec<String> {
    let file = Connection::open(path).unwrap();
    let columns = "SELECT m.type || ' ' || m.name || ' ' || c.name || ' ' || c.type || c.\"notnull\" || c.pk || coalesce(c.dflt_value, '')
        FROM sqlite_schema AS m, pragma_table_info(m.name) AS c WHERE m.type IN ('table', 'view') ORDER BY m.name, c.cid";
    let indices = "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema
        WHERE type IN ('index', 'view') ORDER BY name";
    [columns, indices]
        .iter()
        .flat_map(|sql| {
            let mut statement = file.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            rows.collect::<rusqlite::Result<Vec<_>>>().unwrap()
        })
        .collect()
}

fn version(path: &Path) -> i64 {
    Connection::open(path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[test]
fn a_file_of_an_older_layout_is_read_as_it_is() {
    for (number, sql) in LAYOUTS {
        let (_folder, path) = old(number, sql);
        let before = std::fs::read(&path).unwrap();
        let (epoch, clusters, outcomes) = found(&path, Access::ReadOnly);
        let counts: Vec<_> = clusters.iter().map(|(ordinal, cluster)| (*ordinal, cluster.count)).collect();
        assert_eq!((epoch, counts), (9, vec![(0, 1), (1, 1), (2, 7)]), "version {number}");
        assert_eq!(clusters[0].1.updated_at, "2026-01-02T03:04:05.6Z");
        assert!(outcomes.len() == 2 && outcomes.iter().all(|outcome| !outcome.overtaken));
        assert_eq!(version(&path), number);
        assert!(std::fs::read(&path).unwrap() == before, "version {number} is not written to");
    }
}

#[test]
fn a_file_of_an_older_layout_becomes_what_a_new_one_is_and_says_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new.db");
    drop(Writer::open(&new, Durability::Full).unwrap());
    for (number, sql) in LAYOUTS {
        let (_folder, path) = old(number, sql);
        let before = found(&path, Access::ReadOnly);
        drop(Writer::open(&path, Durability::Full).unwrap());
        assert_eq!((version(&path), layout(&path)), (version(&new), layout(&new)), "version {number}");
        assert_eq!(found(&path, Access::ReadOnly), before, "version {number}");
        let mut writer = Writer::open(&path, Durability::Full).unwrap();
        let mut transaction = writer.begin().unwrap();
        transaction
            .write_counted(2, Counted { count: 8, at: Some(Timestamp::from_millisecond(1_767_323_045_670).unwrap()) });
        transaction.commit(10).unwrap();
        let (_, clusters, _) = found(&path, Access::ReadOnly);
        assert_eq!((clusters[2].1.count, clusters[2].1.updated_at.as_str()), (8, "2026-01-02T03:04:05.67Z"));
        assert_eq!(clusters[..2], before.1[..2]);
    }
}

/// A new file's connection, with so many clusters.
fn counting(clusters: u64) -> Connection {
    let file = Connection::open_in_memory().unwrap();
    file.execute_batch(include_str!("schema.sql")).unwrap();
    for ordinal in 0..clusters {
        super::counts::place(&file, ordinal, Counted { count: 0, at: None }).unwrap();
    }
    file
}

/// What is folded.
fn placed(file: &Connection) -> BTreeMap<u64, u64> {
    let mut counts = file.prepare_cached("SELECT ordinal, count FROM counts").unwrap();
    let rows =
        counts.query_map([], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs())));
    rows.unwrap().collect::<rusqlite::Result<_>>().unwrap()
}

fn number(file: &Connection, sql: &str) -> u64 {
    file.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs()
}

/// Commits groups of counts, each cluster's going up; what is read is what was written, and neither the rows nor what one
/// commit does is beyond its bound. `reopened`: nothing is remembered from one commit to the next.
fn fold(clusters: u64, group: u64, reopened: bool) {
    let case = format!("{clusters} clusters, {group} at once, reopened: {reopened}");
    let file = counting(clusters);
    let mut counts = RecentCounts::read(&file).unwrap();
    let mut expected = vec![0; usize::try_from(clusters).unwrap()];
    let (mut rows_most, mut written) = (0, 0);
    for commit in 0..COMMITS {
        let changed: Vec<_> = (0..group)
            .map(|n| {
                let ordinal = (commit * group + n).wrapping_mul(7919) % clusters;
                let count = &mut expected[usize::try_from(ordinal).unwrap()];
                *count += 1;
                (ordinal, Counted { count: *count, at: Some(Timestamp::UNIX_EPOCH) })
            })
            .collect();
        let before = file.total_changes();
        counts.write(&file, changed).unwrap();
        let done = file.total_changes() - before;
        written += done;
        // A row for each third count, four counts folded for three, and four counts' rows removed for one, in their steps.
        let most = group + (group + 4) * 4 / 3 + 4 * (group + 8);
        assert!(done <= most, "{case}: {done} rows in commit {commit}, at most {most}");
        let (through, from) = counts.mark();
        file.execute("UPDATE registry SET fold_through = ?, fold_from = ?", (through, from)).unwrap();
        if reopened {
            counts = RecentCounts::read(&file).unwrap();
        }
        rows_most = rows_most.max(number(&file, "SELECT count(*) FROM recent_counts, json_each(recent_counts.counts)"));
        let mut read = placed(&file);
        read.extend(
            super::counts::latest(&file).unwrap().into_iter().map(|(ordinal, counted)| (ordinal, counted.count)),
        );
        assert!(read.values().eq(&expected), "{case}: {read:?} rather than {expected:?} after commit {commit}");
    }
    let bound = 2 * (recent_counts_min(clusters) + 4 + group) + 8;
    assert!(rows_most <= bound, "{case}: {rows_most} rows, at most {bound}");
    assert!(number(&file, "SELECT sum(count) FROM counts") > 0, "{case}: nothing was folded");
    assert!(written < COMMITS * group * 4, "{case}: {written} rows for {}", COMMITS * group);
}

#[test]
fn folds_change_nothing_that_is_read_and_keep_their_bounds() {
    for (clusters, group) in [(1, 1), (5, 1), (50, 3), (300, 7), (300, 40)] {
        for reopened in [false, true] {
            fold(clusters, group, reopened);
        }
    }
}

/// A new file's writer that bore so many clusters.
fn bearing(path: &Path, clusters: u64) -> Writer {
    let mut writer = Writer::open(path, Durability::Full).unwrap();
    writer.prepare().unwrap();
    let mut transaction = writer.begin().unwrap();
    for ordinal in 0..clusters {
        let cluster = Cluster { cluster_id: ordinal.to_string(), ..Cluster::default() };
        transaction.write_born(ordinal, &cluster, Counted::of(&cluster)).unwrap();
    }
    transaction.commit(1).unwrap();
    writer
}

#[test]
fn a_commit_that_fails_in_a_fold_takes_nothing_with_it() {
    const CLUSTERS: u64 = 12;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("judge.db");
    let mut writer = bearing(&path, CLUSTERS);
    let mut rng = fastrand::Rng::with_seed(7);
    let (mut epoch, mut failed, mut kept) = (1, 0, [0; 12]);
    for n in 1..400_u64 {
        let broken = rng.u32(..3) == 0;
        if broken {
            writer.break_table("counts");
        }
        let mut transaction = writer.begin().unwrap();
        let cluster = rng.u64(..CLUSTERS);
        transaction.write_counted(cluster, Counted { count: n, at: None });
        match transaction.commit(epoch + 1) {
            Ok(()) => {
                epoch += 1;
                kept[usize::try_from(cluster).unwrap()] = n;
            }
            Err(error) => {
                assert!(matches!(error, RegistryError::Store { action: "commit", .. }), "{error}");
                failed += 1;
            }
        }
        if broken {
            writer.mend();
        }
        let mut counts = Vec::new();
        let reader = Reader::open(&path, Access::ReadOnly).unwrap();
        let read = reader.clusters(|(_, cluster)| counts.push(cluster.count)).unwrap();
        assert_eq!(read, epoch);
        assert_eq!(counts, kept, "after commit {n}");
    }
    assert!(failed > 20, "{failed} commits failed in a fold");
}

#[test]
fn clusters_that_were_just_born_make_the_next_fold_a_larger_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("judge.db");
    let mut writer = bearing(&path, 200);
    let file = Connection::open(&path).unwrap();
    for n in 1..=recent_counts_min(200) {
        assert_eq!(number(&file, "SELECT count(fold_through) FROM registry"), 0, "none has begun before count {n}");
        let mut transaction = writer.begin().unwrap();
        transaction.write_counted(n, Counted { count: 1, at: None });
        transaction.commit(1 + n).unwrap();
    }
    assert_eq!(number(&file, "SELECT count(fold_through) FROM registry"), 1);
}
