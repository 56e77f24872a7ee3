/// The known name that `name` was probably meant to be: the closest by edits, where at most a third of it differs.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let closest = known.into_iter().map(|each| (edits(name, each), each)).min_by_key(|(edits, _)| *edits)?;
    (closest.0 <= (name.chars().count() / 3).max(1)).then_some(closest.1)
}

/// Insertions, removals and replacements that make one of the other (Levenshtein).
fn edits(one: &str, other: &str) -> usize {
    let other = other.chars().collect::<Vec<_>>();
    let mut row = (0..=other.len()).collect::<Vec<_>>();
    for (line, mine) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, theirs) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(mine != *theirs);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant_and_nothing_far() {
        let known = ["parallel", "batch_id", "timeout", "total_timeout", "seed"];
        for (name, expected) in [
            ("paralel", Some("parallel")),
            ("parallell", Some("parallel")),
            ("batch-id", Some("batch_id")),
            ("timeouts", Some("timeout")),
            ("sed", Some("seed")),
            ("api_key", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }
}
