//! Two parts become one segment, without what was taken out of them.

use super::part::Part;
use super::segment::{Segment, number};

/// Stands for a document or a word that is not in the new segment.
const GONE: u32 = u32::MAX;

/// The documents of both parts, which have no key in common.
pub(super) fn merged<K: Clone + Ord>(first: &Part<K>, second: &Part<K>) -> Segment<K> {
    let parts = [first, second];
    let order = order(parts);
    let mut numbers = parts.map(|part| vec![GONE; part.segment.len()]);
    for (document, (part, before)) in order.iter().enumerate() {
        numbers[*part][*before as usize] = number(document);
    }
    let segment_of = |part: usize| &*parts[part].segment;
    let mut merged = Segment {
        keys: order.iter().map(|(part, before)| segment_of(*part).keys[*before as usize].clone()).collect(),
        lengths: order.iter().map(|(part, before)| segment_of(*part).lengths[*before as usize]).collect(),
        ..Segment::default()
    };
    // Exactly right where nothing was taken out: growing by doubling would hold up to twice that.
    let postings = parts.map(|part| part.segment.documents.len()).iter().sum();
    merged.documents.reserve_exact(postings);
    merged.frequencies.reserve_exact(postings);
    let places = merge_lists(parts, &numbers, &mut merged);
    merged.documents.shrink_to_fit();
    merged.frequencies.shrink_to_fit();
    merged.places.reserve_exact(merged.documents.len());
    for (part, before) in order {
        merged.places.extend(segment_of(part).places_of(before).iter().map(|place| places[part][*place as usize]));
        merged.places_ends.push(merged.places.len());
    }
    merged.with_peaks()
}

/// What is left of both in order of key, as the part that it is of and its number there.
fn order<K: Ord>(parts: [&Part<K>; 2]) -> Vec<(usize, u32)> {
    let [mut first, mut second] = parts.map(|part| part.documents().peekable());
    let key = |part: usize, document: u32| &parts[part].segment.keys[document as usize];
    let mut order = Vec::with_capacity(parts[0].len() + parts[1].len());
    loop {
        let is_first = match (first.peek(), second.peek()) {
            (Some(one), Some(other)) => key(0, *one) < key(1, *other),
            (one, other) => one.is_some() || other.is_none(),
        };
        let next = if is_first { first.next().map(|one| (0, one)) } else { second.next().map(|other| (1, other)) };
        match next {
            Some(next) => order.push(next),
            None => return order,
        }
    }
}

/// Merges the lists of both word by word; the new places of their words.
fn merge_lists<K>(parts: [&Part<K>; 2], numbers: &[Vec<u32>; 2], merged: &mut Segment<K>) -> [Vec<u32>; 2] {
    let words = parts.map(|part| &part.segment.words);
    let mut places = words.map(|words| vec![GONE; words.len()]);
    let mut at = [0, 0];
    while let Some(word) = [0, 1].into_iter().filter_map(|part| words[part].get(at[part]).copied()).min() {
        let start = merged.documents.len();
        let mut lists = [0, 1].map(|part| {
            let has_it = words[part].get(at[part]) == Some(&word);
            postings(has_it.then(|| (parts[part], at[part])), &numbers[part])
        });
        merge_postings(&mut lists, merged);
        let is_left = merged.documents.len() > start;
        for part in [0, 1] {
            if words[part].get(at[part]) == Some(&word) {
                if is_left {
                    places[part][at[part]] = number(merged.words.len());
                }
                at[part] += 1;
            }
        }
        if is_left {
            merged.words.push(word);
            merged.list_ends.push(merged.documents.len());
        }
    }
    places
}

/// What is left of a word's list, with the new numbers.
fn postings<'a, K>(
    list: Option<(&'a Part<K>, usize)>,
    numbers: &'a [u32],
) -> std::iter::Peekable<impl Iterator<Item = (u32, u32)>> {
    let list = list.map(|(part, place)| part.segment.list(place)).unwrap_or_default();
    let numbered =
        list.documents.iter().map(|document| numbers[*document as usize]).zip(list.frequencies.iter().copied());
    numbered.filter(|(document, _)| *document != GONE).peekable()
}

fn merge_postings<K>(lists: &mut [std::iter::Peekable<impl Iterator<Item = (u32, u32)>>; 2], merged: &mut Segment<K>) {
    loop {
        let heads = [0, 1].map(|part| lists[part].peek().map_or(GONE, |(document, _)| *document));
        let Some((document, frequency)) = lists[usize::from(heads[1] < heads[0])].next() else { return };
        merged.documents.push(document);
        merged.frequencies.push(frequency);
    }
}
