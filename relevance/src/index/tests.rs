use super::block::BLOCK;
use super::*;
use crate::features::word;
use crate::score::{Shares, idf};
use crate::tokens::tokens;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
    assert!(index.is_empty() && index.parts.is_empty());
    assert_eq!(index.length_sum, 0);
    assert_eq!(keys(&index, "pin", 9), [""; 0]);
}

#[test]
fn of_several_documents_with_one_key_the_last_counts_in_any_order() {
    let mut index = Index::default();
    index.extend([("b", "card"), ("a", "pin"), ("b", "limit"), ("c", "atm")].map(|(key, text)| (key, [(text, 1.0)])));
    assert_eq!((index.len(), keys(&index, "card", 9)), (3, vec![]));
    for (query, key) in [("limit", "b"), ("pin", "a"), ("atm", "c")] {
        assert_eq!(keys(&index, query, 9), [key]);
    }
    index.extend([("c", [("card", 1.0)]), ("a", [("card card", 1.0)])]);
    assert_eq!(index.len(), 3);
    assert_eq!(keys(&index, "card", 9), ["a", "c"]);
    assert_eq!(keys(&index, "pin atm", 9), [""; 0]);
    index.extend(std::iter::empty::<(&str, [(&str, f32); 1])>());
    assert_eq!(index.len(), 3);
}

#[test]
fn a_change_of_a_large_index_shares_what_is_there() {
    let mut index = Index::default();
    index.extend((0..1000).map(|key| (key, [("card pin", 1.0)])));
    let before = index.clone();
    index.insert(1000, &[("card", 1.0)]);
    index.remove(&500);
    index.insert(7, &[("limit", 1.0)]);
    assert!(Arc::ptr_eq(&before.parts[0].segment, &index.parts[0].segment));
    assert_eq!((before.len(), index.len()), (1000, 1000));
    assert_eq!((before.rank("limit", 9).len(), index.rank("limit", 9)[0].0), (0, 7));
    assert_eq!((before.rank("card", 2000).len(), index.rank("card", 2000).len()), (1000, 999));
}

/// Numbers that look random and are the same for a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits fit") % bound
    }

    /// Words of so many, the first far more often than the last.
    fn text(&mut self, words: usize, of: usize) -> String {
        let text = (0..self.below(words + 1)).map(|_| {
            let below = 1 + self.below(of);
            ["card", "卡片", "перевод"]
                .get(self.below(below))
                .map_or_else(|| format!("w{}", self.below(below)), |word| (*word).into())
        });
        text.collect::<Vec<_>>().join(" ")
    }
}

/// Texts with weights, by key.
type Texts = BTreeMap<u64, Vec<(String, f32)>>;

fn borrowed(fields: &[(String, f32)]) -> Vec<(&str, f32)> {
    fields.iter().map(|(text, weight)| (text.as_str(), *weight)).collect()
}

/// Every document looked at with every word: what the index must give, to the bit.
struct BruteForce {
    /// Frequencies by word and length, in thousandths.
    documents: BTreeMap<u64, (BTreeMap<u64, u32>, u32)>,
    shares: Shares,
}

impl BruteForce {
    fn new(texts: &Texts) -> Self {
        let counted = |fields: &Vec<(String, f32)>| {
            let (mut counts, mut length) = (BTreeMap::<u64, u32>::new(), 0u32);
            for (text, field_weight) in fields {
                let weight = weight(*field_weight);
                for token in tokens(text).iter().filter(|_| weight > 0) {
                    let count = counts.entry(word(token)).or_default();
                    *count = count.saturating_add(weight);
                    length = length.saturating_add(weight);
                }
            }
            (counts, length)
        };
        let documents: BTreeMap<_, _> = texts.iter().map(|(key, fields)| (*key, counted(fields))).collect();
        let length: u64 = documents.values().map(|(_, length)| u64::from(*length)).sum();
        let shares = Shares::new(length as f32 / documents.len().max(1) as f32, WEIGHT_UNIT);
        BruteForce { documents, shares }
    }

    fn rank(&self, query: &str, max: usize) -> Vec<(u64, f32)> {
        let words: BTreeSet<u64> = tokens(query).iter().map(|token| word(token)).collect();
        let containing = |word: &u64| self.documents.values().filter(|(counts, _)| counts.contains_key(word)).count();
        let mut words: Vec<_> = words.iter().map(|word| (containing(word), *word)).collect();
        words.sort_unstable();
        let score = |(counts, length): &(BTreeMap<u64, u32>, u32)| {
            words.iter().fold(0.0, |score, (containing, word)| match counts.get(word) {
                Some(frequency) => {
                    let share = Shares::earned(*frequency as f32, self.shares.allowance(*length as f32));
                    score + idf(self.documents.len(), *containing) * share
                }
                None => score,
            })
        };
        let mut ranked: Vec<(u64, f32)> =
            self.documents.iter().map(|(key, document)| (*key, score(document))).collect();
        ranked.retain(|(_, score)| *score > 0.0);
        // Stable, so that ties stay in order of key.
        ranked.sort_by(|one, other| other.1.total_cmp(&one.1));
        ranked.truncate(max);
        ranked
    }
}

