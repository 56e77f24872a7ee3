use super::Console;
use super::pace::Pace;
use super::text::{count, span};
use crate::model::MicroUsd;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// Where no bar can be drawn, a line is written at most this often.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// The bar's length: it shows the share read, in thousandths.
const BAR_LENGTH: u64 = 1000;
/// Redraws of the bar per second, at most.
const DRAWS_PER_SECOND: u8 = 10;
/// Columns that a line takes where its parts can be shortened: of 100 there are 11 for the bar.
const COLUMNS: usize = 89;
const SEPARATOR: &str = " · ";
const BAR: &str = "{bar:10} {wide_msg}";
const SPINNER: &str = "{spinner} {wide_msg}";

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProgressView {
    /// Records with an outcome in this run.
    pub done: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Records that an earlier run had judged.
    pub already_done: u64,
    /// Records in all, those judged already with them; none for a stream without end in sight.
    pub total: Option<RecordCount>,
    /// Attempts after a record's first.
    pub retries: u64,
    /// Records being judged right now.
    pub in_flight: u64,
    /// How many may be.
    pub limit: u64,
    /// What records wait for, other than an answer.
    pub waits: Vec<Wait>,
    /// What the records cost up to now; none where nobody told it.
    pub cost: Option<MicroUsd>,
    /// Where a limit that is looked for stands, in words; what follows a colon is left out where there is no room, or all.
    pub limit_state: Option<String>,
    /// What GPUs and servers tell of themselves; left out where there is no room.
    pub gauges: Option<String>,
}

/// A number of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordCount {
    /// So many.
    Exactly(u64),
    /// So many by what is known.
    About(u64),
}

/// Records that wait for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// How many.
    pub records: u64,
    /// What for, in a word or two.
    pub what: &'static str,
}

/// The progress of one run on a console: a bar on a terminal, else a line now and then; nothing where it is quiet.
/// Takes its bar away when dropped.
pub struct Progress {
    console: Console,
    begun: Instant,
    said: Duration,
    pace: Pace,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins to show the progress of a run.
    pub fn begin(console: &Console) -> Self {
        let is_drawn = console.is_terminal() && !console.is_quiet();
        let bar = is_drawn.then(|| {
            let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
            ProgressBar::with_draw_target(Some(BAR_LENGTH), target).with_style(style(BAR))
        });
        console.set_bar(bar.clone());
        Progress { console: console.clone(), begun: Instant::now(), said: Duration::ZERO, pace: Pace::default(), bar }
    }

    /// Shows how far the run is now. May be called as often as one likes.
    pub fn update(&mut self, view: &ProgressView) {
        self.update_at(view, self.begun.elapsed());
    }

    // The clock is passed in, for tests.
    fn update_at(&mut self, view: &ProgressView, elapsed: Duration) {
        let rate = self.pace.rate(elapsed, view.done);
        if let Some(bar) = &self.bar {
            match view.share() {
                Some(share) => bar.set_position(thousandths(share)),
                None => bar.set_style(style(SPINNER)),
            }
            bar.set_message(line(view, rate));
            bar.tick();
        } else if elapsed.saturating_sub(self.said) >= LINE_EVERY {
            self.said = elapsed;
            self.console.say(&line(view, rate));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.console.set_bar(None);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are constants, and tested")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1000 before")]
fn thousandths(fraction: f64) -> u64 {
    (fraction.clamp(0.0, 1.0) * BAR_LENGTH as f64) as u64
}

impl ProgressView {
    /// The share of all records that are done with, 0 to 1.
    fn share(&self) -> Option<f64> {
        let (RecordCount::Exactly(total) | RecordCount::About(total)) = self.total?;
        (total > 0).then(|| ((self.already_done + self.done) as f64 / total as f64).min(1.0))
    }

