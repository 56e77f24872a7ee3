use std::num::{NonZeroU32, NonZeroUsize};

/// How many requests at once a GPU of some size is likely to bear, with the models that people load on it. Where to begin,
/// not what is true: how many it really is depends on the model and its context, and is found while the run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardStart {
    /// With how many to begin.
    pub start: NonZeroUsize,
    /// The fewest that are likely.
    pub likely_min: NonZeroUsize,
    /// The most that are likely.
    pub likely_max: NonZeroUsize,
}

/// What to begin with where nobody said how large the card is: what the middle of them bears.
pub(super) const START: NonZeroUsize = NonZeroUsize::new(5).expect("is over 0");

/// Least memory in GB, and what a card of at least this size bears: start, likely from, likely to. The largest first. What
/// is smaller than all of them has room for little beside the model.
const CARDS: [(u32, [usize; 3]); 4] = [(24, [10, 10, 15]), (16, [5, 5, 10]), (8, [3, 3, 5]), (0, [1, 1, 2])];

/// Where the search for the number in flight begins, by the GPU's memory in GB.
pub fn start_for_vram(gb: NonZeroU32) -> CardStart {
    let row = CARDS.iter().find(|(least, _)| gb.get() >= *least).expect("the last row takes every size");
    let [start, likely_min, likely_max] = row.1.map(|number| NonZeroUsize::new(number).expect("is over 0"));
    CardStart { start, likely_min, likely_max }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_the_card_the_more_at_once() {
        for (gb, expected) in [
            (1, [1, 1, 2]),
            (7, [1, 1, 2]),
            (8, [3, 3, 5]),
            (15, [3, 3, 5]),
            (16, [5, 5, 10]),
            (23, [5, 5, 10]),
            (24, [10, 10, 15]),
            (4096, [10, 10, 15]),
        ] {
            let CardStart { start, likely_min, likely_max } = start_for_vram(NonZeroU32::new(gb).expect("is over 0"));
            assert_eq!([start, likely_min, likely_max].map(NonZeroUsize::get), expected, "{gb} GB");
        }
    }
}
