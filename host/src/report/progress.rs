use super::Console;
use super::text::{count, span};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// Where no bar can be drawn, a line is written at most this often.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// The bar's length: it shows the share read, in thousandths.
const BAR_LENGTH: u64 = 1000;
/// Redraws of the bar per second, at most.
const DRAWS_PER_SECOND: u8 = 10;

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProgressView {
    /// Records with an outcome in this run.
    pub done: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Records being judged right now.
    pub in_flight: u64,
    /// Share of the input that was read, 0 to 1: by records where their number is known, else by bytes; none for a
    /// stream without end in sight.
    pub fraction_read: Option<f64>,
}

/// The progress of one run on a console: a bar on a terminal, else a line now and then; nothing where it is quiet.
/// Takes its bar away when dropped.
pub struct Progress {
    console: Console,
    begun: Instant,
    said: Duration,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins to show the progress of a run.
    pub fn begin(console: &Console) -> Self {
        let is_drawn = console.is_terminal() && !console.is_quiet();
        let bar = is_drawn.then(|| {
            let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
            ProgressBar::with_draw_target(Some(BAR_LENGTH), target).with_style(style("{bar:30} {msg}"))
        });
        console.set_bar(bar.clone());
        Progress { console: console.clone(), begun: Instant::now(), said: Duration::ZERO, bar }
    }

    /// Shows how far the run is now. May be called as often as one likes.
    pub fn update(&mut self, view: &ProgressView) {
        self.update_at(view, self.begun.elapsed());
    }

    // The clock is passed in, for tests.
    fn update_at(&mut self, view: &ProgressView, elapsed: Duration) {
        if let Some(bar) = &self.bar {
            match view.fraction_read {
                Some(fraction) => bar.set_position(thousandths(fraction)),
                None => bar.set_style(style("{spinner} {msg}")),
            }
            bar.set_message(message(view, elapsed));
            bar.tick();
        } else if elapsed.saturating_sub(self.said) >= LINE_EVERY {
            self.said = elapsed;
            self.console.say(&message(view, elapsed));
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

fn message(view: &ProgressView, elapsed: Duration) -> String {
    let ProgressView { done, failed, in_flight, fraction_read } = *view;
    let rate = done as f64 / elapsed.as_secs_f64().max(f64::EPSILON);
    let share = fraction_read.map(|share| format!("{:.0} % · ", share.clamp(0.0, 1.0) * 100.0)).unwrap_or_default();
    let left = time_left(view, elapsed).map(|left| format!(" · ETA {}", span(left))).unwrap_or_default();
    let (done, in_flight, failed) = (count(done), count(in_flight), count(failed));
    format!("{share}{done} done · {rate:.1}/s · {in_flight} in flight · {failed} failed{left}")
}

// What is read is not yet judged: the records in flight are taken off, so that the end does not seem near too early.
fn time_left(view: &ProgressView, elapsed: Duration) -> Option<Duration> {
    let (done, in_flight) = (view.done as f64, view.in_flight as f64);
    let share = view.fraction_read?.clamp(0.0, 1.0) * done / (done + in_flight);
    let left = elapsed.as_secs_f64() * (1.0 - share) / share;
    // Nothing done yet is a division by zero; a wild guess helps nobody.
    Duration::try_from_secs_f64(left).ok().filter(|left| left.as_secs() < 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::console::tests::Shared;

    fn view(done: u64, in_flight: u64, fraction_read: Option<f64>) -> ProgressView {
        ProgressView { done, failed: 3, in_flight, fraction_read }
    }

    #[test]
    fn tells_rate_and_time_left() {
        for (view, expected) in [
            (view(1000, 0, Some(0.25)), "25 % · 1,000 done · 50.0/s · 0 in flight · 3 failed · ETA 1m 0s"),
            (view(1000, 5, None), "1,000 done · 50.0/s · 5 in flight · 3 failed"),
            (view(0, 5, Some(0.1)), "10 % · 0 done · 0.0/s · 5 in flight · 3 failed"),
            (view(50, 50, Some(1.0)), "100 % · 50 done · 2.5/s · 50 in flight · 3 failed · ETA 20s"),
        ] {
            assert_eq!(message(&view, Duration::from_secs(20)), expected);
        }
        assert!(message(&view(0, 0, Some(0.0)), Duration::ZERO).starts_with("0 % · 0 done · 0.0/s"));
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
        for template in ["{bar:30} {msg}", "{spinner} {msg}"] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
        assert_eq!([-1.0, 0.5, 2.0, f64::NAN].map(thousandths), [0, 500, 1000, 0]);
    }
}
