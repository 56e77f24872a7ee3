//! What others would do: a map under a lock, and the whole file anew for each assignment. Neither is durable when it
//! answers: the map is in memory only, and the file is not synced.

use super::numbers::median;
use super::readers::PAUSE;
use anyhow::{Context, Result};
use judge_host::model::{Cluster, ClusterId};
use serde::Serialize;
use std::collections::HashMap;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::{Duration, Instant};

/// Readers beside the writer.
pub(crate) const READERS: usize = 4;
/// How long a map is read and written; its dearest operation at the largest size fits some times.
const WINDOW: Duration = Duration::from_secs(2);

/// Clusters that can be shared, so that a view of all copies no text.
type Map = RwLock<HashMap<ClusterId, Arc<Cluster>>>;

/// What a map under a lock costs.
pub(crate) struct Locked {
    /// Of a view of all clusters that a job can keep.
    pub(crate) view: Duration,
    /// Of a commit.
    pub(crate) commit: Duration,
    /// The longest that a commit took.
    pub(crate) commit_max: Duration,
}

/// Readers that take a view of all now and then, beside a writer that counts an assignment every so often.
pub(crate) fn map_under_a_lock(clusters: &[Arc<Cluster>]) -> Locked {
    let map: Map =
        RwLock::new(clusters.iter().map(|cluster| (cluster.cluster_id.clone(), Arc::clone(cluster))).collect());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reading: Vec<_> = (0..READERS).map(|_| scope.spawn(|| views(&map, &is_over))).collect();
        let commits = commits(&map, clusters);
        is_over.store(true, Ordering::Relaxed);
        let views = reading.into_iter().flat_map(|reader| reader.join().expect("a reader does not panic"));
        let commit_max = commits.iter().max().copied().unwrap_or_default();
        Locked { view: median(views.collect()), commit: median(commits), commit_max }
    })
}

fn views(map: &Map, is_over: &AtomicBool) -> Vec<Duration> {
    let mut times = Vec::new();
    // Relaxed: a view more or less is no matter.
    while times.is_empty() || !is_over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let view = map.read().expect("no writer panics").clone();
        times.push(begun.elapsed());
        drop(black_box(view));
        thread::sleep(PAUSE);
    }
    times
}

fn commits(map: &Map, clusters: &[Arc<Cluster>]) -> Vec<Duration> {
    let mut rng = fastrand::Rng::with_seed(0);
    let (mut times, window) = (Vec::new(), Instant::now());
    while times.is_empty() || window.elapsed() < WINDOW {
        let id = &clusters[rng.usize(..clusters.len())].cluster_id;
        let begun = Instant::now();
        if let Some(cluster) = map.write().expect("no writer panics").get_mut(id) {
            Arc::make_mut(cluster).count += 1;
        }
        times.push(begun.elapsed());
        thread::sleep(PAUSE);
    }
    times
}

/// What the ancestor's file has of a cluster.
#[derive(Serialize)]
struct Row<'a> {
    cluster_id: &'a str,
    name: &'a str,
    summary: &'a str,
    criteria: &'a str,
    sample_requests: &'a [String],
    created_at: &'a str,
    updated_at: &'a str,
    count: u64,
}

/// Rewrites a JSON file of all clusters so often; the median time of one.
pub(crate) fn rewritten_file(clusters: &[Arc<Cluster>], folder: &Path, times: usize) -> Result<Duration> {
    let path = folder.join("registry.json");
    let rewrite = || {
        let begun = Instant::now();
        let mut file = BufWriter::new(File::create(&path)?);
        serde_json::to_writer(&mut file, &clusters.iter().map(|cluster| row(cluster)).collect::<Vec<_>>())?;
        file.flush()?;
        Ok(begun.elapsed())
    };
    let measured = (0..times).map(|_| rewrite()).collect::<std::io::Result<Vec<_>>>();
    let measured = measured.and_then(|measured| fs::remove_file(&path).map(|()| measured));
    Ok(median(measured.with_context(|| format!("cannot write {}", path.display()))?))
}

fn row(cluster: &Cluster) -> Row<'_> {
    Row {
        cluster_id: &cluster.cluster_id,
        name: &cluster.name,
        summary: &cluster.summary,
        criteria: &cluster.criteria,
        sample_requests: &cluster.sample_requests,
        created_at: &cluster.created_at,
        updated_at: &cluster.updated_at,
        count: cluster.count,
    }
}
