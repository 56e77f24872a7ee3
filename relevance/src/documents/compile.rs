//! Counts what is in documents, and writes the counts down.

use super::column::Column;
use super::table::{Posting, Table};
use super::{MARK, pair_key};
use crate::features::{FeatureMap, each_part, word};
use crate::fold::stem;
use crate::tokens::each_token;
use std::collections::BTreeSet;

/// Compiles documents of weighted fields.
pub(super) fn compile<'t, D, F>(documents: D) -> Vec<u8>
where
    D: IntoIterator<Item = F>,
    F: IntoIterator<Item = (&'t str, f32)>,
{
    let mut counts = Counts::default();
    for fields in documents {
        let document = counts.lengths.len();
        let mut length = 0.0;
        for (text, weight) in fields {
            if weight > 0.0 && weight.is_finite() {
                length += counts.count(document, text, weight);
            }
        }
        counts.lengths.push(length);
    }
    counts.written()
}

#[derive(Default)]
struct Counts {
    /// Each document's weighted length in words.
    lengths: Vec<f32>,
    words: Kind,
    /// By the places of both words.
    pairs: Kind,
    parts: Kind,
    /// The places of each word's parts, by the place of the word: words come back far more often than new ones come.
    parts_of: Vec<Vec<usize>>,
}

impl Counts {
    /// Counts one field of a document, whose number is not below those before; returns its weighted length in words.
    fn count(&mut self, document: usize, text: &str, weight: f32) -> f32 {
        let posting = Posting { document, frequency: weight };
        let mut words = 0u32;
        let mut last = None;
        each_token(text, |spelled| {
            words += 1;
            let stem = stem(spelled);
            let this = self.words.place(word(stem));
            self.words.count(this, posting);
            if let Some(last) = last.replace(this) {
                let pair = self.pairs.place((last as u64) << 32 | this as u64);
                self.pairs.count(pair, posting);
            }
            if this == self.parts_of.len() {
                let mut parts = Vec::new();
                each_part(stem, |part| parts.push(self.parts.place(part)));
                self.parts_of.push(parts);
            }
            for part in &self.parts_of[this] {
                self.parts.count(*part, posting);
            }
        });
        weight * words as f32
    }

    fn written(mut self) -> Vec<u8> {
        self.pairs.name(&self.words.ranks());
        let mut out = MARK.to_vec();
        let mut kinds = [self.words.features, self.pairs.features, self.parts.features];
        let frequencies = frequencies(&kinds);
        Column::write_floats(&self.lengths, &mut out);
        Column::write_floats(&frequencies, &mut out);
        for features in &mut kinds {
            features.sort_unstable_by_key(|(feature, _)| *feature);
            Table::write(features, &frequencies, &mut out);
        }
        out
    }
}

/// All frequencies that there are, ascending; they are few.
fn frequencies(kinds: &[Vec<(u64, Vec<Posting>)>]) -> Vec<f32> {
    // Of numbers that are not negative, the bits are in the order of the numbers.
    let mut bits = BTreeSet::new();
    // One by one: collecting would sort a list as long as the documents.
    for (_, postings) in kinds.iter().flatten() {
        bits.extend(postings.iter().map(|posting| posting.frequency.to_bits()));
    }
    bits.into_iter().map(f32::from_bits).collect()
}

/// The features of one kind with their postings, in order of first appearance.
#[derive(Default)]
struct Kind {
    places: FeatureMap<usize>,
    features: Vec<(u64, Vec<Posting>)>,
}

impl Kind {
    /// The place of a feature, new or known.
    fn place(&mut self, feature: u64) -> usize {
        let place = *self.places.entry(feature).or_insert(self.features.len());
        if place == self.features.len() {
            self.features.push((feature, Vec::new()));
        }
        place
    }

    /// Adds to a feature's frequency in a document.
    fn count(&mut self, place: usize, posting: Posting) {
        let postings = &mut self.features[place].1;
        match postings.last_mut() {
            Some(last) if last.document == posting.document => last.frequency += posting.frequency,
            _ => postings.push(posting),
        }
    }

    /// The place that each feature will have in ascending order.
    fn ranks(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.features.len()).collect();
        order.sort_unstable_by_key(|place| self.features[*place].0);
        let mut ranks = vec![0; order.len()];
        order.into_iter().enumerate().for_each(|(rank, place)| ranks[place] = rank);
        ranks
    }

    /// Names pairs by the final places of their words.
    fn name(&mut self, ranks: &[usize]) {
        for (feature, _) in &mut self.features {
            let [first, second] = [*feature >> 32, *feature & u64::from(u32::MAX)]
                .map(|place| ranks[usize::try_from(place).expect("it was a place before")]);
            *feature = pair_key(ranks.len(), first, second);
        }
    }
}
