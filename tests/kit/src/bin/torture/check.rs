//! What must hold when a batch has come to its end.

use crate::options::Options;
use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A batch that is done.
pub(crate) struct Checked<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) batch_id: &'a str,
    pub(crate) records: usize,
}

impl Checked<'_> {
    /// Every record has exactly one committed outcome, the output holds the same rows as the registry, the counts of the
    /// clusters are those of the outcomes, and the file is whole.
    pub(crate) fn all(&self, options: &Options) -> Result<()> {
        let output = fs::read_to_string(self.folder.join(format!("{}.jsonl", self.batch_id)))?;
        ensure!(output.ends_with('\n'), "the output's last line is torn");
        let rows = output.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>().context("a row")?;
        let ids: BTreeSet<&str> = rows.iter().filter_map(|row| row["request_id"].as_str()).collect();
        let lost: Vec<String> =
            (0..self.records).map(|n| format!("r{n}")).filter(|id| !ids.contains(id.as_str())).collect();
        ensure!(lost.is_empty(), "lost: {lost:?}");
        ensure!(rows.len() == self.records, "{} rows for {} records", rows.len(), self.records);
        let failed = rows.iter().filter(|row| row["decision"].is_null()).count();
        ensure!(failed == 0, "{failed} records failed");
        // Records that are committed in one group may be written in another order.
        ensure!(sorted(&self.exported(options)?) == sorted(&output), "output and registry differ");
        self.registry(rows.len())
    }

    /// The batch's rows as the registry has them.
    fn exported(&self, options: &Options) -> Result<String> {
        let mut export = Command::new(&options.host);
        export.current_dir(self.folder).env_clear();
        export.args(["registry", "--registry", "judge.db", "export", "-", "--outcomes", "--batch-id", self.batch_id]);
        let output = export.output().context("cannot export")?;
        ensure!(output.status.success(), "the export failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    fn registry(&self, rows: usize) -> Result<()> {
        let file = Connection::open_with_flags(self.folder.join("judge.db"), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let integrity: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        ensure!(integrity == "ok", "integrity: {integrity}");
        let count = |sql: &str| file.query_row(sql, [], |row| row.get::<_, i64>(0));
        let batch = format!("SELECT count(*) FROM outcomes WHERE batch_id = '{}'", self.batch_id);
        let committed = count(&batch)?;
        ensure!(usize::try_from(committed).is_ok_and(|committed| committed == rows), "{committed} outcomes committed");
        let counted = count("SELECT coalesce(sum(count), 0) FROM clusters")?;
        let assigned = count("SELECT count(*) FROM outcomes WHERE cluster_id IS NOT NULL")?;
        ensure!(counted == assigned, "the clusters count {counted} records, and {assigned} are assigned");
        let miscounted =
            "SELECT count(*) FROM clusters AS c LEFT JOIN (SELECT cluster_id, count(*) AS records FROM outcomes
            GROUP BY cluster_id) AS o ON o.cluster_id = c.cluster_id WHERE c.count <> coalesce(o.records, 0)";
        let miscounted = count(miscounted)?;
        ensure!(miscounted == 0, "{miscounted} clusters count other records than are theirs");
        let born = count(&format!("{batch} AND decision = 'new_cluster'"))?;
        ensure!(born > 0, "no cluster was born");
        let nowhere = "SELECT count(*) FROM outcomes WHERE cluster_id NOT IN (SELECT cluster_id FROM clusters)";
        let nowhere = count(nowhere)?;
        ensure!(nowhere == 0, "{nowhere} records are in clusters that are not there");
        let orphans = count("SELECT count(*) FROM clusters WHERE status = 'tentative' AND count = 0")?;
        ensure!(orphans == 0, "{orphans} clusters were born and have no record");
        Ok(())
    }
}

fn sorted(rows: &str) -> Vec<&str> {
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.sort_unstable();
    rows
}