/// What must hold of the parts after every change.
#[track_caller]
fn assert_tidy(index: &Index<u64>) {
    let lengths: Vec<usize> = index.parts.iter().map(Part::len).collect();
    assert!(lengths.windows(2).all(|pair| pair[0] >= 2 * pair[1]), "{lengths:?}");
    assert!(index.parts.iter().all(|part| part.len() > 0 && !part.is_sparse()), "{lengths:?}");
    assert_eq!(lengths.iter().sum::<usize>(), index.len());
}

#[test]
fn ranks_are_those_of_looking_at_everything_after_any_changes() {
    for seed in 0..60 {
        let mut chance = Chance(seed);
        let (mut index, mut texts) = (Index::default(), Texts::new());
        let weights = [1.0, 3.0, 0.7, 0.0004, -1.0, f32::NAN, 1e9];
        for _ in 0..chance.below(40) {
            let keys = 1 + chance.below(200);
            let mut fields = || (0..3).map(|_| (chance.text(8, 30), weights[chance.below(weights.len())])).collect();
            let fields: Vec<Vec<(String, f32)>> = (0..20).map(|_| fields()).collect();
            match chance.below(4) {
                0 => {
                    let batch: Vec<_> = fields.into_iter().map(|fields| (chance.below(keys) as u64, fields)).collect();
                    index.extend(batch.iter().map(|(key, fields)| (*key, borrowed(fields))));
                    texts.extend(batch);
                }
                1 => {
                    let key = chance.below(keys) as u64;
                    index.insert(key, &borrowed(&fields[0]));
                    texts.insert(key, fields[0].clone());
                }
                _ => {
                    for _ in 0..chance.below(10) {
                        let key = chance.below(keys) as u64;
                        index.remove(&key);
                        texts.remove(&key);
                    }
                }
            }
            assert_tidy(&index);
        }
        let expected = BruteForce::new(&texts);
        assert_eq!(index.len(), texts.len());
        for _ in 0..20 {
            let (query, max) = (chance.text(8, 40), chance.below(30));
            assert_eq!(index.rank(&query, max), expected.rank(&query, max), "seed {seed}, {max} of `{query}`");
        }
    }
}

#[test]
fn ranks_are_those_of_looking_at_everything_where_most_is_not_looked_at() {
    const DOCUMENTS: usize = 4 * BLOCK + 100;
    let mut chance = Chance(1);
    let mut text = |key| match key % 150 {
        0 => format!("seldom usual {}", chance.text(20, 300)),
        1..10 => chance.text(20, 300),
        _ => format!("usual {}", chance.text(20, 300)),
    };
    let mut texts: Texts = (0..DOCUMENTS as u64).map(|key| (key, vec![(text(key), 1.0)])).collect();
    // Alike in all blocks, so that ties must go by key across blocks and parts.
    texts.values_mut().step_by(97).for_each(|fields| *fields = vec![("card w1 w2 w299".into(), 1.0)]);
    let (mut index, mut changed) = (Index::default(), Index::default());
    index.extend(texts.iter().map(|(key, fields)| (*key, borrowed(fields))));
    // The same by another way: other texts first, every third replaced later, in parts of many sizes.
    changed.extend(texts.keys().map(|key| (key + 50, [("card w1 w2 w299", 2.0)])));
    let mut later: Vec<_> = texts.iter().collect();
    for size in (1..400).cycle() {
        let batch = later.split_off(later.len().saturating_sub(size));
        changed.extend(batch.iter().map(|(key, fields)| (**key, borrowed(fields))));
        if later.is_empty() {
            break;
        }
    }
    (DOCUMENTS as u64..DOCUMENTS as u64 + 50).for_each(|key| changed.remove(&key));
    assert_tidy(&changed);
    let expected = BruteForce::new(&texts);
    for round in 0..40 {
        let max = [1, 20, 20, 20, 300, usize::MAX][round % 6];
        // With some, all of the frequent words are looked up for a few documents only.
        let query = format!("{} {}", ["seldom usual", "usual", ""][round % 3], chance.text(12, 300));
        let ranked = index.rank(&query, max);
        assert_eq!(ranked, expected.rank(&query, max), "{max} of `{query}`");
        assert_eq!(ranked, changed.rank(&query, max), "{max} of `{query}`");
    }
}

#[test]
fn ranks_do_not_depend_on_how_the_index_came_to_be() {
    let mut chance = Chance(7);
    for _ in 0..50 {
        let documents: Vec<_> = (0..30).map(|key| (key, chance.text(6, 12), chance.text(6, 12))).collect();
        let insert = |index: &mut Index<u64>, (key, name, text): &(u64, String, String)| {
            index.insert(*key, &[(name, 2.3), (text, 0.7)]);
        };
        let mut straight = Index::default();
        for document in &documents {
            insert(&mut straight, document);
        }
        let mut detour = Index::default();
        for document in documents.iter().rev() {
            detour.insert(document.0, &[("something else", 1.0)]);
            detour.insert(document.0 + 1000, &[("card w1", 1.0)]);
        }
        (1000..1030).step_by(2).for_each(|key| detour.remove(&key));
        for document in documents.iter().rev() {
            insert(&mut detour, document);
        }
        (1000..1030).for_each(|key| detour.remove(&key));
        for _ in 0..10 {
            let query = chance.text(6, 12);
            assert_eq!(straight.rank(&query, 7), detour.rank(&query, 7), "{query}");
        }
    }
}
