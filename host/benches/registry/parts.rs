//! The parts of the bench: what is measured how often, and the bound on it.

use super::made::Maker;
use super::numbers::{median, percentile, time};
use super::readers::{Bed, Traffic};
use super::table::{Figure, Figures, SIZES};
use super::{choice, file, rivals, start_up};
use anyhow::Result;
use std::time::Duration;

/// Rounds of all sizes in turns: what else the machine does meets them alike. A single one is off by half now and then,
/// mostly by what the disk takes for a sync.
const ROUNDS: usize = 25;
const READERS: [usize; 4] = [1, 2, 4, 8];
const READ_SIZES: [u64; 3] = [100, 10_000, 1_000_000];
/// By how much a cost may grow from the smallest to the largest registry.
const GROWTH_MAX: f64 = 1.5;

/// A busy host: thirty-two groups of the committer's.
const BUSY: Traffic = Traffic { in_flight: 256, assignments: 8192 };
/// Each waits for the disk by itself.
const ALONE: Traffic = Traffic { in_flight: 1, assignments: 200 };
/// Readers beside assignments that come one at a time.
const READERS_BESIDE_ALONE: usize = 4;

/// Times that the whole file is written anew, by size: at the largest each takes seconds.
const REWRITES: [(u64, usize); 3] = [(100, 500), (10_000, 50), (1_000_000, 3)];

const CHOICE_MAX: Duration = Duration::from_millis(1);
const CHOICE_SIZE: u64 = 100_000;
const RECALL_MIN: f64 = 0.95;

const START_UP_CLUSTERS: u64 = 1_000_000;
const START_UP_ASSIGNMENTS: u64 = 10_000_000;
const START_UPS: usize = 3;
const START_UP_MAX: Duration = Duration::from_secs(3);
/// By how much the assignments of a file may raise the memory: what its connections cache.
const MEMORY_GROWTH_MAX: f64 = 1.1;

/// `snapshot()` and commits beside each other, and what others would do.
pub(super) fn readers(maker: &Maker, figures: &mut Figures) -> Result<()> {
    let mut beds = READ_SIZES.iter().map(|size| Bed::of(maker, *size)).collect::<Result<Vec<_>>>()?;
    // Else the first line alone would bear what a process does once: it grows into its memory.
    beds.iter_mut().try_for_each(|bed| bed.measure(READERS[0], BUSY).map(drop))?;
    let mut commits = Vec::new();
    for readers in READERS {
        let (snapshot, commit) = rounds(&mut beds, readers, BUSY)?;
        figures.push(growing(&format!("snapshot(), readers: {readers}"), &snapshot));
        commits.push(growing(&format!("an assignment, {} in flight, readers: {readers}", BUSY.in_flight), &commit));
    }
    let (_, commit) = rounds(&mut beds, READERS_BESIDE_ALONE, ALONE)?;
    commits.push(growing(&format!("an assignment, one at a time, readers: {READERS_BESIDE_ALONE}"), &commit));
    for figure in commits {
        figures.push(figure);
    }
    rivals(&beds, figures)
}

/// What a cost was in each round, by size.
type Rounds = Vec<Vec<Duration>>;

/// What `snapshot()` and an assignment cost.
fn rounds(beds: &mut [Bed], readers: usize, traffic: Traffic) -> Result<(Rounds, Rounds)> {
    let (mut snapshot, mut commit) = (Rounds::new(), Rounds::new());
    for _ in 0..ROUNDS {
        let costs = beds.iter_mut().map(|bed| bed.measure(readers, traffic)).collect::<Result<Vec<_>>>()?;
        snapshot.push(costs.iter().map(|costs| costs.snapshot).collect());
        commit.push(costs.iter().map(|costs| costs.assignment).collect());
    }
    Ok((snapshot, commit))
}

/// A line of times by size, bounded in how they grow within a round.
fn growing(name: &str, rounds: &Rounds) -> Figure {
    let of = |place: usize| median(rounds.iter().map(|round| round[place]).collect());
    let figure = READ_SIZES
        .iter()
        .enumerate()
        .fold(Figure::new(name), |figure, (place, size)| figure.at(*size, time(of(place))));
    let mut growths: Vec<f64> =
        rounds.iter().map(|round| round[round.len() - 1].as_secs_f64() / round[0].as_secs_f64()).collect();
    growths.sort_unstable_by(f64::total_cmp);
    let growth = growths[growths.len() / 2];
    figure.bound(format!("{growth:.2}x, at most {GROWTH_MAX}x"), growth <= GROWTH_MAX)
}

