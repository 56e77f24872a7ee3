//! Documents that are scored together: few enough that what is kept of them stays in the core's nearest cache.

use super::best::Best;
use super::part::Part;
use super::rank::TermList;
use super::segment::number;
use crate::score::Shares;
use std::ops::Range;

/// Documents of one block; a power of two.
pub(super) const BLOCK: usize = 4096;

/// Scores that are looked at together: where none of them can be among the best, none is looked at alone.
const GROUP: usize = 16;

/// So many postings are read in the time in which one document is looked up.
const LOOK_UP: usize = 32;

/// Room for one block after the other. Documents are numbered from the block's first.
pub(super) struct Block {
    shares: Shares,
    scores: Vec<f32>,
    /// What stands beside a word's frequency in each document.
    allowances: Vec<f32>,
    /// Those that can still be among the best.
    contenders: Vec<u32>,
}

impl Block {
    pub(super) fn new(shares: Shares) -> Self {
        Block { shares, scores: vec![0.0; BLOCK], allowances: vec![0.0; BLOCK], contenders: Vec::new() }
    }

    /// Adds the best of these documents of a part. Each term comes with the most that those after it can tell.
    pub(super) fn rank<'a, 't, K: Clone + Ord>(
        &mut self,
        part: &'a Part<K>,
        documents: Range<usize>,
        terms: impl Iterator<Item = (&'t TermList<'t>, f32)>,
        best: &mut Best<'a, K>,
    ) {
        let lengths = &part.segment.lengths[documents.clone()];
        self.scores.clear();
        self.scores.resize(lengths.len(), 0.0);
        self.allowances.clear();
        self.allowances.extend(lengths.iter().map(|length| self.shares.allowance(*length as f32)));
        let mut are_known = false;
        for (term, rest) in terms {
            if are_known && self.contenders.len() * LOOK_UP < term.list.documents.len() {
                self.look_up(term, documents.start);
            } else {
                self.add(term);
            }
            if are_known {
                self.contenders.retain(|contender| best.can_be(self.scores[*contender as usize] + rest));
            } else if rest == 0.0 || !best.can_be(rest) {
                // Who has none of the words so far is out.
                self.find_contenders(rest, best);
                are_known = true;
            }
        }
        for contender in &self.contenders {
            let document = number(documents.start) + contender;
            if part.holds(document) {
                best.add(&part.segment.keys[document as usize], self.scores[*contender as usize]);
            }
        }
    }

    /// Adds what a term tells to the scores of all documents that have it.
    fn add(&mut self, term: &TermList<'_>) {
        for (document, frequency) in term.list.documents.iter().zip(term.list.frequencies) {
            self.tell(*document as usize % BLOCK, *frequency, term.tells);
        }
    }

    /// The same for the contenders alone.
    fn look_up(&mut self, term: &TermList<'_>, start: usize) {
        let (mut at, start) = (0, number(start));
        for place in 0..self.contenders.len() {
            let document = start + self.contenders[place];
            at += term.list.documents[at..].partition_point(|passed| *passed < document);
            if term.list.documents.get(at) == Some(&document) {
                self.tell(document as usize % BLOCK, term.list.frequencies[at], term.tells);
            }
        }
    }

    fn tell(&mut self, document: usize, frequency: u32, tells: f32) {
        self.scores[document] += tells * Shares::earned(frequency as f32, self.allowances[document]);
    }

    /// Those that have earned something, and can be among the best by earning the rest.
    fn find_contenders<K: Clone + Ord>(&mut self, rest: f32, best: &Best<'_, K>) {
        let can_be = |score: &f32| (*score > 0.0) & best.can_be(*score + rest);
        self.contenders.resize(BLOCK, 0);
        let mut found = 0;
        for (group, scores) in self.scores.chunks(GROUP).enumerate() {
            // Written so that a group takes a few instructions, and none of them is a guess.
            if scores.iter().fold(false, |any, score| any | can_be(score)) {
                for (document, score) in (number(group * GROUP)..).zip(scores) {
                    self.contenders[found] = document;
                    found += usize::from(can_be(score));
                }
            }
        }
        self.contenders.truncate(found);
    }
}