    fn time_left(&self, rate: f64) -> Option<Duration> {
        let (RecordCount::Exactly(total) | RecordCount::About(total)) = self.total?;
        let left = total.saturating_sub(self.already_done + self.done);
        // Nothing done yet is a division by zero; a wild guess helps nobody.
        Duration::try_from_secs_f64(left as f64 / rate).ok().filter(|left| left.as_secs() < 1_000_000)
    }
}

/// What there is to say, in one line: what is nothing is not said.
fn line(view: &ProgressView, rate: f64) -> String {
    let done = count(view.already_done + view.done);
    let some = |number: u64, what: &str| (number > 0).then(|| format!("{} {what}", count(number)));
    let waits: Vec<_> = view.waits.iter().filter_map(|wait| some(wait.records, wait.what)).collect();
    let parts = [
        view.share().map(|share| format!("{:.0} %", (share * 100.0).floor())),
        Some(match view.total {
            Some(RecordCount::Exactly(total)) => format!("{done}/{}", count(total)),
            Some(RecordCount::About(total)) => format!("{done}/~{}", count(total)),
            None => format!("{done} done"),
        }),
        Some(format!("{rate:.1}/s")),
        Some(format!("{}/{} in flight", count(view.in_flight), count(view.limit))),
        some(view.retries, "retried"),
        some(view.failed, "failed"),
        (!waits.is_empty()).then(|| format!("waiting: {}", waits.join(", "))),
        view.cost.filter(|cost| *cost > MicroUsd(0)).map(|cost| cost.to_string()),
        view.time_left(rate).map(|left| format!("ETA {}", span(left))),
    ];
    let mut line = parts.into_iter().flatten().collect::<Vec<_>>().join(SEPARATOR);
    for words in [&view.limit_state, &view.gauges].into_iter().flatten() {
        let room = COLUMNS.saturating_sub(line.chars().count() + SEPARATOR.chars().count());
        let head = words.split(": ").next().unwrap_or(words);
        if let Some(shown) = [words.as_str(), head].into_iter().find(|words| words.chars().count() <= room) {
            line = [line.as_str(), shown].join(SEPARATOR);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::console::tests::Shared;

    fn view(done: u64, in_flight: u64, total: Option<RecordCount>) -> ProgressView {
        ProgressView { done, in_flight, limit: 5, total, ..ProgressView::default() }
    }

    #[test]
    fn tells_what_is_known_and_is_not_nothing() {
        use RecordCount::{About, Exactly};
        let resumed = ProgressView { already_done: 1_000, failed: 3, ..view(1_000, 0, Some(Exactly(4_000))) };
        let waits = vec![Wait { records: 2, what: "rate limit" }, Wait { records: 0, what: "server down" }];
        let waiting = ProgressView { waits, retries: 7, cost: Some(MicroUsd(12_300)), ..view(10, 5, None) };
        for (view, expected) in [
            (view(1_000, 5, Some(About(4_000))), "25 % · 1,000/~4,000 · 50.0/s · 5/5 in flight · ETA 1m 0s"),
            (resumed, "50 % · 2,000/4,000 · 50.0/s · 0/5 in flight · 3 failed · ETA 40s"),
            (view(10, 5, None), "10 done · 50.0/s · 5/5 in flight"),
            (waiting, "10 done · 50.0/s · 5/5 in flight · 7 retried · waiting: 2 rate limit · $0.0123"),
            (view(999, 1, Some(Exactly(1_000))), "99 % · 999/1,000 · 50.0/s · 1/5 in flight · ETA 0.0s"),
        ] {
            assert_eq!(line(&view, 50.0), expected);
        }
        assert_eq!(line(&view(0, 0, Some(About(9))), 0.0), "0 % · 0/~9 · 0.0/s · 0/5 in flight");
    }

    #[test]
    fn a_limits_state_is_cut_short_or_left_out_where_there_is_no_room() {
        let state = Some("settled at 37: +1 slot gained 0.4 %".to_owned());
        let short = ProgressView { limit_state: state, ..view(1_000, 5, None) };
        assert!(line(&short, 50.0).ends_with(" · settled at 37: +1 slot gained 0.4 %"));
        let longer = ProgressView { total: Some(RecordCount::About(1_540_000)), failed: 12, ..short };
        let told = line(&longer, 5.0);
        assert!(told.ends_with(" · settled at 37") && told.chars().count() <= COLUMNS, "{told}");
        let longest = ProgressView { retries: 120, cost: Some(MicroUsd(1_230_000)), ..longer };
        let told = line(&longest, 5.0);
        assert!(told.ends_with(" · ETA 85h 30m") && told.chars().count() <= 100, "{told}");
    }

    #[test]
    fn where_no_bar_can_be_drawn_a_line_comes_every_ten_seconds() {
        let shared = Shared::default();
        let mut progress = Progress::begin(&Console::to(shared.clone(), false));
        for second in 0..=35 {
            progress.update_at(&view(second, 1, None), Duration::from_secs(second));
        }
        let text = shared.text();
        let told = text.lines().filter_map(|line| line.split(' ').next()).collect::<Vec<_>>();
        assert_eq!(told, ["10", "20", "30"]);
    }

    #[test]
    fn a_quiet_console_shows_no_progress() {
        let shared = Shared::default();
        let mut progress = Progress::begin(&Console::to(shared.clone(), true));
        progress.update_at(&view(1, 1, None), LINE_EVERY * 2);
        assert_eq!(shared.text(), "");
    }

    #[test]
    fn the_bars_templates_are_sound() {
        for template in [BAR, SPINNER] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
        assert_eq!([-1.0, 0.5, 2.0, f64::NAN].map(thousandths), [0, 500, 1000, 0]);
    }
}
