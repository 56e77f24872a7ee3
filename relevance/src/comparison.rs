use crate::features::{each_part, mixed, pair, word};
use crate::fold::stem;
use crate::score::{earned, idf};
use crate::tokens::each_token;

/// Only so many features of a question are looked at, so that a book as a question costs what a page does. A sentence
/// has about 100, a page about 3,000.
const QUERY_FEATURES_MAX: usize = 4096;

/// What a pair of words counts beside a word. Measured on the example data's unused texts.
const PAIR_WEIGHT: f32 = 0.25;

/// What a part of a word counts beside a word: parts find typing errors, compounds and inflected forms.
const PART_WEIGHT: f32 = 0.3;

/// One question compared with documents that are seen once: BM25 over words, pairs of words and parts of words, where
/// the documents themselves say which words are rare. Nothing of the documents is kept but counts.
///
/// ```
/// let clusters = [[("Card arrival", 2.0), ("where is my card", 1.0)], [("Exchange rate", 2.0), ("your rates", 1.0)]];
/// let comparison = relevance::Comparison::new("card not arived", clusters);
/// assert!(comparison.scores()[0] > comparison.scores()[1]);
/// assert_eq!(comparison.words(0, 5), ["card"]);
/// ```
#[derive(Clone, Debug)]
pub struct Comparison {
    query: Query,
    /// How often each document has each feature, weighted; one row a document.
    frequencies: Vec<f32>,
    /// What each feature tells, by its rarity and kind.
    tells: Vec<f32>,
    scores: Vec<f32>,
}

impl Comparison {
    /// Compares a question with documents of weighted fields. A weight multiplies the counts of its field: the words of
    /// a name of weight 2 count as if they stood in the document twice.
    pub fn new<'a, D, F>(query: &str, documents: D) -> Self
    where
        D: IntoIterator<Item = F>,
        F: IntoIterator<Item = (&'a str, f32)>,
    {
        let query = Query::new(query);
        let width = query.features.len();
        let mut frequencies = Vec::new();
        let mut lengths = Vec::new();
        for fields in documents {
            let row = frequencies.len();
            frequencies.resize(row + width, 0.0);
            lengths.push(
                fields.into_iter().map(|(text, weight)| query.count(text, weight, &mut frequencies[row..])).sum(),
            );
        }
        let tells = query.tells(&frequencies, lengths.len());
        let mut comparison = Comparison { query, frequencies, tells, scores: Vec::new() };
        comparison.scores = comparison.score(&lengths);
        comparison
    }

    /// How well each document fits, in their order: the share that it earns of all that the question's words could
    /// tell, 0 (nothing in common) to 1 (never reached).
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// The question's words that a document has, lower-case, the most telling first; at most `max`.
    pub fn words(&self, document: usize, max: usize) -> Vec<&str> {
        let frequencies = self.row(document);
        let mut shared: Vec<_> = self.query.words.iter().filter(|(_, feature)| frequencies[*feature] > 0.0).collect();
        shared.sort_by(|(_, a), (_, b)| self.tells[*b].total_cmp(&self.tells[*a]));
        shared.iter().take(max).map(|(word, _)| word.as_str()).collect()
    }

    fn row(&self, document: usize) -> &[f32] {
        let width = self.query.features.len();
        &self.frequencies[document * width..][..width]
    }

    fn score(&self, lengths: &[f32]) -> Vec<f32> {
        let possible: f32 = self.tells.iter().sum();
        let mean = lengths.iter().sum::<f32>() / lengths.len().max(1) as f32;
        let share = |(document, length): (usize, &f32)| {
            let frequencies = self.row(document).iter().zip(&self.tells).filter(|(frequency, _)| **frequency > 0.0);
            let told: f32 = frequencies.map(|(frequency, tells)| tells * earned(*frequency, *length, mean)).sum();
            if possible > 0.0 { told / possible } else { 0.0 }
        };
        lengths.iter().enumerate().map(share).collect()
    }
}

/// The features of the question, each with its place, in a table that is quick to say no: of a document's features
/// few are the question's.
#[derive(Clone, Debug)]
struct Query {
    /// In order of first appearance.
    features: Vec<u64>,
    weights: Vec<f32>,
    /// The question's words as they are spelled, with their feature's place; each feature once.
    words: Vec<(String, usize)>,
    /// Open addressing; a power of two long, at most a quarter full. `EMPTY` marks a free slot.
    slots: Vec<(u64, usize)>,
}

/// The place that no feature has.
const EMPTY: usize = usize::MAX;

impl Query {
    fn new(text: &str) -> Self {
        let mut query = Query { features: Vec::new(), weights: Vec::new(), words: Vec::new(), slots: Vec::new() };
        query.slots = vec![(0, EMPTY); 256];
        let mut last = None;
        each_token(text, |spelled| {
            let stem = stem(spelled);
            let this = word(stem);
            let known = query.features.len();
            let place = query.add(this, 1.0);
            if place == Some(known) {
                query.words.push((spelled.to_owned(), known));
            }
            if let Some(last) = last.replace(this) {
                query.add(pair(last, this), PAIR_WEIGHT);
            }
            each_part(stem, |part| {
                query.add(part, PART_WEIGHT);
            });
        });
        query
    }

