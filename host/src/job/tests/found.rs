//! Runs the files of `scenarios/`, each against the best fixed limit there. With `--nocapture` a table tells what was
//! found.

use super::ran::Ran;
use super::scenario::{Phase, Scenario};
use crate::control::limit::Limit;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Records that tell the rate of a fixed limit.
const RECORDS: u64 = 3000;

/// The share that the best fixed limit's rate may differ from what the file says.
const BEST_OFF_MAX: f64 = 0.02;

/// Further seeds that each scenario is run with, told in the table: `LIMIT_SEEDS` asks for them.
fn other_seeds() -> u64 {
    std::env::var("LIMIT_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(0)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/job/tests/scenarios")
}

fn load(name: &str) -> Scenario {
    let text = std::fs::read_to_string(folder().join(format!("{name}.toml"))).expect("a scenario");
    toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).expect("the folder of scenarios");
    let paths = files.map(|file| file.expect("a file").path());
    let mut names: Vec<_> =
        paths.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What a scenario came to.
struct Row {
    text: String,
    breaches: Vec<String>,
}

impl Scenario {
    /// Answers a second in a phase; where the records end, until they do.
    fn rate(&self, ran: &Ran, phase: &Phase) -> f64 {
        match self.records {
            Some(_) => ran.answers_s.len() as f64 / ran.ended_s,
            None => ran.rate(phase.from_s, phase.to_s),
        }
    }

    /// The best fixed limit for the server as it is in a phase, and its rate: on a ladder first, then around its best
    /// rung. Where the records end too early to find anything out, the one to beat is that of the start.
    fn best_fixed(&self, phase: &Phase) -> (usize, f64) {
        if self.records.is_some() {
            let ran = self.run(Limit::fixed(self.limit.start));
            return (self.limit.start, self.rate(&ran, phase));
        }
        let server = self.server.as_at(f64::midpoint(phase.from_s, phase.to_s));
        let steady = Scenario { server, records: Some(RECORDS), duration_s: f64::from(u32::MAX), ..self.clone() };
        let rate = |level: usize| steady.run(Limit::fixed(level)).middle_rate();
        let mut rates = BTreeMap::from([(self.limit.max, rate(self.limit.max))]);
        let mut level = self.limit.min;
        while level < self.limit.max {
            rates.insert(level, rate(level));
            level *= 2;
        }
        for _ in 0..2 {
            let (best, _) = best_of(&rates);
            let below = rates.range(..best).next_back().map_or(best, |(level, _)| *level);
            let above = rates.range(best + 1..).next().map_or(best, |(level, _)| *level);
            for level in [usize::midpoint(below, best), usize::midpoint(best, above)] {
                rates.entry(level).or_insert_with(|| rate(level));
            }
        }
        best_of(&rates)
    }

    /// The best fixed limit of a phase, for people; whether it is what the file says only where that is asked for, since
    /// it takes a dozen runs.
    fn best(&self, phase: &Phase, breaches: &mut Vec<String>) -> String {
        if other_seeds() == 0 {
            return format!("{:.2}/s", phase.best);
        }
        let (level, rate) = self.best_fixed(phase);
        if (rate / phase.best - 1.0).abs() > BEST_OFF_MAX {
            breaches.push(format!("the best fixed limit brings {rate:.2}/s, not {:.2}", phase.best));
        }
        format!("{level} ({rate:.2}/s)")
    }

    /// What is lost against the best fixed limit of each phase, as a share of it, in the phase where it is most.
    fn share(&self, ran: &Ran) -> f64 {
        let shares = self.expect.phase.iter().map(|phase| self.rate(ran, phase) / phase.best);
        shares.fold(f64::INFINITY, f64::min)
    }
}

fn best_of(rates: &BTreeMap<usize, f64>) -> (usize, f64) {
    let best = rates.iter().max_by(|a, b| a.1.total_cmp(b.1)).expect("a rung");
    (*best.0, *best.1)
}

