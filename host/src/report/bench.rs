use super::summary::rounded;
use super::text::bare_table;
use comfy_table::CellAlignment;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One run of a bench, as it was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Records in flight at once.
    pub parallel: usize,
    /// Records judged.
    pub records: u64,
    /// From the first record to the last row.
    pub wall: Duration,
    /// Half of the records took no longer.
    pub p50: Duration,
    /// 95 of 100 took no longer.
    pub p95: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
}

/// One run of a bench, compared with the one of the least parallelism.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchRow {
    /// Records in flight at once.
    pub parallel: usize,
    /// Seconds from the first record to the last row.
    pub wall_s: f64,
    /// Records a second.
    pub records_per_s: f64,
    /// How many times as many records a second as the run of the least parallelism.
    pub speed_up: f64,
    /// Share of that run's time a record that is saved, in percent.
    pub saved_percent: f64,
    /// Median latency, in milliseconds.
    pub p50: f64,
    /// 95th percentile of the latency, in milliseconds.
    pub p95: f64,
    /// 99th percentile of the latency, in milliseconds.
    pub p99: f64,
    /// Speed-up as a share of the best that this parallelism and this number of records allow, 0 to 1.
    pub share_of_ideal: f64,
}

/// Compares the runs of a bench, in their order.
pub fn bench_rows(measured: &[Measured]) -> Vec<BenchRow> {
    let Some(base) = measured.iter().min_by_key(|run| run.parallel) else { return Vec::new() };
    let milliseconds = |time: Duration| rounded(time.as_secs_f64() * 1000.0);
    let row = |run: &Measured| {
        let speed_up = rate(run) / rate(base);
        BenchRow {
            parallel: run.parallel,
            wall_s: rounded(run.wall.as_secs_f64()),
            records_per_s: rounded(rate(run)),
            speed_up: rounded(speed_up),
            saved_percent: rounded((1.0 - 1.0 / speed_up) * 100.0),
            p50: milliseconds(run.p50),
            p95: milliseconds(run.p95),
            p99: milliseconds(run.p99),
            share_of_ideal: rounded(speed_up / (ideal(run) / ideal(base))),
        }
    };
    measured.iter().map(row).collect()
}

/// The runs of a bench as a table.
pub fn bench_table(rows: &[BenchRow]) -> String {
    let mut table = bare_table();
    table.set_header([
        "parallel",
        "wall s",
        "records/s",
        "speed-up",
        "saved %",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "of ideal %",
    ]);
    for row in rows {
        table.add_row([
            row.parallel.to_string(),
            format!("{:.2}", row.wall_s),
            format!("{:.1}", row.records_per_s),
            format!("{:.2}x", row.speed_up),
            format!("{:.1}", row.saved_percent),
            format!("{:.1}", row.p50),
            format!("{:.1}", row.p95),
            format!("{:.1}", row.p99),
            format!("{:.0}", row.share_of_ideal * 100.0),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}

// A run too short to measure has some rate, not an endless one.
fn rate(run: &Measured) -> f64 {
    run.records.max(1) as f64 / run.wall.as_secs_f64().max(1e-9)
}

// With 60 records at 64 in flight all are done in the time of one: 60 times, not 64.
fn ideal(run: &Measured) -> f64 {
    let records = run.records.max(1);
    records as f64 / records.div_ceil(run.parallel.max(1) as u64) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(parallel: usize, records: u64, wall_ms: u64) -> Measured {
        let latency = Duration::from_millis(50);
        Measured { parallel, records, wall: Duration::from_millis(wall_ms), p50: latency, p95: latency, p99: latency }
    }

    #[test]
    fn runs_are_compared_with_the_least_parallel_one() {
        let rows = bench_rows(&[measured(5, 100, 1_000), measured(1, 100, 5_000), measured(64, 60, 60)]);
        let found = rows.iter().map(|row| [row.speed_up, row.saved_percent, row.share_of_ideal]).collect::<Vec<_>>();
        assert_eq!(format!("{found:?}"), "[[5.0, 80.0, 1.0], [1.0, 0.0, 1.0], [50.0, 98.0, 0.833]]");
        assert_eq!(rows[0].records_per_s.to_string(), "100");
        assert!(bench_rows(&[]).is_empty());
    }

    #[test]
    fn a_bench_that_began_above_one_is_measured_by_its_own_least() {
        let rows = bench_rows(&[measured(5, 100, 1_000), measured(10, 100, 500)]);
        assert!((rows[1].speed_up - 2.0).abs() < 1e-9 && (rows[1].share_of_ideal - 1.0).abs() < 1e-9, "{rows:?}");
    }

    #[test]
    fn the_table_has_a_line_a_run() {
        let text = bench_table(&bench_rows(&[measured(1, 100, 5_000), measured(5, 100, 1_010)]));
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
        let expected = [
            "parallel wall s records/s speed-up saved % p50 ms p95 ms p99 ms of ideal %",
            "1 5.00 20.0 1.00x 0.0 50.0 50.0 50.0 100",
            "5 1.01 99.0 4.95x 79.8 50.0 50.0 50.0 99",
        ];
        assert_eq!(lines, expected, "{text}");
    }

    #[test]
    fn the_rows_names_are_those_that_others_read() {
        let row = serde_json::to_value(bench_rows(&[measured(1, 1, 50)])[0]).expect("plain numbers");
        let names = row.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        let expected =
            ["parallel", "wall_s", "records_per_s", "speed_up", "saved_percent", "p50", "p95", "p99", "share_of_ideal"];
        assert_eq!(names, expected);
    }
}
