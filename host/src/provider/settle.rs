//! When a file that changes is quiet enough to be read. Pure: the time is passed in.

use super::{Stamp, Stamps};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a file must stay as it is before it is read: what copies or links a file into place writes more often than
/// this. One that pauses longer is refused as damaged, and read again at its next change.
pub(super) const SETTLE: Duration = Duration::from_millis(200);

/// What happened to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// It is new, or is another than it was, and has been so for a while.
    Changed {
        /// The file.
        path: PathBuf,
        /// How it is.
        stamp: Stamp,
    },
    /// It is gone.
    Gone {
        /// The file that was there.
        path: PathBuf,
    },
}

/// The files of a folder: as they were told last, and those that have been others since.
pub(super) struct Settling {
    told: Stamps,
    /// How each is now (none: gone), and since when.
    moving: BTreeMap<PathBuf, (Option<Stamp>, Instant)>,
}

impl Settling {
    /// Files that are known as they are.
    pub(super) fn new(told: Stamps) -> Settling {
        Settling { told, moving: BTreeMap::new() }
    }

    /// Takes in how the files are now, and gives those that have been others for long enough; what is gone comes first,
    /// as it makes room for what is new.
    pub(super) fn look(&mut self, now_there: &Stamps, now: Instant) -> Vec<Touched> {
        let mut moving = BTreeMap::new();
        let (mut gone, mut changed) = (Vec::new(), Vec::new());
        let paths: Vec<PathBuf> = self.told.keys().chain(now_there.keys()).cloned().collect();
        for path in paths {
            let (told, is) = (self.told.get(&path).copied(), now_there.get(&path).copied());
            if told == is {
                continue;
            }
            let since = match self.moving.get(&path) {
                Some((was, since)) if *was == is => *since,
                _ => now,
            };
            if now.saturating_duration_since(since) < SETTLE {
                moving.insert(path, (is, since));
                continue;
            }
            if let Some(stamp) = is {
                self.told.insert(path.clone(), stamp);
                changed.push(Touched::Changed { path, stamp });
            } else {
                self.told.remove(&path);
                gone.push(Touched::Gone { path });
            }
        }
        self.moving = moving;
        gone.append(&mut changed);
        gone
    }

    /// When the first of those that move may be quiet.
    pub(super) fn next(&self) -> Option<Instant> {
        self.moving.values().map(|(_, since)| *since + SETTLE).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "a.wasm";

    fn files(files: &[(&str, u64)]) -> Stamps {
        files.iter().map(|(path, size)| (PathBuf::from(path), Stamp::of_size(*size))).collect()
    }

    fn changed(path: &str, size: u64) -> Touched {
        Touched::Changed { path: path.into(), stamp: Stamp::of_size(size) }
    }

    /// Looks at a row of states, each so long after the one before, and gives what came of each.
    fn told(known: &[(&str, u64)], states: &[(u64, &[(&str, u64)])]) -> Vec<Vec<Touched>> {
        let mut settling = Settling::new(files(known));
        let mut now = Instant::now();
        let mut look = |(after_ms, state): &(u64, &[(&str, u64)])| {
            now += Duration::from_millis(*after_ms);
            settling.look(&files(state), now)
        };
        states.iter().map(&mut look).collect()
    }

    #[test]
    fn what_stays_as_it_was_is_not_told() {
        assert_eq!(told(&[(A, 1)], &[(0, &[(A, 1)]), (1000, &[(A, 1)])]), [vec![], vec![]]);
    }

    #[test]
    fn a_file_that_grows_is_told_once_it_is_quiet() {
        let grown = told(&[], &[(0, &[(A, 1)]), (150, &[(A, 2)]), (150, &[(A, 3)]), (150, &[(A, 3)]), (50, &[(A, 3)])]);
        assert_eq!(grown, [vec![], vec![], vec![], vec![], vec![changed(A, 3)]]);
        let again = told(&[(A, 1)], &[(0, &[(A, 2)]), (200, &[(A, 2)]), (200, &[(A, 2)])]);
        assert_eq!(again, [vec![], vec![changed(A, 2)], vec![]], "and once only");
    }

    #[test]
    fn a_file_that_is_gone_is_told_unless_it_comes_back() {
        let gone = vec![Touched::Gone { path: A.into() }];
        assert_eq!(told(&[(A, 1)], &[(0, &[]), (200, &[])]), [vec![], gone]);
        let replaced = told(&[(A, 1)], &[(0, &[]), (150, &[(A, 2)]), (150, &[(A, 2)]), (50, &[(A, 2)])]);
        assert_eq!(replaced, [vec![], vec![], vec![], vec![changed(A, 2)]], "a replacement is no removal");
        assert_eq!(told(&[(A, 1)], &[(0, &[]), (150, &[(A, 1)]), (500, &[(A, 1)])]), [vec![], vec![], vec![]]);
    }

    #[test]
    fn what_is_gone_is_told_before_what_is_new() {
        let renamed: &[(&str, u64)] = &[("0.wasm", 1)];
        let told = told(&[(A, 1)], &[(0, renamed), (200, renamed)]);
        assert_eq!(told[1], [Touched::Gone { path: A.into() }, changed("0.wasm", 1)]);
    }

    #[test]
    fn the_next_look_is_when_the_first_may_be_quiet() {
        let (mut settling, now) = (Settling::new(Stamps::new()), Instant::now());
        assert_eq!(settling.next(), None);
        settling.look(&files(&[(A, 1)]), now);
        settling.look(&files(&[(A, 1), ("b.wasm", 1)]), now + SETTLE / 2);
        assert_eq!(settling.next(), Some(now + SETTLE));
    }
}
