//! How long a host takes from nothing to its listing of five providers that have servers: compiled anew, and from the cache.

use super::numbers::{median, time};
use super::table::Figures;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const PROVIDERS: [&str; 5] = ["ollama", "openai", "openrouter", "anthropic", "triton"];
const COLD: usize = 3;
const WARM: usize = 15;
const WARM_MAX: Duration = Duration::from_millis(50);

pub(crate) fn measure(plugins: &Path, figures: &mut Figures) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let five = folder.path().join("plugins");
    std::fs::create_dir(&five)?;
    for id in PROVIDERS {
        let name = format!("{id}.wasm");
        std::fs::copy(plugins.join(&name), five.join(&name)).with_context(|| format!("cannot copy {name}"))?;
    }
    let cold = (0..COLD).map(|round| listing(&five, &folder.path().join(format!("cache-{round}"))));
    let cold = median(cold.collect::<Result<_>>()?);
    let cache = folder.path().join("cache-0");
    let warm = median((0..WARM).map(|_| listing(&five, &cache)).collect::<Result<_>>()?);
    figures.push("`judge-host providers` with five, compiled anew", time(cold));
    let said = format!("under {}", time(WARM_MAX));
    figures.push_bound("the same from the compile cache", time(warm), said, warm < WARM_MAX);
    Ok(())
}

/// One start, from the process's beginning to its end.
fn listing(plugins: &Path, cache: &Path) -> Result<Duration> {
    let mut host = Command::new(env!("CARGO_BIN_EXE_judge-host"));
    host.arg("--providers").arg(plugins).arg("--cache-dir").arg(cache).args(["providers", "--json"]);
    let begun = Instant::now();
    let done = host.output()?;
    let taken = begun.elapsed();
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let listed: Vec<Value> = serde_json::from_slice(&done.stdout).context("the listing")?;
    let loaded = listed.iter().filter(|provider| provider["state"] == "loaded").count();
    ensure!(loaded == PROVIDERS.len(), "all five are loaded, not {loaded}");
    Ok(taken)
}