fn check(name: &str) -> Row {
    let scenario = load(name);
    let phases = &scenario.expect.phase;
    let ran = scenario.run(scenario.adaptive());
    let share = scenario.share(&ran);
    let mut breaches = breaches(&scenario, &ran, share);
    let mut worst = share;
    for number in 1..=other_seeds() {
        let other = Scenario { seed: scenario.seed + number * 1000, ..scenario.clone() };
        let ran = other.run(other.adaptive());
        worst = worst.min(other.share(&ran));
        breaches.extend((ran.peak > other.limit.max).then(|| format!("{} in flight, over the most", ran.peak)));
    }
    if worst < scenario.expect.share_min && worst < share {
        breaches.push(format!("throughput is {worst:.3} of the best fixed limit's with another seed"));
    }
    let found = phases.iter().map(|phase| ran.median(phase.from_s, phase.to_s).to_string()).collect::<Vec<_>>();
    let best = phases.iter().map(|phase| scenario.best(phase, &mut breaches)).collect::<Vec<_>>();
    let away = phases.iter().map(|phase| ran.away(phase.from_s, phase.to_s)).fold(0.0, f64::max);
    let settled = ran.settled().map_or_else(|| "-".into(), |(answers, at_s)| format!("{answers} in {at_s:.0} s"));
    let (found, best, share, worst, away) =
        (found.join(" > "), best.join(" > "), share * 100.0, worst * 100.0, away * 100.0);
    let text = format!("{name:<18} {found:>8} {best:>26} {share:>7.1} {worst:>7.1} {away:>6.1} {settled:>16}");
    Row { text, breaches: breaches.into_iter().map(|breach| format!("{name}: {breach}")).collect() }
}

/// What a run breaks of what its scenario's file expects.
fn breaches(scenario: &Scenario, ran: &Ran, share: f64) -> Vec<String> {
    let expect = &scenario.expect;
    let mut breaches = Vec::new();
    if share < expect.share_min {
        breaches.push(format!("throughput is {share:.3} of the best fixed limit's"));
    }
    if ran.peak > scenario.limit.max {
        breaches.push(format!("{} in flight, over the most", ran.peak));
    }
    if let Some(most) = expect.settles_within
        && ran.settled().is_none_or(|(answers, _)| answers > most)
    {
        breaches.push(format!("settled after {:?} answers", ran.settled().map(|(answers, _)| answers)));
    }
    let failed = ran.failed as f64 / (ran.failed as f64 + ran.answers_s.len() as f64);
    if failed > expect.failed_max {
        breaches.push(format!("{failed:.4} of the records failed"));
    }
    for phase in &expect.phase {
        let (median, away) = (ran.median(phase.from_s, phase.to_s), ran.away(phase.from_s, phase.to_s));
        if !(phase.limit[0]..=phase.limit[1]).contains(&median) {
            breaches.push(format!("settled at {median} from {} s", phase.from_s));
        }
        if away > phase.away_max {
            breaches.push(format!("{away:.3} of the time from {} s away from its median", phase.from_s));
        }
    }
    breaches
}

#[test]
fn every_scenario_finds_its_limit() {
    let (left, rows) = (Mutex::new(names()), Mutex::new(BTreeMap::new()));
    assert!(left.lock().expect("no panic").len() >= 15, "the scenarios are found");
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(name) = left.lock().expect("no panic").pop() else { break };
                    let row = check(&name);
                    rows.lock().expect("no panic").insert(name, row);
                }
            });
        }
    });
    let rows = rows.into_inner().expect("no panic");
    let mut table =
        "scenario              limit                 best fixed   share   worst   away    settled after\n".to_owned();
    for row in rows.values() {
        table.push_str(&row.text);
        table.push('\n');
    }
    show(&table);
    let breaches: Vec<_> = rows.values().flat_map(|row| row.breaches.clone()).collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[expect(clippy::print_stdout, reason = "the table is for whoever asks by `--nocapture`")]
fn show(table: &str) {
    println!("{table}");
}

#[test]
fn a_scenario_runs_the_same_twice() {
    let scenario = Scenario { duration_s: 60.0, ..load("noisy_neighbour") };
    let (once, again) = (scenario.run(scenario.adaptive()), scenario.run(scenario.adaptive()));
    assert_eq!(once.answers_s, again.answers_s);
    assert_eq!(once.states, again.states);
}
