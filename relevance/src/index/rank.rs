//! The best documents for a question, without looking at most of the postings of its frequent words.
//!
//! Words are looked at from the most telling to the least, block of documents by block. As soon as all that the rest
//! could tell would not lift a document that has none of the words so far among the best, only those already met are of
//! interest, and fewer of them from word to word (MaxScore: Turtle and Flood, "Query evaluation: strategies and
//! optimizations", 1995). The best of the blocks before say what it takes. Words that tell little stand in most documents, so
//! that the postings that need not be read are the most.

use super::best::Best;
use super::block::{BLOCK, Block};
use super::part::Part;
use super::segment::List;
use super::{Index, WEIGHT_UNIT};
use crate::features::word;
use crate::fold::stem;
use crate::score::{Shares, idf};
use crate::tokens::each_token;
use std::collections::BTreeSet;

/// By how much a bound is raised for every two roundings that lie between it and what it bounds.
const ROUNDING: f32 = f32::EPSILON;
/// Half of the roundings of a word's share and of its bound, with some to spare.
const ROUNDINGS: usize = 16;

/// A word of the question that is in some documents.
struct Term<'a> {
    word: u64,
    /// How many documents have it.
    containing: usize,
    /// Where it is, part by part.
    lists: Vec<Option<TermList<'a>>>,
}

/// A word of the question as a part has it, or what of it is in a block.
#[derive(Clone, Copy)]
pub(super) struct TermList<'a> {
    pub(super) list: List<'a>,
    /// By the word's rarity.
    pub(super) tells: f32,
    /// The most that it adds to a score.
    pub(super) most: f32,
}

/// Ranks the documents of an index; see [`Index::rank`].
pub(super) fn rank<K: Clone + Ord>(index: &Index<K>, query: &str, max: usize) -> Vec<(K, f32)> {
    if max == 0 {
        return Vec::new();
    }
    let shares = Shares::new(index.length_sum as f32 / index.documents.max(1) as f32, WEIGHT_UNIT);
    let terms = terms(index, query, shares);
    // Sums of single precision may come out above the sum of what bounds their parts, by so much at most.
    let slack = 1.0 + ROUNDING * (terms.len() + ROUNDINGS) as f32;
    let mut best = Best::new(max, slack);
    let mut block = Block::new(shares);
    for (number, part) in index.parts.iter().enumerate() {
        rank_part(part, terms.iter().filter_map(|term| term.lists[number]).collect(), &mut block, &mut best);
    }
    best.into_ranked()
}

/// Ranks the documents of one part, by lists that have the most telling word first.
fn rank_part<'a, K: Clone + Ord>(
    part: &'a Part<K>,
    mut terms: Vec<TermList<'_>>,
    block: &mut Block,
    best: &mut Best<'a, K>,
) {
    let (mut here, mut rests) = (Vec::with_capacity(terms.len()), Vec::with_capacity(terms.len()));
    while let Some(first) = terms.iter().filter_map(|term| term.list.documents.first().copied()).min() {
        let start = first as usize / BLOCK * BLOCK;
        let documents = start..part.segment.len().min(start + BLOCK);
        here.clear();
        for term in &mut terms {
            let list = term.list.take_below(documents.end);
            if !list.documents.is_empty() {
                here.push(TermList { list, ..*term });
            }
        }
        rests_after(&here, &mut rests);
        // What the first tells, and all after it.
        if here.first().zip(rests.first()).is_some_and(|(term, rest)| best.can_be(term.most + rest)) {
            block.rank(part, documents, here.iter().zip(rests.iter().copied()), best);
        }
    }
}

/// The most that all terms after each can add to a score.
fn rests_after(terms: &[TermList<'_>], rests: &mut Vec<f32>) {
    let mut rest = 0.0;
    rests.clear();
    rests.extend(terms.iter().rev().map(|term| {
        let after = rest;
        rest += term.most;
        after
    }));
    rests.reverse();
}

/// The words of a question that are in the index. Their order, by which scores are summed, depends on what is in the
/// index alone: the rarest first, then by word.
fn terms<'a, K: Clone + Ord>(index: &'a Index<K>, query: &str, shares: Shares) -> Vec<Term<'a>> {
    let mut words = BTreeSet::new();
    each_token(query, |spelled| {
        words.insert(word(stem(spelled)));
    });
    let mut terms: Vec<_> = words.into_iter().filter_map(|word| term(index, word, shares)).collect();
    terms.sort_unstable_by_key(|term| (term.containing, term.word));
    terms
}

/// A word as the index has it; none where no document has it that is still there.
fn term<K: Clone + Ord>(index: &Index<K>, word: u64, shares: Shares) -> Option<Term<'_>> {
    let places: Vec<_> = index.parts.iter().map(|part| part.segment.place(word)).collect();
    let parts = || index.parts.iter().zip(&places);
    let containing = parts().map(|(part, place)| place.map_or(0, |place| part.containing(place))).sum();
    let tells = idf(index.documents, containing);
    let lists = parts().map(|(part, place)| {
        let (list, peak) = place.map(|place| (part.segment.list(place), part.segment.peaks[place]))?;
        Some(TermList { list, tells, most: tells * shares.earned_max(peak.frequency as f32, peak.density) })
    });
    (containing > 0).then(|| Term { word, containing, lists: lists.collect() })
}
