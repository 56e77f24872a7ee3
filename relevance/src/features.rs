//! What is counted, as 64-bit numbers: comparing numbers is cheap. Parts of words are packed exactly; words and pairs
//! are hashed, and two of them share a number with a chance of one in 2^63, which costs one wrong count.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A word, by its stem.
pub(crate) fn word(stem: &str) -> u64 {
    // FNV-1a: short, fixed for all time, and good enough below a table that mixes again.
    let hash = stem
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash & !PART
}

/// Two words that stand side by side.
pub(crate) fn pair(first: u64, second: u64) -> u64 {
    mixed(first.rotate_left(17) ^ mixed(second)) & !PART
}

/// Calls `see` with every three neighbouring letters of a word, its start and end counted as letters.
pub(crate) fn each_part(stem: &str, mut see: impl FnMut(u64)) {
    // 0 stands for start and end; a letter has 21 bits.
    let mut window = 0u64;
    for (read, letter) in stem.chars().map(u64::from).chain([0]).enumerate() {
        window = ((window << 21) | letter) & (PART - 1);
        if read > 0 {
            see(window | PART);
        }
    }
}

/// A map from features that costs little and, other than the library's own, needs no randomness: a component has none.
/// Nothing may depend on its order.
pub(crate) type FeatureMap<V> = HashMap<u64, V, BuildHasherDefault<FeatureHasher>>;

/// Mixes one number.
#[derive(Default)]
pub(crate) struct FeatureHasher(u64);

impl Hasher for FeatureHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = mixed(self.0 ^ number);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Spreads a number over all bits.
fn mixed(number: u64) -> u64 {
    let product = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}

/// The bit that tells parts of words from words.
const PART: u64 = 1 << 63;

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(stem: &str) -> usize {
        let mut seen = std::collections::BTreeSet::new();
        each_part(stem, |part| {
            assert_ne!(part & PART, 0);
            seen.insert(part);
        });
        seen.len()
    }

    #[test]
    fn a_word_has_as_many_parts_as_letters() {
        assert_eq!(parts("card"), 4);
        assert_eq!(parts("a"), 1);
        assert_eq!(parts(""), 0);
        assert_eq!(parts("карта"), 5);
    }

    #[test]
    fn pairs_depend_on_their_order() {
        let (top, up) = (word("top"), word("up"));
        assert_ne!(pair(top, up), pair(up, top));
        assert_ne!(pair(top, up), top);
        assert_eq!((pair(top, up) | top) & PART, 0);
    }
}
