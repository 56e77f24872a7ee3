use super::{FaultGroup, RecordsPerRequest, Summary, Tally};
use comfy_table::{CellAlignment, Table, presets};
use std::fmt::Write;
use std::time::Duration;

/// Clusters shown in a summary, the largest ones.
const CLUSTERS_MAX: usize = 10;

impl Summary {
    /// The summary for people: numbers, the largest clusters (id and count, the largest first), and what failed with
    /// what can be done about it.
    pub fn text(&self, tally: &Tally, largest: &[(String, u64)]) -> String {
        let mut text = numbers(self);
        if !largest.is_empty() {
            let _ = write!(text, "\n\nlargest clusters\n{}", clusters(largest));
        }
        let (faults, more) = tally.faults();
        if !faults.is_empty() {
            let _ = write!(text, "\n\nfailed records\n{}", failures(&faults, more));
        }
        if self.interrupted {
            text.push_str("\n\ninterrupted: the same command again goes on from here, with `--rejudge` from the start");
        }
        text
    }
}

fn numbers(summary: &Summary) -> String {
    let mut table = bare_table();
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("records", count(summary.records));
    row("judged", count(summary.judged));
    row("failed", count(summary.failed));
    for (name, number) in [("already done", summary.already_done), ("duplicates", summary.duplicates)] {
        if number > 0 {
            row(name, count(number));
        }
    }
    let decisions = [summary.assign, summary.new_cluster, summary.skip].map(count).join(" / ");
    row("assigned / new / skipped", decisions);
    row("coverage", summary.coverage.map_or_else(|| "-".into(), percent));
    if let Some(agreement) = summary.agreement {
        row("agreement with labels", percent(agreement));
    }
    row("wall time", span(Duration::try_from_secs_f64(summary.wall_s).unwrap_or_default()));
    row("records/s", format!("{:.1} ({} in flight at most)", summary.records_per_s, summary.parallel));
    row("calls, of them retries", format!("{}, {}", count(summary.calls), count(summary.retries)));
    for (name, number) in [("answers shared", summary.shared), ("second calls", summary.hedged)] {
        if number > 0 {
            row(name, count(number));
        }
    }
    if summary.rejudged > 0 {
        row("judged again after births", count(summary.rejudged));
    }
    if summary.quarantines > 0 {
        row("quarantines", count(summary.quarantines));
    }
    if summary.overtaken > 0 {
        row("new, but overtaken", count(summary.overtaken));
    }
    let latency = [summary.latency_ms.p50, summary.latency_ms.p95, summary.latency_ms.p99];
    if let [Some(p50), Some(p95), Some(p99)] = latency {
        row("latency p50 / p95 / p99", format!("{p50:.1} / {p95:.1} / {p99:.1} ms"));
    }
    if summary.input_tokens.is_some() || summary.output_tokens.is_some() {
        let tokens = [summary.input_tokens, summary.cached_input_tokens, summary.output_tokens];
        row("tokens in / cached / out", tokens.map(known).join(" / "));
    }
    for (name, value) in summary.records_per_request.iter().flat_map(RecordsPerRequest::rows) {
        row(name, value);
    }
    if let Some(cost) = summary.cost_usd {
        row("cost", format!("${cost:.4}"));
    }
    table.trim_fmt()
}

fn clusters(largest: &[(String, u64)]) -> String {
    let mut table = bare_table();
    for (id, number) in largest.iter().take(CLUSTERS_MAX) {
        table.add_row([count(*number), id.clone()]);
    }
    if let Some(column) = table.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}

fn failures(faults: &[FaultGroup], more: u64) -> String {
    let mut lines = Vec::new();
    for FaultGroup { kind, code, count: number, message, hint } in faults {
        let code = code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
        let message = if *number > 1 { format!("the first: {message}") } else { message.clone() };
        lines.push(format!("  {} {kind}{code}: {message}", count(*number)));
        lines.extend(hint.as_ref().map(|hint| format!("    hint: {hint}")));
    }
    if more > 0 {
        lines.push(format!("  {} of other kinds", count(more)));
    }
    lines
        .push("  hint: the same command again, without `--rejudge`, tries the failed records, and no other".to_owned());
    lines.join("\n")
}

