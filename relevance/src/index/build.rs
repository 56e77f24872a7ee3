//! From texts to a segment: every word is counted where it comes, and sorted once at the end.

use super::segment::{Segment, number};
use super::weight;
use crate::features::{FeatureMap, word};
use crate::fold::stem;
use crate::tokens::each_token;
use std::collections::hash_map::Entry;

/// Documents on the way to a segment.
pub(super) struct Builder<K> {
    /// As they come, and so are the columns below.
    keys: Vec<K>,
    /// In thousandths of a word.
    lengths: Vec<u32>,
    /// The words of each document, by their numbers, one document after the other.
    counted: Vec<u32>,
    /// How often each is in the document, in thousandths.
    frequencies: Vec<u32>,
    /// Where each document's words end.
    ends: Vec<usize>,
    /// Each word, in order of first appearance.
    words: Vec<u64>,
    known: FeatureMap<Known>,
}

/// A word that has come before.
struct Known {
    /// Its place among the words.
    number: u32,
    /// Where it was last counted.
    last: usize,
}

impl<K: Clone + Ord> Builder<K> {
    pub(super) fn new() -> Self {
        Builder {
            keys: Vec::new(),
            lengths: Vec::new(),
            counted: Vec::new(),
            frequencies: Vec::new(),
            ends: Vec::new(),
            words: Vec::new(),
            known: FeatureMap::default(),
        }
    }

    /// Counts the words of a document's fields. Sums that no longer fit stay at the largest number, whatever the order.
    pub(super) fn add<'t>(&mut self, key: K, fields: impl IntoIterator<Item = (&'t str, f32)>) {
        let start = self.counted.len();
        let mut length = 0u32;
        for (text, field_weight) in fields {
            let weight = weight(field_weight);
            if weight > 0 {
                each_token(text, |spelled| {
                    length = length.saturating_add(weight);
                    self.count(word(stem(spelled)), weight, start);
                });
            }
        }
        self.keys.push(key);
        self.lengths.push(length);
        self.ends.push(self.counted.len());
    }

    /// Counts a word in the document whose words begin at `start`.
    fn count(&mut self, word: u64, weight: u32, start: usize) {
        let here = self.counted.len();
        let number = match self.known.entry(word) {
            Entry::Occupied(known) if known.get().last >= start => {
                let frequency = &mut self.frequencies[known.get().last];
                *frequency = frequency.saturating_add(weight);
                return;
            }
            Entry::Occupied(mut known) => {
                known.get_mut().last = here;
                known.get().number
            }
            Entry::Vacant(new) => {
                let number = number(self.words.len());
                self.words.push(word);
                new.insert(Known { number, last: here });
                number
            }
        };
        self.counted.push(number);
        self.frequencies.push(weight);
    }

    /// The segment of all documents; of several with one key, the last.
    pub(super) fn finish(mut self) -> Segment<K> {
        self.sort();
        // Counting sort: how long each word's list is, where it begins, and then posting by posting to its place.
        let mut lengths = vec![0usize; self.words.len()];
        self.counted.iter().for_each(|word| lengths[*word as usize] += 1);
        // A word that only stood in what was replaced has no list.
        let mut sorted: Vec<u32> = (0..number(self.words.len())).filter(|word| lengths[*word as usize] > 0).collect();
        sorted.sort_unstable_by_key(|word| self.words[*word as usize]);
        let mut list_ends = Vec::with_capacity(sorted.len());
        let mut end = 0;
        for word in &sorted {
            // From here on, where the next posting goes.
            let length = std::mem::replace(&mut lengths[*word as usize], end);
            end += length;
            list_ends.push(end);
        }
        let mut next = lengths;
        let (mut documents, mut frequencies) = (vec![0; end], vec![0; end]);
        let mut start = 0;
        for (document, end) in self.ends.iter().enumerate() {
            for (word, frequency) in self.counted[start..*end].iter().zip(&self.frequencies[start..*end]) {
                let at = &mut next[*word as usize];
                (documents[*at], frequencies[*at]) = (number(document), *frequency);
                *at += 1;
            }
            start = *end;
        }
        drop(std::mem::take(&mut self.frequencies));
        let mut places = vec![0; self.words.len()];
        sorted.iter().enumerate().for_each(|(place, word)| places[*word as usize] = number(place));
        self.counted.iter_mut().for_each(|word| *word = places[*word as usize]);
        self.counted.shrink_to_fit();
        Segment {
            keys: self.keys,
            lengths: self.lengths,
            words: sorted.into_iter().map(|word| self.words[word as usize]).collect(),
            list_ends,
            documents,
            frequencies,
            places: self.counted,
            places_ends: self.ends,
            ..Segment::default()
        }
        .with_peaks()
    }

    /// Brings the documents in order of key; of several with one key, only the last is left.
    fn sort(&mut self) {
        if self.keys.is_sorted_by(|one, next| one < next) {
            return;
        }
        let mut order: Vec<usize> = (0..self.keys.len()).collect();
        // Equals stay in the order in which they came.
        order.sort_by(|one, other| self.keys[*one].cmp(&self.keys[*other]));
        let mut sorted = Builder::new();
        for (place, document) in order.iter().enumerate() {
            let key = &self.keys[*document];
            if order.get(place + 1).is_some_and(|next| self.keys[*next] == *key) {
                continue;
            }
            let start = if *document == 0 { 0 } else { self.ends[*document - 1] };
            let range = start..self.ends[*document];
            sorted.keys.push(key.clone());
            sorted.lengths.push(self.lengths[*document]);
            sorted.counted.extend_from_slice(&self.counted[range.clone()]);
            sorted.frequencies.extend_from_slice(&self.frequencies[range]);
            sorted.ends.push(sorted.counted.len());
        }
        sorted.words = std::mem::take(&mut self.words);
        *self = sorted;
    }
}
