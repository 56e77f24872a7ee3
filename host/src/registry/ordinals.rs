use crate::model::ClusterId;
use std::collections::HashMap;
use std::sync::Arc;

/// The ordinal of every cluster's id. Cloning shares everything.
#[derive(Clone, Default)]
pub(super) struct Ordinals {
    /// Of the clusters that the file had when it was opened. Ids last, so these can lie flat: in a tree that grows, an id is
    /// some steps away, of which each is far from the cache where there are many.
    read: Arc<HashMap<ClusterId, u64>>,
    /// Of those born since.
    born: imbl::HashMap<ClusterId, u64>,
}

impl Ordinals {
    /// Those that a file has.
    pub(super) fn read(ordinals: HashMap<ClusterId, u64>) -> Ordinals {
        Ordinals { read: Arc::new(ordinals), born: imbl::HashMap::new() }
    }

    pub(super) fn get(&self, cluster_id: &str) -> Option<u64> {
        self.read.get(cluster_id).or_else(|| self.born.get(cluster_id)).copied()
    }

    /// Adds a cluster that is in neither.
    pub(super) fn insert(&mut self, cluster_id: ClusterId, ordinal: u64) {
        self.born.insert(cluster_id, ordinal);
    }
}
