//! What of a question is looked for: its words, the pairs of adjacent words, and the parts of words, each once.

use crate::features::{FeatureMap, each_part, pair, word};
use crate::fold::stem;
use crate::tokens::each_token;

/// Only so many features of a question are looked at, so that a book as a question costs what a page does. A sentence
/// has about 100, a page about 3,000.
const QUERY_FEATURES_MAX: usize = 4096;

/// What a pair of words counts beside a word. Measured on the example data's unused texts.
const PAIR_WEIGHT: f32 = 0.25;

/// What a part of a word counts beside a word: parts find typing errors, compounds and inflected forms.
const PART_WEIGHT: f32 = 0.3;

/// The features of a question.
#[derive(Debug, Default)]
pub(crate) struct Query {
    /// In order of first appearance.
    pub(crate) features: Vec<Feature>,
    /// The words as they are spelled, with their feature's place, in order of it.
    pub(crate) words: Vec<(String, usize)>,
}

/// One feature of a question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Feature {
    Word(u64),
    /// By the places of both words among the features, which are before its own.
    Pair(usize, usize),
    Part(u64),
}

impl Feature {
    /// What it counts beside a word.
    pub(crate) fn weight(self) -> f32 {
        match self {
            Feature::Word(_) => 1.0,
            Feature::Pair(..) => PAIR_WEIGHT,
            Feature::Part(_) => PART_WEIGHT,
        }
    }
}

impl Query {
    pub(crate) fn new(text: &str) -> Self {
        let mut query = Query::default();
        let mut places = FeatureMap::default();
        // A word that the question had no room for is in no pair.
        let mut last = None;
        each_token(text, |spelled| {
            let stem = stem(spelled);
            let this = word(stem);
            let known = query.features.len();
            let place = query.add(this, Feature::Word(this), &mut places);
            if place == Some(known) {
                query.words.push((spelled.to_owned(), known));
            }
            let place = place.map(|place| (this, place));
            if let (Some((last, first)), Some((this, second))) = (last, place) {
                query.add(pair(last, this), Feature::Pair(first, second), &mut places);
            }
            last = place;
            each_part(stem, |part| {
                query.add(part, Feature::Part(part), &mut places);
            });
        });
        query
    }

    /// The place of a feature, new or known; none where the question is full.
    fn add(&mut self, key: u64, feature: Feature, places: &mut FeatureMap<usize>) -> Option<usize> {
        if let Some(place) = places.get(&key) {
            return Some(*place);
        }
        if self.features.len() == QUERY_FEATURES_MAX {
            return None;
        }
        let place = self.features.len();
        self.features.push(feature);
        places.insert(key, place);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_stands_once_and_in_order() {
        let query = Query::new("up a up a");
        let [up, a] = ["up", "a"].map(word);
        let mut expected = vec![Feature::Word(up)];
        each_part("up", |part| expected.push(Feature::Part(part)));
        expected.extend([Feature::Word(a), Feature::Pair(0, expected.len())]);
        each_part("a", |part| expected.push(Feature::Part(part)));
        expected.push(Feature::Pair(3, 0));
        assert_eq!(query.features, expected);
        assert_eq!(query.words, [("up".to_owned(), 0), ("a".to_owned(), 3)]);
    }

    #[test]
    fn a_book_as_a_question_is_bounded() {
        let book: Vec<String> = (0..100_000).map(|number| format!("word{number}")).collect();
        let query = Query::new(&book.join(" "));
        assert_eq!(query.features.len(), QUERY_FEATURES_MAX);
        assert!(query.words.len() < QUERY_FEATURES_MAX);
    }
}