    /// The place of a feature, new or known; none where the question is full.
    fn add(&mut self, feature: u64, weight: f32) -> Option<usize> {
        if let Some(place) = self.place(feature) {
            return Some(place);
        }
        if self.features.len() == QUERY_FEATURES_MAX {
            return None;
        }
        let place = self.features.len();
        self.features.push(feature);
        self.weights.push(weight);
        if self.features.len() * 4 > self.slots.len() {
            self.slots = vec![(0, EMPTY); self.slots.len() * 4];
            (0..place).for_each(|known| self.put(known));
        }
        self.put(place);
        Some(place)
    }

    fn put(&mut self, place: usize) {
        let feature = self.features[place];
        let slot = self.probe(feature);
        self.slots[slot] = (feature, place);
    }

    fn place(&self, feature: u64) -> Option<usize> {
        let (_, place) = self.slots[self.probe(feature)];
        (place != EMPTY).then_some(place)
    }

    /// The feature's slot, or the free one where it belongs.
    fn probe(&self, feature: u64) -> usize {
        let mask = self.slots.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "the mask keeps the low bits anyway")]
        let mut slot = mixed(feature) as usize & mask;
        loop {
            let (held, place) = self.slots[slot];
            if place == EMPTY || held == feature {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Adds a field's counts to its document's row; returns the field's weighted length in words.
    fn count(&self, text: &str, weight: f32, row: &mut [f32]) -> f32 {
        let mut words = 0u32;
        let mut last = None;
        each_token(text, |spelled| {
            words += 1;
            let stem = stem(spelled);
            let this = word(stem);
            let place = self.place(this);
            if let Some(place) = place {
                row[place] += weight;
                // A pair is the question's only where both of its words are.
                if let Some(last) = last
                    && let Some(pair) = self.place(pair(last, this))
                {
                    row[pair] += weight;
                }
            }
            last = place.map(|_| this);
            each_part(stem, |part| {
                if let Some(place) = self.place(part) {
                    row[place] += weight;
                }
            });
        });
        weight * words as f32
    }

    fn tells(&self, frequencies: &[f32], documents: usize) -> Vec<f32> {
        let mut containing = vec![0usize; self.features.len()];
        for row in frequencies.chunks_exact(self.features.len().max(1)) {
            row.iter().zip(&mut containing).for_each(|(frequency, count)| *count += usize::from(*frequency > 0.0));
        }
        self.weights.iter().zip(containing).map(|(weight, count)| weight * idf(documents, count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTERS: [&str; 4] = [
        "card arrival: my card has not arrived yet",
        "exchange rate: what exchange rates do you have",
        "перевод не дошёл получателю",
        "银行卡丢失",
    ];

    fn best(query: &str) -> Option<usize> {
        let comparison = Comparison::new(query, CLUSTERS.map(|text| [(text, 1.0)]));
        let scores = comparison.scores();
        assert!(scores.iter().all(|score| (0.0..1.0).contains(score)), "{scores:?}");
        (0..scores.len()).filter(|i| scores[*i] > 0.0).max_by(|a, b| scores[*a].total_cmp(&scores[*b]))
    }

    #[test]
    fn finds_words_forms_and_misspellings_in_any_script() {
        for (query, expected) in [
            ("when will cards arrive", Some(0)),
            ("exchnage raets", Some(1)),
            ("Где мои переводы?", Some(2)),
            ("我的卡丢失了", Some(3)),
            ("", None),
            ("?!", None),
            ("0123456789", None),
        ] {
            assert_eq!(best(query), expected, "{query}");
        }
    }

    #[test]
    fn words_come_most_telling_first_and_as_the_question_spells_them() {
        let documents = ["my card was swallowed", "my card", "my pin"].map(|text| [(text, 1.0)]);
        let comparison = Comparison::new("My CARDS were Swallowed, my card!", documents);
        assert_eq!(comparison.words(0, 9), ["swallowed", "cards", "my"]);
        assert_eq!(comparison.words(0, 1), ["swallowed"]);
        assert_eq!(comparison.words(2, 9), ["my"]);
    }

    #[test]
    fn weights_count_as_repetition() {
        let heavy = Comparison::new("card", [[("card", 2.0)], [("card", 1.0)]]);
        assert!(heavy.scores()[0] > heavy.scores()[1]);
        let twice = Comparison::new("card", [[("card card", 1.0)], [("card", 1.0)]]);
        assert_eq!(heavy.scores(), twice.scores());
    }

    #[test]
    fn a_book_as_a_question_is_bounded() {
        let book: Vec<String> = (0..100_000).map(|number| format!("word{number}")).collect();
        let comparison = Comparison::new(&book.join(" "), [[("word1 word99999", 1.0)]]);
        assert_eq!(comparison.query.features.len(), QUERY_FEATURES_MAX);
        assert_eq!(comparison.words(0, 9), ["word1"], "what lies beyond the bound is not looked at");
    }

    #[test]
    fn no_documents_give_no_scores() {
        assert!(Comparison::new("card", std::iter::empty::<[(&str, f32); 1]>()).scores().is_empty());
    }

    #[test]
    fn parts_never_show_as_words() {
        let comparison = Comparison::new("card", [[("car", 1.0)]]);
        assert!(comparison.scores()[0] > 0.0);
        assert!(comparison.words(0, 9).is_empty());
    }
}
