//! Whether records that are judged at once end in the clusters that they make one after the other. Judges the same batch
//! from an empty registry sequentially, then many at once with each kind of births, by an oracle that knows the intent
//! of every record but has four names for it; prints what each run made, and fails where parallel is not sequential.
//! `twins --host PATH --providers DIR [--records 2000] [--parallel 64] [--delay-ms 20]`

mod batch;
mod options;
mod run;

use anyhow::{Context, Result, ensure};
use batch::Batch;
use options::Options;
use run::{Made, run};
use std::fs;
use std::io::Write;
use std::path::Path;

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::read(std::env::args().skip(1))?;
    let folder = std::env::temp_dir().join(format!("judge-twins-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let compared = compare(&options, &folder).await;
    match &compared {
        Ok(()) => fs::remove_dir_all(&folder).context("cannot remove the folder")?,
        Err(_) => tell(&format!("what is left is in {}", folder.display()))?,
    }
    compared
}

async fn compare(options: &Options, folder: &Path) -> Result<()> {
    let batch = Batch::of(options.records)?;
    let intents = batch.oracle.intents();
    tell(&format!(
        "{} records of {intents} intents with up to four names each, answers after {} ms\n",
        options.records,
        options.delay.as_millis(),
    ))?;
    tell("births   in flight  clusters   calls  judged again    wall s  astray")?;
    let mut made = Vec::new();
    let many = options.parallel;
    for (births, parallel) in [("strict", 1), ("strict", many), ("similar", many), ("free", many)] {
        let ran = run(options, &batch, folder, births, parallel).await;
        let ran = ran.with_context(|| format!("births {births}, {parallel} in flight"))?;
        tell(&row(births, parallel, &ran))?;
        ensure!(ran.astray == 0, "{} records are in a cluster of another intent", ran.astray);
        let expected = options.records as u64 + ran.rejudged;
        ensure!(ran.calls == expected, "{} calls, and {expected} for records and those judged again", ran.calls);
        made.push(ran.clusters);
    }
    let [sequential, strict, _, free] = made[..] else { unreachable!("four runs") };
    ensure!(sequential == intents, "sequential: {sequential} clusters of {intents} intents");
    ensure!(strict == sequential, "strict: {strict} clusters in parallel, {sequential} one after the other");
    ensure!(free > sequential, "free: no twins, so this shows nothing of the others");
    tell("\nparallel equals sequential with strict births")
}

fn row(births: &str, parallel: usize, made: &Made) -> String {
    let Made { clusters, calls, rejudged, wall_s, astray } = made;
    format!("{births:<8} {parallel:>9} {clusters:>9} {calls:>7} {rejudged:>13} {wall_s:>9.1} {astray:>7}")
}

fn tell(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").context("cannot tell")
}