/// A table of columns only, which survives every terminal and every paste.
pub(super) fn bare_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    table
}

/// Rows under a header, without lines, no cell broken.
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = bare_table();
    table.set_header(header.to_vec());
    table.add_rows(rows);
    table.trim_fmt()
}

/// A number with its thousands apart: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A span of time for people: tenths of a second while it is short, whole units beyond.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 if time.subsec_millis() > 0 => format!("{:.1}s", time.as_secs_f64()),
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn known(number: Option<u64>) -> String {
    number.map_or_else(|| "?".into(), count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Decision, Fault, FaultKind, Outcome, Usage};
    use crate::report::RunFacts;
    use crate::report::tally::tests::{failed, judged};

    #[test]
    fn the_summary_reads_well() {
        let mut tally = Tally::default();
        let usage = Usage { input_tokens: Some(1_234), output_tokens: Some(56), ..Usage::default() };
        for _ in 0..3 {
            tally.add(&Outcome { usage, ..judged(Decision::Assign, Some("card-arrival"), 40) }, Some("card-arrival"));
        }
        tally.add(&judged(Decision::Skip, None, 40), Some("top-up"));
        let fault =
            Fault::new(FaultKind::Credentials, "the server refused the key").code("401").hint("set OPENAI_API_KEY");
        tally.add(&failed(fault), None);
        let facts = RunFacts {
            records: 1_005,
            already_done: 1_000,
            calls: 5,
            rejudged: 0,
            wall: Duration::from_millis(2_500),
            parallel: 5,
            interrupted: true,
            ..RunFacts::default()
        };
        let largest = [("card-arrival".to_owned(), 1_003), ("top-up".to_owned(), 7)];
        let text = tally.summary(&facts).text(&tally, &largest);
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
        let expected = [
            "records 1,005",
            "judged 4",
            "failed 1",
            "already done 1,000",
            "assigned / new / skipped 3 / 0 / 1",
            "coverage 75.0 %",
            "agreement with labels 75.0 %",
            "wall time 2.5s",
            "records/s 2.0 (5 in flight at most)",
            "calls, of them retries 5, 0",
            "latency p50 / p95 / p99 40.0 / 40.0 / 40.0 ms",
            "tokens in / cached / out 3,702 / ? / 168",
            "",
            "largest clusters",
            "1,003 card-arrival",
            "7 top-up",
            "",
            "failed records",
            "1 credentials 401: the server refused the key",
            "hint: set OPENAI_API_KEY",
            "hint: the same command again, without `--rejudge`, tries the failed records, and no other",
            "",
            "interrupted: the same command again goes on from here, with `--rejudge` from the start",
        ];
        assert_eq!(lines, expected, "{text}");
    }

    #[test]
    fn an_empty_run_is_told_in_few_lines() {
        let tally = Tally::default();
        let text = tally.summary(&RunFacts::default()).text(&tally, &[]);
        assert!(!text.contains("agreement") && !text.contains("tokens") && !text.contains("largest"), "{text}");
    }

    #[test]
    fn births_that_stand_though_overtaken_have_a_line_where_there_are_some() {
        let mut tally = Tally::default();
        for overtaken in [true, false, true] {
            tally.add(&Outcome { overtaken, ..judged(Decision::NewCluster, Some("fee"), 40) }, None);
        }
        let text = tally.summary(&RunFacts::default()).text(&tally, &[]);
        let line = text.lines().find(|line| line.trim_start().starts_with("new, but overtaken")).expect("the line");
        assert_eq!(line.split_whitespace().last(), Some("2"));
        let none = Tally::default();
        assert!(!none.summary(&RunFacts::default()).text(&none, &[]).contains("overtaken"));
    }

    #[test]
    fn numbers_and_times_are_for_people() {
        for (number, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), expected);
        }
        for (milliseconds, expected) in
            [(0, "0s"), (1_540, "1.5s"), (59_999, "59s"), (60_000, "1m 0s"), (7_260_000, "2h 1m")]
        {
            assert_eq!(span(Duration::from_millis(milliseconds)), expected);
        }
    }
}
