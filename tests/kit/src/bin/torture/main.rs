//! Kills a host at random moments, again and again, and starts it with the same command until its batch is judged; then
//! the next batch, until there were enough kills. At the end of each batch nothing may be lost, doubled or paid twice
//! beyond what was in flight. `torture --host PATH --providers DIR [--kills 1000] [--records 400] [--parallel 64]
//! [--seed N] [--durability full|fast]`

mod check;
mod options;

use anyhow::{Context, Result, bail, ensure};
use judge_host_kit::{Answered, Asked, FakeLlm, Script, pick_by_hash};
use options::Options;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The fake server's time for an answer: long enough that calls are in flight whenever the kill comes.
const DELAY: Duration = Duration::from_millis(20);
/// Batches that are left alone at first: one to compile the components, one to see how long a batch takes.
const UNKILLED: u64 = 2;
/// Clusters that a batch gives birth to.
const BORN_A_BATCH: u64 = 4;
/// Runs of one batch that are killed, at most; the next is left to finish.
const KILLS_A_BATCH_MAX: u64 = 40;

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::read(std::env::args().skip(1))?;
    let folder = std::env::temp_dir().join(format!("judge-torture-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let tortured = torture(&options, &folder).await;
    match &tortured {
        Ok(()) => fs::remove_dir_all(&folder).context("cannot remove the folder")?,
        Err(_) => tell(&format!("seed {}; what is left is in {}", options.seed, folder.display()))?,
    }
    tortured
}

async fn torture(options: &Options, folder: &Path) -> Result<()> {
    let begun = Instant::now();
    let mut random = options.random();
    write_input(folder, options.records)?;
    // How long an unkilled batch takes here, its components compiled before, is the latest moment of a kill: so kills fall
    // into every part of a run.
    let mut latest = Duration::ZERO;
    let (mut kills, mut calls, mut batches) = (0, 0, 0u64);
    while batches < UNKILLED || kills < options.kills {
        let judge = Arc::new(move |asked: &Asked| judged(batches, asked));
        let server = FakeLlm::start(Script { delay: DELAY, judge, ..Script::default() }).await;
        let batch_id = format!("batch-{batches}");
        let started = Instant::now();
        let most_kills = if batches < UNKILLED { 0 } else { (options.kills - kills).min(KILLS_A_BATCH_MAX) };
        let mut moment = || latest.mul_f64(random(1000) as f64 / 1000.0);
        let killed = one_batch(options, folder, &server.url(), &batch_id, most_kills, &mut moment).await?;
        if batches < UNKILLED {
            latest = started.elapsed();
        }
        // What each start asks before the first record is not among them.
        let paid: u64 = server.stats().calls_by_record.values().sum();
        server.stop().await;
        let most = options.records as u64 + killed * options.parallel as u64;
        ensure!(paid <= most, "{batch_id}: {paid} calls paid, {most} at most after {killed} kills");
        let checked = check::Checked { folder, batch_id: &batch_id, records: options.records };
        checked.all(options).with_context(|| format!("{batch_id} after {killed} kills"))?;
        kills += killed;
        calls += paid;
        batches += 1;
    }
    let judged = batches * options.records as u64;
    let again = calls - judged;
    tell(&format!(
        "{kills} kills over {batches} batches of {} records, {} in flight: every record has one outcome, output and \
         registry agree row for row, integrity ok; {calls} calls paid for {judged} records ({again} twice, {:.2} a kill); \
         {:.0} s, seed {}",
        options.records,
        options.parallel,
        again as f64 / kills.max(1) as f64,
        begun.elapsed().as_secs_f64(),
        options.seed,
    ))
}

/// Every tenth record is for a new cluster, of which each batch has a few; the others are for one that is there.
fn judged(batch: u64, asked: &Asked) -> Answered {
    let number = asked.record_id.as_deref().and_then(|id| id.strip_prefix('r')?.parse::<u64>().ok());
    match number.filter(|number| number % 10 == 3) {
        None => pick_by_hash(asked),
        Some(number) => Answered::NewCluster {
            name: format!("Born in {batch}, {}", number / 10 % BORN_A_BATCH),
            summary: String::new(),
            criteria: String::new(),
        },
    }
}

/// Runs a batch until it ends by itself; how often it was killed before.
async fn one_batch(
    options: &Options,
    folder: &Path,
    url: &str,
    batch_id: &str,
    most_kills: u64,
    moment: &mut impl FnMut() -> Duration,
) -> Result<u64> {
    let mut kills = 0;
    loop {
        let mut host = tokio::process::Command::from(command(options, folder, url, batch_id));
        let mut running = host.kill_on_drop(true).spawn().context("cannot start the host")?;
        let killed = if kills < most_kills {
            if let Ok(ended) = tokio::time::timeout(moment(), running.wait()).await {
                Some(ended?)
            } else {
                running.kill().await.context("cannot kill the host")?;
                None
            }
        } else {
            Some(running.wait().await?)
        };
        match killed {
            None => kills += 1,
            Some(status) if status.success() => return Ok(kills),
            Some(status) => bail!("{batch_id}: {}", ended(status, folder)),
        }
    }
}

fn ended(status: ExitStatus, folder: &Path) -> String {
    let said = fs::read_to_string(folder.join("stderr")).unwrap_or_default();
    format!("the host ended by itself with {status}: {said}")
}

/// The same command each time.
fn command(options: &Options, folder: &Path, url: &str, batch_id: &str) -> Command {
    let mut host = Command::new(&options.host);
    host.current_dir(folder).env_clear().arg("--providers").arg(&options.providers);
    host.args(["--quiet", "--cache-dir", "cache", "judge", "records.jsonl", "--clusters", "clusters.jsonl"]);
    host.args(["--provider", "openai", "--model", "fake", "--endpoint", url, "--registry", "judge.db"]);
    host.args(["--batch-id", batch_id, "--out", &format!("{batch_id}.jsonl")]);
    // Free, so that a record is asked about once.
    host.args(["--parallel", &options.parallel.to_string(), "--durability", &options.durability, "--births", "free"]);
    host.stdin(Stdio::null()).stdout(Stdio::null());
    let stderr = fs::File::create(folder.join("stderr")).map_or_else(|_| Stdio::null(), Stdio::from);
    host.stderr(stderr);
    host
}

fn write_input(folder: &Path, records: usize) -> Result<()> {
    let record = |n| format!("{{\"request_id\":\"r{n}\",\"text\":\"where is my card number {n}?\"}}\n");
    fs::write(folder.join("records.jsonl"), (0..records).map(record).collect::<String>())?;
    let cluster = |n| format!("{{\"cluster_id\":\"c{n}\",\"name\":\"Subject {n}\"}}\n");
    fs::write(folder.join("clusters.jsonl"), (0..8).map(cluster).collect::<String>())?;
    Ok(())
}

fn tell(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").context("cannot tell")
}
