//! Runs the files of `scenarios/`, each against the best fixed limit there.

use super::scenario::{Ran, Scenario};
use crate::control::limit::Limit;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/job/tests/scenarios")
}

fn load(name: &str) -> Scenario {
    let text = std::fs::read_to_string(folder().join(format!("{name}.toml"))).expect("a scenario");
    toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).expect("the folder of scenarios");
    let mut names: Vec<_> = files
        .map(|file| file.expect("a file").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

impl Scenario {
    /// What a run is measured by: answers a second in the phases that are expected of, or of all records.
    fn rate(&self, ran: &Ran) -> f64 {
        if self.records.is_some() {
            return ran.answers_s.len() as f64 / ran.ended_s;
        }
        let phases = &self.expect.phase;
        let seconds: f64 = phases.iter().map(|phase| phase.to_s - phase.from_s).sum();
        phases.iter().map(|phase| ran.rate(phase.from_s, phase.to_s) * (phase.to_s - phase.from_s)).sum::<f64>() / seconds
    }

    /// The best fixed limit and its rate: on a ladder first, then around the best rung.
    fn best_fixed(&self) -> (usize, f64) {
        if self.records.is_some() {
            let start = self.limit.start;
            return (start, self.rate(&self.run(Limit::fixed(start))));
        }
        let mut rates = BTreeMap::new();
        let mut level = self.limit.min;
        while level < self.limit.max {
            rates.insert(level, self.rate(&self.run(Limit::fixed(level))));
            level = (level * 3 / 2).max(level + 1);
        }
        rates.insert(self.limit.max, self.rate(&self.run(Limit::fixed(self.limit.max))));
        for _ in 0..2 {
            let best = *rates.iter().max_by(|a, b| a.1.total_cmp(b.1)).expect("a rung").0;
            let below = rates.range(..best).next_back().map_or(best, |(level, _)| *level);
            let above = rates.range(best + 1..).next().map_or(best, |(level, _)| *level);
            for level in [usize::midpoint(below, best), usize::midpoint(best, above)] {
                rates.entry(level).or_insert_with(|| self.rate(&self.run(Limit::fixed(level))));
            }
        }
        let best = rates.iter().max_by(|a, b| a.1.total_cmp(b.1)).expect("a rung");
        (*best.0, *best.1)
    }
}

struct Row {
    text: String,
    breaches: Vec<String>,
}

fn check(name: &str) -> Row {
    let scenario = load(name);
    let ran = scenario.run(scenario.adaptive());
    let (best, best_rate) = scenario.best_fixed();
    let share = scenario.rate(&ran) / best_rate;
    let mut breaches = Vec::new();
    let expect = &scenario.expect;
    let mut breach = |holds: bool, what: String| {
        if !holds {
            breaches.push(format!("{name}: {what}"));
        }
    };
    breach(share >= expect.share_min, format!("throughput is {share:.3} of the best fixed limit's"));
    breach(ran.peak <= scenario.limit.max, format!("{} in flight, over the most", ran.peak));
    let settled = ran.settled();
    if let Some(most) = expect.settles_within {
        breach(settled.is_some_and(|(answers, _)| answers <= most), format!("settled after {settled:?} answers"));
    }
    let failed = ran.failed as f64 / (ran.failed as f64 + ran.answers_s.len() as f64);
    breach(failed <= expect.failed_max, format!("{failed:.4} of the records failed"));
    let (mut found, mut away_most) = (Vec::new(), 0.0_f64);
    for phase in &expect.phase {
        let median = ran.median(phase.from_s, phase.to_s);
        let away = ran.away(phase.from_s, phase.to_s);
        breach((phase.limit[0]..=phase.limit[1]).contains(&median), format!("settled at {median} from {} s", phase.from_s));
        breach(away <= phase.away_max, format!("{away:.3} of the time from {} s away from its median", phase.from_s));
        found.push(median.to_string());
        away_most = away_most.max(away);
    }
    let settled = settled.map_or_else(|| "-".into(), |(answers, at_s)| format!("{answers} in {at_s:.0} s"));
    let mut text = String::new();
    write!(text, "{name:<18} {:>9} {best:>6} {best_rate:>8.2}/s {:>7.1} % {:>5.1} % {settled:>17} {failed:>8.4}", found.join(" -> "), share * 100.0, away_most * 100.0).expect("a string");
    Row { text, breaches }
}

#[test]
fn every_scenario_finds_its_limit() {
    let only = std::env::var("SCENARIO").ok();
    let names: Vec<_> = names().into_iter().filter(|name| only.as_ref().is_none_or(|only| only == name)).collect();
    let (left, rows) = (Mutex::new(names), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(name) = left.lock().expect("no panic").pop() else { break };
                    let begun = std::time::Instant::now();
                    let row = check(&name);
                    eprintln!("{} {:.1}s", row.text, begun.elapsed().as_secs_f64());
                    rows.lock().expect("no panic").insert(name, row);
                }
            });
        }
    });
    let rows = rows.into_inner().expect("no panic");
    println!("scenario               limit   best     rate     share   away    settled after   failed");
    for row in rows.values() { println!("{}", row.text); }
    let breaches: Vec<_> = rows.values().flat_map(|row| row.breaches.clone()).collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn sweep() {
    let Ok(seeds) = std::env::var("SEEDS") else { return };
    let seeds: u64 = seeds.parse().expect("n");
    let only = std::env::var("SCENARIO").ok();
    let names: Vec<_> = names().into_iter().filter(|name| only.as_ref().is_none_or(|only| only == name)).collect();
    let left = Mutex::new(names);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(name) = left.lock().expect("no panic").pop() else { break };
                    let mut scenario = load(&name);
                    let (_, best) = scenario.best_fixed();
                    let mut text = format!("{name:<18}");
                    let mut shares = vec![];
                    let mut aways = vec![];
                    let mut settle = vec![];
                    let mut medians = vec![];
                    for seed in 0..seeds {
                        scenario.seed = 1000 + seed * 77;
                        let ran = scenario.run(scenario.adaptive());
                        let best = if scenario.records.is_some() { scenario.best_fixed().1 } else { best };
                        shares.push((scenario.rate(&ran) / best * 1000.0).round() / 10.0);
                        aways.push((scenario.expect.phase.iter().map(|p| ran.away(p.from_s, p.to_s)).fold(0.0, f64::max) * 100.0).round());
                        settle.push(ran.settled().map_or(0, |(n, _)| n));
                        medians.push(scenario.expect.phase.iter().map(|p| ran.median(p.from_s, p.to_s).to_string()).collect::<Vec<_>>().join(">"));
                    }
                    text += &format!("\n   share {shares:?}\n   away {aways:?}\n   settle {settle:?}\n   limit {}", medians.join(" "));
                    println!("{text}");
                }
            });
        }
    });
}

#[test]
fn show() {
    let Ok(name) = std::env::var("SCENARIO") else { return };
    let scenario = load(&name);
    let ran = scenario.run(scenario.adaptive());
    for (at, state) in &ran.states {
        println!("{at:9.1} {} {:?}", state, state.settled);
    }
}
