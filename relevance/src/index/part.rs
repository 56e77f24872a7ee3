//! A segment as one index sees it: some of its documents may have been taken out since.

use super::segment::Segment;
use imbl::{OrdMap, OrdSet};
use std::sync::Arc;

/// A segment and what was taken out of it. Clones share all of it.
#[derive(Clone)]
pub(super) struct Part<K> {
    pub(super) segment: Arc<Segment<K>>,
    /// Documents that were taken out.
    gone: OrdSet<u32>,
    /// How many of them have a word, by its place.
    gone_with: OrdMap<u32, u32>,
}

impl<K: Clone + Ord> Part<K> {
    pub(super) fn new(segment: Segment<K>) -> Self {
        Part { segment: Arc::new(segment), gone: OrdSet::new(), gone_with: OrdMap::new() }
    }

    /// The number of the document with this key, unless it was taken out.
    pub(super) fn find(&self, key: &K) -> Option<u32> {
        self.segment.find(key).filter(|document| self.holds(*document))
    }

    /// Takes a document out that is there; its length.
    pub(super) fn remove(&mut self, document: u32) -> u32 {
        self.gone.insert(document);
        for place in self.segment.places_of(document) {
            *self.gone_with.entry(*place).or_default() += 1;
        }
        self.segment.lengths[document as usize]
    }
}

impl<K> Part<K> {
    /// How many documents are left.
    pub(super) fn len(&self) -> usize {
        self.segment.len() - self.gone.len()
    }

    /// Whether half of the segment is there for nothing.
    pub(super) fn is_sparse(&self) -> bool {
        self.gone.len() * 2 >= self.segment.len()
    }

    /// Whether a document was not taken out.
    pub(super) fn holds(&self, document: u32) -> bool {
        self.gone.is_empty() || !self.gone.contains(&document)
    }

    /// The documents that are left, ascending.
    pub(super) fn documents(&self) -> impl Iterator<Item = u32> {
        (0..).take(self.segment.len()).filter(|document| self.holds(*document))
    }

    /// How many of the documents that are left have the word at this place.
    pub(super) fn containing(&self, place: usize) -> usize {
        let gone = u32::try_from(place).ok().and_then(|place| self.gone_with.get(&place)).copied().unwrap_or(0);
        self.segment.list(place).documents.len() - gone as usize
    }
}
