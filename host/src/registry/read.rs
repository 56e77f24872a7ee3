use super::RegistryError;
use super::snapshot::Snapshot;
use super::store::{Access, Ordered, Reader};
use arc_swap::ArcSwap;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::{mem, panic, thread};

/// Clusters that are handed over at once.
const CHUNK: usize = 1024;
/// Times as many that are read ahead of their placing.
const CHUNKS_AHEAD: usize = 8;

/// A connection to read by, and the registry as it stands.
///
/// One thread reads the rows while another puts what is read into its place: of a million clusters, each takes a good second.
pub(super) fn read(path: &Path, access: Access) -> Result<(Mutex<Reader>, Arc<ArcSwap<Snapshot>>), RegistryError> {
    let reader = Reader::open(path, access)?;
    let (clusters, chunks) = sync_channel(CHUNKS_AHEAD);
    let (snapshot, epoch, reader) = thread::scope(|scope| {
        let reading = scope.spawn(move || (send_all(&reader, &clusters), reader));
        let snapshot = Snapshot::restore(0, chunks.into_iter().flatten());
        let (epoch, reader) = reading.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
        (snapshot, epoch, reader)
    });
    let snapshot = Snapshot { epoch: epoch?, ..snapshot };
    Ok((Mutex::new(reader), Arc::new(ArcSwap::from_pointee(snapshot))))
}

/// Sends all clusters of the file; the last epoch that was committed.
fn send_all(reader: &Reader, clusters: &SyncSender<Vec<Ordered>>) -> Result<u64, RegistryError> {
    let mut chunk = Vec::with_capacity(CHUNK);
    // Nobody receives where the other thread panicked: then no result is wanted either.
    let send = |chunk| drop(clusters.send(chunk));
    let epoch = reader.clusters(|cluster| {
        chunk.push(cluster);
        if chunk.len() == CHUNK {
            send(mem::replace(&mut chunk, Vec::with_capacity(CHUNK)));
        }
    })?;
    send(chunk);
    Ok(epoch)
}
