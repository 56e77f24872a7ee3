use crate::features::word;
use crate::fold::stem;
use crate::score::{earned, idf};
use crate::tokens::each_token;
use imbl::{OrdMap, OrdSet};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Weights are kept in thousandths, as whole numbers: their sums do not depend on the order of adding.
const WEIGHT_UNIT: f32 = 1000.0;

/// BM25 over fielded documents, each under a key. Clones are O(1) and share what they have in common; a change copies
/// only the paths that it touches, so that readers of an older clone are not disturbed.
///
/// Ranks depend on what is in the index alone, not on the order in which it came and went.
#[derive(Clone)]
pub struct Index<K> {
    /// Where each document is.
    places: OrdMap<K, u32>,
    /// The documents; a removed one leaves its place to the next that comes, so that places stay dense.
    documents: OrdMap<u32, Document<K>>,
    free: OrdSet<u32>,
    /// For each word, the documents that have it.
    postings: OrdMap<u64, OrdMap<u32, Posting>>,
    /// All lengths together, in thousandths of a word.
    length_sum: u64,
}

#[derive(Clone)]
struct Document<K> {
    key: K,
    length: u64,
    /// Word and weighted frequency in thousandths, in order of word.
    words: Arc<[(u64, u64)]>,
}

#[derive(Clone, Copy)]
struct Posting {
    frequency: u64,
    /// The document's, repeated here so that ranking need not look it up.
    length: u64,
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Index {
            places: OrdMap::default(),
            documents: OrdMap::default(),
            free: OrdSet::default(),
            postings: OrdMap::default(),
            length_sum: 0,
        }
    }
}

impl<K: Clone + Ord> Index<K> {
    /// Documents in the index, those without a word included.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no document.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Adds a document of texts and their weights, or replaces the key's old one. A weight multiplies the counts of
    /// its text; it is rounded to thousandths, and one that is not above 0 leaves the text out.
    ///
    /// Takes time in proportion to the document's words, and none to speak of where nothing has changed.
    pub fn insert(&mut self, key: K, fields: &[(&str, f32)]) {
        let (words, length) = counted(fields);
        if let Some(place) = self.places.get(&key) {
            if self.documents.get(place).is_some_and(|old| *old.words == *words) {
                return;
            }
            self.remove(&key);
        }
        let place = match self.free.get_min().copied() {
            Some(place) => {
                self.free.remove(&place);
                place
            }
            None => u32::try_from(self.documents.len()).expect("four thousand million documents do not fit in memory"),
        };
        for (word, frequency) in &*words {
            let posting = Posting { frequency: *frequency, length };
            self.postings.entry(*word).or_default().insert(place, posting);
        }
        self.length_sum += length;
        self.places.insert(key.clone(), place);
        self.documents.insert(place, Document { key, length, words });
    }

    /// Takes a document out; nothing happens where there is none under this key.
    pub fn remove(&mut self, key: &K) {
        let Some(place) = self.places.remove(key) else { return };
        let Some(document) = self.documents.remove(&place) else { return };
        for (word, _) in &*document.words {
            if let Some(posting) = self.postings.get_mut(word) {
                posting.remove(&place);
                if posting.is_empty() {
                    self.postings.remove(word);
                }
            }
        }
        self.length_sum -= document.length;
        self.free.insert(place);
    }

    /// The documents that share a word with the query, best first, ties in order of key; at most `max`, with scores
    /// above 0 that mean nothing across queries.
    ///
    /// Takes time in proportion to the postings of the query's words.
    pub fn rank(&self, query: &str, max: usize) -> Vec<(K, f32)> {
        // Free places are below the highest in use, so this covers every one.
        let mut scores = vec![0.0f32; self.documents.len() + self.free.len()];
        let length_mean = self.length_sum as f32 / WEIGHT_UNIT / self.len().max(1) as f32;
        for (word, _) in &*counted(&[(query, 1.0)]).0 {
            let Some(posting) = self.postings.get(word) else { continue };
            let tells = idf(self.len(), posting.len());
            for (place, at) in posting {
                let [frequency, length] = [at.frequency, at.length].map(|weight| weight as f32 / WEIGHT_UNIT);
                scores[*place as usize] += tells * earned(frequency, length, length_mean);
            }
        }
        let found = self.documents.iter().map(|(place, document)| (&document.key, scores[*place as usize]));
        best(found.filter(|(_, score)| *score > 0.0).collect(), max)
    }
}

/// Words of the fields with their weighted frequencies, in order of word, and the length of all.
fn counted(fields: &[(&str, f32)]) -> (Arc<[(u64, u64)]>, u64) {
    let mut frequencies = BTreeMap::<u64, u64>::new();
    let mut length = 0;
    for (text, weight) in fields {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast saturates, and so it should"
        )]
        let weight = u64::from((weight * WEIGHT_UNIT).round() as u32);
        if weight > 0 {
            each_token(text, |spelled| {
                *frequencies.entry(word(stem(spelled))).or_default() += weight;
                length += weight;
            });
        }
    }
    (frequencies.into_iter().collect(), length)
}

