use std::fmt;
use std::num::NonZeroUsize;

/// How many records are in flight at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parallel {
    /// This many, from the first record to the last.
    Fixed(NonZeroUsize),
    /// As many as the server is found to bear, within bounds; both may be reached.
    Auto {
        /// The fewest.
        min: NonZeroUsize,
        /// The most; not under `min`.
        max: NonZeroUsize,
    },
}

impl Parallel {
    /// How many a run begins with: the fixed number, or the wish put within the bounds.
    pub fn start(self, wish: NonZeroUsize) -> NonZeroUsize {
        match self {
            Parallel::Fixed(number) => number,
            Parallel::Auto { min, max } => wish.min(max).max(min),
        }
    }

    /// The most that may be in flight at any time.
    pub fn most(self) -> NonZeroUsize {
        match self {
            Parallel::Fixed(number) => number,
            Parallel::Auto { max, .. } => max,
        }
    }
}

/// As the operator writes it, bounds always told.
impl fmt::Display for Parallel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Parallel::Fixed(number) => number.fmt(f),
            Parallel::Auto { min, max } => write!(f, "auto:{min}-{max}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: usize) -> NonZeroUsize {
        NonZeroUsize::new(number).expect("is over 0")
    }

    #[test]
    fn a_run_begins_within_its_bounds() {
        let auto = Parallel::Auto { min: number(4), max: number(8) };
        for (parallel, wish, start, most) in
            [(Parallel::Fixed(number(5)), 10, 5, 5), (auto, 5, 5, 8), (auto, 3, 4, 8), (auto, 10, 8, 8)]
        {
            assert_eq!((parallel.start(number(wish)).get(), parallel.most().get()), (start, most), "{parallel}");
        }
    }
}
