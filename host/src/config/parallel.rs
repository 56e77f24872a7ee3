use super::value::{Given, Origin};
use super::{ConfigError, Key};
use crate::model::Parallel;
use std::num::NonZeroUsize;

/// Most records in flight at once: beyond it, memory and sockets are the limit, not the server.
const PARALLEL_MAX: NonZeroUsize = NonZeroUsize::new(4096).expect("is over 0");
/// Bounds of `auto` where none are given. Its upper end is more than a server of one GPU bears, and few enough that a
/// server that answers nothing is not buried.
const AUTO: Parallel = Parallel::Auto { min: NonZeroUsize::MIN, max: NonZeroUsize::new(256).expect("is over 0") };

const EXPECTED: &str = "a whole number from 1 to 4096, or `auto`, or `auto:MIN-MAX` with both from 1 to 4096 and MIN not \
                        over MAX, such as `auto:2-64`";

impl Given {
    /// How many records are in flight at once.
    pub(super) fn parallel(&self) -> Result<Parallel, ConfigError> {
        parse(self.text.trim()).ok_or_else(|| self.wrong(EXPECTED))
    }
}

fn parse(text: &str) -> Option<Parallel> {
    let Some(bounds) = text.strip_prefix("auto") else { return number(text).map(Parallel::Fixed) };
    if bounds.is_empty() {
        return Some(AUTO);
    }
    let (min, max) = bounds.strip_prefix(':')?.split_once('-')?;
    let (min, max) = (number(min.trim())?, number(max.trim())?);
    (min <= max).then_some(Parallel::Auto { min, max })
}

fn number(text: &str) -> Option<NonZeroUsize> {
    text.parse().ok().filter(|number| *number <= PARALLEL_MAX)
}

/// The levels that a bench compares: those given, one or several with commas between, each a number, `auto` or
/// `auto:MIN-MAX`, in their order and each once; without any, 1 and what a run would use.
///
/// # Errors
/// The first level that is none of these.
pub fn parallel_levels(given: &[String], configured: Parallel) -> Result<Vec<Parallel>, ConfigError> {
    let flag = Key::Parallel.spec().flag;
    let given =
        given.iter().flat_map(|list| list.split(',')).map(|text| Given::new(text, Origin::Flag(flag.to_owned())));
    let mut all = given.map(|level| level.parallel()).collect::<Result<Vec<_>, _>>()?;
    if all.is_empty() {
        all = vec![Parallel::Fixed(NonZeroUsize::MIN), configured];
    }
    let mut levels = Vec::new();
    for level in all {
        if !levels.contains(&level) {
            levels.push(level);
        }
    }
    Ok(levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the operator would write it, or the error.
    fn parsed(text: &str) -> Result<String, ConfigError> {
        Given::new(text, Origin::Flag("--parallel".into())).parallel().map(|parallel| parallel.to_string())
    }

    #[test]
    fn a_number_or_auto_with_or_without_bounds() {
        for (text, expected) in [
            ("1", "1"),
            (" 4096 ", "4096"),
            ("auto", "auto:1-256"),
            ("auto:2-64", "auto:2-64"),
            ("auto: 2 - 64", "auto:2-64"),
            ("auto:8-8", "auto:8-8"),
            ("auto:1-4096", "auto:1-4096"),
        ] {
            assert_eq!(parsed(text).expect(text), expected);
        }
        for text in
            ["", "0", "4097", "-5", "1.5", "Auto", "autos", "auto:", "auto:2", "auto:2-", "auto:0-4", "auto:1-4097"]
        {
            assert!(parsed(text).is_err(), "{text}");
        }
        let told = parsed("auto:9-8").expect_err("the bounds are the wrong way round");
        assert_eq!(told.to_string(), "wrong value from flag `--parallel`: `auto:9-8`");
        assert!(told.hint().expect("a hint").contains("MIN not over MAX"), "{:?}", told.hint());
    }

    #[test]
    fn bench_levels_are_lists_each_once() {
        let level = |text: &str| parse(text).expect("a good level");
        for (given, expected) in [
            (&["1,5,64"][..], &["1", "5", "64"][..]),
            (&["1", "5,1"][..], &["1", "5"][..]),
            (&["1,auto", "auto:1-256", "auto:2-64"][..], &["1", "auto:1-256", "auto:2-64"][..]),
            (&[][..], &["1", "5"][..]),
        ] {
            let given = given.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
            let levels = parallel_levels(&given, level("5")).expect("good levels");
            assert_eq!(levels, expected.iter().map(|text| level(text)).collect::<Vec<_>>());
        }
        assert_eq!(parallel_levels(&[], level("1")).expect("good levels").len(), 1);
        let error = parallel_levels(&["1,0".to_owned()], level("5")).expect_err("0 is out of range");
        assert_eq!(error.to_string(), "wrong value from flag `--parallel`: `0`");
    }
}
