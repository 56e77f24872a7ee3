use super::{FaultGroup, Level, RecordsPerRequest, Server, Summary, Tally, WaitedS};
use crate::model::MicroUsd;
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
        if self.servers.len() > 1 {
            let _ = write!(text, "\n\ncalls to servers\n{}", servers(&self.servers));
        }
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
    row("wall time", seconds(summary.wall_s));
    row("records/s", format!("{:.1} ({})", summary.records_per_s, in_flight(summary)));
    row("calls, retries", format!("{}, {}", count(summary.calls), count(summary.retries)));
    for (name, number) in [
        ("asked another: unsure", summary.escalated),
        ("asked another: failed", summary.fell_back),
        ("answers shared", summary.shared),
        ("second calls", summary.hedged),
        ("judged again after births", summary.rejudged),
        ("quarantines", summary.quarantines),
        ("new, but overtaken", summary.overtaken),
    ] {
        if number > 0 {
            row(name, count(number));
        }
    }
    let WaitedS { rate_limit, server_down, retry, budget } = summary.waited_s;
    for (name, waited_s) in [
        ("waited for rate limits", rate_limit),
        ("waited for servers", server_down),
        ("waited before retries", retry),
        ("waited for the budget", budget),
    ] {
        if waited_s > 0.0 {
            row(name, format!("{}, all records together", seconds(waited_s)));
        }
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
        row("cost", MicroUsd(micro(cost)).to_string());
    }
    if let (Some(cpu), Some(memory)) = (summary.cpu_ms_per_record, summary.memory_peak_mb) {
        row("CPU a record, peak memory", format!("{cpu:.1} ms, {memory:.0} MB"));
    }
    table.trim_fmt()
}

/// How many were in flight, and why.
fn in_flight(summary: &Summary) -> String {
    match &summary.parallel {
        Level::Fixed(most) => format!("{most} in flight at most"),
        Level::Auto(asked) => format!("{asked} in flight, {}", summary.parallel_reason),
    }
}

/// The servers, where there are several: how they were used.
fn servers(servers: &[Server]) -> String {
    let mut table = bare_table();
    for Server { provider, origin, reason, calls, .. } in servers {
        let reason = reason.as_deref().unwrap_or_default();
        table.add_row([&count(*calls), origin.as_str(), provider, reason]);
    }
    if let Some(column) = table.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an amount that was whole and not negative"
)]
fn micro(usd: f64) -> u64 {
    (usd * 1e6).round() as u64
}

fn seconds(seconds: f64) -> String {
    span(Duration::try_from_secs_f64(seconds).unwrap_or_default())
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
    use crate::report::summary::tests::facts;
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
            interrupted: true,
            ..facts("5")
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
            "calls, retries 5, 0",
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
        let text = tally.summary(&facts("5")).text(&tally, &[]);
        assert!(!text.contains("agreement") && !text.contains("tokens") && !text.contains("largest"), "{text}");
    }

    #[test]
    fn what_held_a_run_up_and_what_was_found_has_a_line_where_there_is_some() {
        let server = |origin: &str, calls, reason: &str| Server {
            provider: "openai".into(),
            origin: origin.into(),
            limit: Some(20),
            reason: Some(reason.into()),
            calls,
        };
        let mut facts = RunFacts {
            escalated: 12,
            fell_back: 3,
            waited_rate: Duration::from_secs(90),
            parallel_reason: "settled at 40".into(),
            cpu: Some(Duration::from_millis(3)),
            memory_peak_bytes: Some(61_400_000),
            servers: vec![server("http://a:1", 1_200, "settled at 21"), server("http://b:1", 60, "settled at 19")],
            ..facts("auto:1-64")
        };
        let mut tally = Tally::default();
        tally.add(&judged(Decision::Skip, None, 1), None);
        let lines = |facts: &RunFacts| {
            let text = tally.summary(facts).text(&tally, &[]);
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
        };
        let told = lines(&facts);
        for expected in [
            "records/s 0.0 (auto:1-64 in flight, settled at 40)",
            "asked another: unsure 12",
            "asked another: failed 3",
            "waited for rate limits 1m 30s, all records together",
            "CPU a record, peak memory 3.0 ms, 61 MB",
            "calls to servers",
            "1,200 http://a:1 openai settled at 21",
            "60 http://b:1 openai settled at 19",
        ] {
            assert!(told.iter().any(|line| line == expected), "{expected}: {told:#?}");
        }
        facts.servers.pop();
        assert!(!lines(&facts).iter().any(|line| line.contains("calls to servers")), "one alone is asked all");
    }

    #[test]
    fn births_that_stand_though_overtaken_have_a_line_where_there_are_some() {
        let mut tally = Tally::default();
        for overtaken in [true, false, true] {
            tally.add(&Outcome { overtaken, ..judged(Decision::NewCluster, Some("fee"), 40) }, None);
        }
        let text = tally.summary(&facts("5")).text(&tally, &[]);
        let line = text.lines().find(|line| line.trim_start().starts_with("new, but overtaken")).expect("the line");
        assert_eq!(line.split_whitespace().last(), Some("2"));
        let none = Tally::default();
        assert!(!none.summary(&facts("5")).text(&none, &[]).contains("overtaken"));
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
