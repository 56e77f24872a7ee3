use super::Level;
use super::summary::rounded;
use super::text::bare_table;
use crate::model::Parallel;
use comfy_table::CellAlignment;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One run of a bench, as it was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Records in flight at once, as asked for.
    pub parallel: Parallel,
    /// How many that was: the number itself, or where the search for it stood at the end.
    pub in_flight: usize,
    /// Why the search stood there; none where nothing was looked for.
    pub reason: Option<String>,
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchRow {
    /// Records in flight at once, as asked for: a number, or `auto:MIN-MAX`.
    pub parallel: Level,
    /// How many that was: the number itself, or where the search for it stood at the end.
    pub in_flight: usize,
    /// Why the search stood there; null where nothing was looked for.
    pub reason: Option<String>,
    /// Records judged.
    pub records: u64,
    /// Seconds from the first record to the last row.
    pub wall_s: f64,
    /// Records a second.
    pub records_per_s: f64,
    /// How many times as many records a second as the run of the least parallelism.
    pub speed_up: f64,
    /// The best that this many in flight and this number of records allow.
    pub ideal_speed_up: f64,
    /// Speed-up as a share of the ideal, 0 to 1.
    pub share_of_ideal: f64,
    /// Share of the least parallel run's time a record that is saved, in percent.
    pub saved_percent: f64,
    /// Median latency, in milliseconds.
    pub p50: f64,
    /// 95th percentile of the latency, in milliseconds.
    pub p95: f64,
    /// 99th percentile of the latency, in milliseconds.
    pub p99: f64,
}

/// Compares the runs of a bench, in their order.
pub fn bench_rows(measured: &[Measured]) -> Vec<BenchRow> {
    // What is looked for is no base where a number is as small.
    let least = |run: &&Measured| (run.in_flight, run.reason.is_some());
    let Some(base) = measured.iter().min_by_key(least) else { return Vec::new() };
    let milliseconds = |time: Duration| rounded(time.as_secs_f64() * 1000.0);
    let row = |run: &Measured| {
        let (speed_up, ideal_speed_up) = (rate(run) / rate(base), ideal(run) / ideal(base));
        BenchRow {
            parallel: run.parallel.into(),
            in_flight: run.in_flight,
            reason: run.reason.clone(),
            records: run.records,
            wall_s: rounded(run.wall.as_secs_f64()),
            records_per_s: rounded(rate(run)),
            speed_up: rounded(speed_up),
            ideal_speed_up: rounded(ideal_speed_up),
            share_of_ideal: rounded(speed_up / ideal_speed_up),
            saved_percent: rounded((1.0 - 1.0 / speed_up) * 100.0),
            p50: milliseconds(run.p50),
            p95: milliseconds(run.p95),
            p99: milliseconds(run.p99),
        }
    };
    measured.iter().map(row).collect()
}

/// The runs of a bench as a table.
pub fn bench_table(rows: &[BenchRow]) -> String {
    let mut table = bare_table();
    table.set_header([
        "parallel",
        "records",
        "seconds",
        "records/s",
        "speed-up",
        "ideal",
        "of ideal %",
        "p50 ms",
        "p95 ms",
        "p99 ms",
    ]);
    for row in rows {
        let is_found = row.reason.is_some();
        table.add_row([
            if is_found { format!("{} (auto)", row.in_flight) } else { row.in_flight.to_string() },
            row.records.to_string(),
            format!("{:.2}", row.wall_s),
            format!("{:.1}", row.records_per_s),
            format!("{:.2}x", row.speed_up),
            format!("{:.2}x", row.ideal_speed_up),
            format!("{:.0}", row.share_of_ideal * 100.0),
            format!("{:.1}", row.p50),
            format!("{:.1}", row.p95),
            format!("{:.1}", row.p99),
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
    records as f64 / records.div_ceil(run.in_flight.max(1) as u64) as f64
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A run with a number in flight, and a latency of so many milliseconds.
    pub(in crate::report) fn measured(in_flight: usize, records: u64, wall_ms: u64, latency_ms: u64) -> Measured {
        let parallel = Parallel::Fixed(in_flight.try_into().expect("over 0"));
        let [p50, p95, p99] = [latency_ms, latency_ms * 2, latency_ms * 3].map(Duration::from_millis);
        let wall = Duration::from_millis(wall_ms);
        Measured { parallel, in_flight, reason: None, records, wall, p50, p95, p99 }
    }

    /// The same, found.
    pub(in crate::report) fn found(in_flight: usize, records: u64, wall_ms: u64) -> Measured {
        let number = |number: usize| number.try_into().expect("over 0");
        let parallel = Parallel::Auto { min: number(1), max: number(256) };
        let reason = Some(format!("settled at {in_flight}: +1 slot gained 0.4 %"));
        Measured { parallel, reason, ..measured(in_flight, records, wall_ms, 50) }
    }

    #[test]
    fn runs_are_compared_with_the_least_parallel_one() {
        let rows = bench_rows(&[measured(5, 100, 1_000, 50), measured(1, 100, 5_000, 50), measured(64, 60, 60, 50)]);
        let found = rows.iter().map(|row| [row.speed_up, row.saved_percent, row.share_of_ideal]).collect::<Vec<_>>();
        assert_eq!(format!("{found:?}"), "[[5.0, 80.0, 1.0], [1.0, 0.0, 1.0], [50.0, 98.0, 0.833]]");
        assert_eq!(rows[0].records_per_s.to_string(), "100");
        assert!(bench_rows(&[]).is_empty());
    }

    #[test]
    fn a_bench_that_began_above_one_is_measured_by_its_own_least() {
        let rows = bench_rows(&[measured(5, 100, 1_000, 50), measured(10, 100, 500, 50)]);
        assert!((rows[1].speed_up - 2.0).abs() < 1e-9 && (rows[1].share_of_ideal - 1.0).abs() < 1e-9, "{rows:?}");
    }

    #[test]
    fn the_table_has_a_line_a_run() {
        let runs =
            [measured(1, 100, 5_000, 50), measured(5, 100, 1_010, 50), found(1, 100, 5_000), found(20, 100, 300)];
        let text = bench_table(&bench_rows(&runs));
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
        let expected = [
            "parallel records seconds records/s speed-up ideal of ideal % p50 ms p95 ms p99 ms",
            "1 100 5.00 20.0 1.00x 1.00x 100 50.0 100.0 150.0",
            "5 100 1.01 99.0 4.95x 5.00x 99 50.0 100.0 150.0",
            "1 (auto) 100 5.00 20.0 1.00x 1.00x 100 50.0 100.0 150.0",
            "20 (auto) 100 0.30 333.3 16.67x 20.00x 83 50.0 100.0 150.0",
        ];
        assert_eq!(lines, expected, "{text}");
    }

    #[test]
    fn the_rows_names_are_those_that_others_read() {
        let rows = bench_rows(&[measured(1, 1, 50, 50), found(2, 1, 50)]);
        let row = serde_json::to_value(&rows[0]).expect("plain numbers");
        let names = row.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        let expected = "parallel in_flight reason records wall_s records_per_s speed_up ideal_speed_up share_of_ideal \
                        saved_percent p50 p95 p99";
        assert_eq!(names, expected.split_whitespace().collect::<Vec<_>>());
        assert_eq!(row["parallel"], 1);
        assert_eq!(serde_json::to_value(&rows[1]).expect("plain numbers")["parallel"], "auto:1-256");
    }
}