/// The first `max` by score and then key, without sorting the rest.
fn best<K: Clone + Ord>(mut found: Vec<(&K, f32)>, max: usize) -> Vec<(K, f32)> {
    let order = |a: &(&K, f32), b: &(&K, f32)| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0));
    if max == 0 {
        return Vec::new();
    }
    if found.len() > max {
        found.select_nth_unstable_by(max - 1, order);
        found.truncate(max);
    }
    found.sort_unstable_by(order);
    found.into_iter().map(|(key, score)| (key.clone(), score)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(documents: &[(&'static str, &str)]) -> Index<&'static str> {
        let mut index = Index::default();
        for (key, text) in documents {
            index.insert(*key, &[(text, 1.0)]);
        }
        index
    }

    fn keys(index: &Index<&'static str>, query: &str, max: usize) -> Vec<&'static str> {
        index.rank(query, max).into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn rare_words_beat_common_ones() {
        let index = index(&[("pin", "change card pin"), ("limit", "card limit"), ("lost", "card lost")]);
        assert_eq!(keys(&index, "my card pin", 9), ["pin", "limit", "lost"], "ties go by key");
        assert_eq!(keys(&index, "my card pin", 1), ["pin"]);
        assert_eq!(keys(&index, "my card pin", 0), [""; 0]);
        assert_eq!(keys(&index, "weather", 9), [""; 0]);
        assert!(index.rank("my card pin", 9).iter().all(|(_, score)| *score > 0.0));
    }

    #[test]
    fn a_heavier_field_counts_more() {
        let mut index = Index::default();
        index.insert(1, &[("refund", 1.0), ("transfer", 3.0)]);
        index.insert(2, &[("refund", 3.0), ("transfer", 1.0)]);
        assert_eq!(index.rank("refund", 9)[0].0, 2);
        index.insert(3, &[("refund", 0.0), ("refund", -1.0), ("refund", f32::NAN)]);
        assert_eq!(index.rank("refund", 9).len(), 2, "a text of no weight is left out");
        assert_eq!(index.len(), 3);
    }

    #[test]
    fn a_word_that_comes_back_tells_more_than_that_it_is_there() {
        let index = index(&[
            ("both", "my lost card please help"),
            ("often", "card card card card card"),
            ("one", "I lost my pin there"),
        ]);
        assert_eq!(keys(&index, "lost card", 9), ["often", "both", "one"]);
    }

    #[test]
    fn an_old_clone_does_not_see_changes() {
        let before = index(&[("a", "card"), ("b", "pin")]);
        let mut after = before.clone();
        after.remove(&"a");
        after.insert("c", &[("card", 1.0)]);
        assert_eq!(keys(&before, "card", 9), ["a"]);
        assert_eq!(keys(&after, "card", 9), ["c"]);
    }

    #[test]
    fn removing_everything_leaves_nothing() {
        let mut index = index(&[("a", "card pin"), ("b", "pin")]);
        index.remove(&"a");
        index.remove(&"b");
        index.remove(&"never there");
        assert!(index.is_empty() && index.postings.is_empty() && index.documents.is_empty());
        assert_eq!(index.length_sum, 0);
        assert_eq!(keys(&index, "pin", 9), [""; 0]);
    }

    /// Numbers that look random and are the same in every run.
    fn chances() -> impl FnMut(usize) -> usize {
        let mut state = 7u64;
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).expect("31 bits fit") % below
        }
    }

    #[test]
    fn ranks_do_not_depend_on_how_the_index_came_to_be() {
        const WORDS: [&str; 12] =
            ["card", "pin", "top", "up", "fee", "cash", "rate", "refund", "卡片", "перевод", "limit", "atm"];
        let mut chance = chances();
        let mut text = || (0..=chance(6)).map(|_| WORDS[chance(12)]).collect::<Vec<_>>().join(" ");
        for _ in 0..50 {
            let documents: Vec<(u64, String, String)> = (0..30).map(|key| (key, text(), text())).collect();
            let fields = |(_, name, text): &(u64, String, String)| [(name.clone(), 2.3), (text.clone(), 0.7)];
            let insert = |index: &mut Index<u64>, document: &(u64, String, String)| {
                let fields = fields(document);
                index.insert(document.0, &[(fields[0].0.as_str(), fields[0].1), (&fields[1].0, fields[1].1)]);
            };
            let mut straight = Index::default();
            for document in &documents {
                insert(&mut straight, document);
            }
            let mut detour = Index::default();
            for document in documents.iter().rev() {
                detour.insert(document.0, &[("something else", 1.0)]);
                detour.insert(document.0 + 1000, &[("card pin", 1.0)]);
            }
            (1000..1030).step_by(2).for_each(|key| detour.remove(&key));
            for document in documents.iter().rev() {
                insert(&mut detour, document);
            }
            (1000..1030).for_each(|key| detour.remove(&key));
            for _ in 0..10 {
                let query = text();
                assert_eq!(straight.rank(&query, 7), detour.rank(&query, 7), "{query}");
            }
        }
    }
}