fn rivals(beds: &[Bed], figures: &mut Figures) -> Result<()> {
    let readers = rivals::READERS;
    let mut view = Figure::new(format!("RwLock<HashMap>, in memory only: a view to keep, readers: {readers}"));
    let mut commit = Figure::new(format!("RwLock<HashMap>, in memory only: an assignment, readers: {readers}"));
    let mut wait = Figure::new("RwLock<HashMap>, in memory only: the slowest assignment");
    let mut file = Figure::new("the whole file anew for each assignment, not synced");
    for (bed, (size, times)) in beds.iter().zip(REWRITES) {
        let locked = rivals::map_under_a_lock(bed.clusters());
        view = view.at(size, time(locked.view));
        commit = commit.at(size, time(locked.commit));
        wait = wait.at(size, time(locked.commit_max));
        file = file.at(size, time(rivals::rewritten_file(bed.clusters(), &file::folder()?, times)?));
    }
    for figure in [view, commit, wait, file] {
        figures.push(figure);
    }
    Ok(())
}

/// Choosing candidates, by the number of clusters.
pub(super) fn candidates(maker: &Maker, figures: &mut Figures) -> Result<()> {
    let mut usual = Figure::new(format!("choosing {} candidates, median", choice::CANDIDATES));
    let mut slow = Figure::new(format!("choosing {} candidates, slowest hundredth", choice::CANDIDATES));
    for size in SIZES {
        let times = choice::times(maker, size)?;
        let (half, most) = (median(times.clone()), percentile(times, 99));
        (usual, slow) = (usual.at(size, time(half)), slow.at(size, time(most)));
        if size == CHOICE_SIZE {
            usual = usual.bound(format!("{}, under {} of 100,000", time(half), time(CHOICE_MAX)), half < CHOICE_MAX);
        }
    }
    figures.push(usual);
    figures.push(slow);
    Ok(())
}

/// Whether the right intent is among the candidates.
pub(super) fn recall(_: &Maker, figures: &mut Figures) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (found, records) = runtime.block_on(choice::found())?;
    let recall = found as f64 / records as f64;
    let name = format!("banking77: the right one of 77 intents is among {} candidates", choice::CANDIDATES);
    let said = format!("{:.1} % of {records} records, at least {:.0} %", recall * 100.0, RECALL_MIN * 100.0);
    figures.push(Figure::new(name).bound(said, recall >= RECALL_MIN));
    Ok(())
}

/// Opening a large file, with and without assignments in it.
pub(super) fn start_up(maker: &Maker, figures: &mut Figures) -> Result<()> {
    let size = START_UP_CLUSTERS;
    let bare = start_up::measure(&file::registry(maker, size, 0)?, START_UPS)?;
    let full = start_up::measure(&file::registry(maker, size, START_UP_ASSIGNMENTS)?, START_UPS)?;
    let mib = |start_up: start_up::StartUp| format!("{} MiB", start_up.memory_kib / 1024);
    let said = format!("{}, under {}", time(full.time), time(START_UP_MAX));
    let growth = full.memory_kib as f64 / bare.memory_kib as f64;
    figures.push(Figure::new("start-up without assignments").at(size, time(bare.time)));
    figures.push(
        Figure::new("start-up with 10,000,000 assignments")
            .at(size, time(full.time))
            .bound(said, full.time < START_UP_MAX),
    );
    let chosen = format!("until {} of them are first chosen, with 10,000,000 assignments", choice::CANDIDATES);
    figures.push(Figure::new(chosen).at(size, time(full.chosen)));
    figures.push(Figure::new("memory until then without assignments").at(size, mib(bare)));
    figures.push(
        Figure::new("memory until then with 10,000,000 assignments")
            .at(size, mib(full))
            .bound(format!("{growth:.2}x, at most {MEMORY_GROWTH_MAX}x"), growth <= MEMORY_GROWTH_MAX),
    );
    Ok(())
}
