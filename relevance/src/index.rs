//! Many documents that come, change and go, and the best of them for a question.

mod best;
mod block;
mod build;
mod merge;
mod part;
mod rank;
mod segment;
#[cfg(test)]
mod tests;

use build::Builder;
use merge::merged;
use part::Part;
use segment::Segment;

/// Weights are kept in thousandths, as whole numbers: their sums do not depend on the order of adding.
const WEIGHT_UNIT: f32 = 1000.0;

/// BM25 over fielded documents, each under a key.
///
/// The documents lie in a few parts that never change, each at least twice as large as the next: clones share them, and
/// a change makes a new small part, or one of several. So a clone is O(log n), a reader of an older clone is not disturbed,
/// and a document is copied O(log n) times in its life. Its texts are not kept.
///
/// Ranks depend on what is in the index alone, not on the order in which it came and went.
#[derive(Clone)]
pub struct Index<K> {
    parts: Vec<Part<K>>,
    /// How many there are in all parts.
    documents: usize,
    /// All their lengths together, in thousandths of a word.
    length_sum: u64,
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Index { parts: Vec::new(), documents: 0, length_sum: 0 }
    }
}

impl<K> Index<K> {
    /// Documents in the index, those without a word included.
    pub fn len(&self) -> usize {
        self.documents
    }

    /// Whether there is no document.
    pub fn is_empty(&self) -> bool {
        self.documents == 0
    }
}

impl<K: Clone + Ord> Index<K> {
    /// Adds a document of texts and their weights, or replaces the key's old one. A weight multiplies the counts of
    /// its text; it is rounded to thousandths, and one that is not above 0 leaves the text out.
    ///
    /// Many documents are better given to [`extend`](Index::extend), which makes one part of them at once.
    pub fn insert(&mut self, key: K, fields: &[(&str, f32)]) {
        self.extend([(key, fields.iter().copied())]);
    }

    /// Adds documents of texts and their weights, or replaces the old ones of their keys, as [`insert`](Index::insert)
    /// does it; of several with one key, the last counts. Takes the least time and memory where keys ascend.
    ///
    /// ```
    /// let mut index = relevance::Index::default();
    /// index.extend((0..).zip(["card arrival", "exchange rate"]).map(|(key, text)| (key, [(text, 1.0)])));
    /// assert_eq!(index.rank("when do cards arrive?", 10)[0].0, 0);
    /// ```
    pub fn extend<'t, F: IntoIterator<Item = (&'t str, f32)>>(&mut self, documents: impl IntoIterator<Item = (K, F)>) {
        let mut builder = Builder::new();
        for (key, fields) in documents {
            builder.add(key, fields);
        }
        let segment = builder.finish();
        for key in &segment.keys {
            self.take_out(key);
        }
        self.documents += segment.len();
        self.length_sum += segment.lengths.iter().copied().map(u64::from).sum::<u64>();
        self.parts.push(Part::new(segment));
        self.tidy();
    }

    /// Takes a document out; nothing happens where there is none under this key.
    pub fn remove(&mut self, key: &K) {
        self.take_out(key);
        self.tidy();
    }

    /// The documents that share a word with the query, best first, ties in order of key; at most `max`, with scores
    /// above 0 that mean nothing across queries.
    ///
    /// Takes time in proportion to the postings of the query's rarer words: those that tell the most, up to where the rest
    /// can bring no further document among the best.
    pub fn rank(&self, query: &str, max: usize) -> Vec<(K, f32)> {
        rank::rank(self, query, max)
    }

    fn take_out(&mut self, key: &K) {
        // The latest first: what changes has often changed before.
        for part in self.parts.iter_mut().rev() {
            if let Some(document) = part.find(key) {
                self.length_sum -= u64::from(part.remove(document));
                self.documents -= 1;
                return;
            }
        }
    }

    /// Rewrites parts of which too much was taken out, and makes one of neighbours that are too much alike in size.
    fn tidy(&mut self) {
        for part in self.parts.iter_mut().filter(|part| part.is_sparse()) {
            *part = Part::new(merged(part, &Part::new(Segment::default())));
        }
        self.parts.retain(|part| part.len() > 0);
        let alike = |parts: &[Part<K>]| parts.windows(2).rposition(|pair| pair[0].len() < 2 * pair[1].len());
        while let Some(place) = alike(&self.parts) {
            let later = self.parts.remove(place + 1);
            self.parts[place] = Part::new(merged(&self.parts[place], &later));
        }
    }
}

/// A field's weight in thousandths; 0 for one that is not above 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates, and so it should")]
fn weight(weight: f32) -> u32 {
    (weight * WEIGHT_UNIT).round() as u32
}
