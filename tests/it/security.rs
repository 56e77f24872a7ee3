//! SECURITY.md's table of attacks: every test that it names exists, and every test of a component that misbehaves is named.

use std::fs;
use std::path::{Path, PathBuf};

/// The heading that the table is under.
const HEADING: &str = "## Attacks and what happens";

/// Where the tests of a binary are, by the name that cargo-nextest gives it.
const BINARIES: [(&str, &str); 2] = [("judge-host-tests::it", "tests/it"), ("judge-host", "host/src")];

/// Files all of whose tests the table names, below the root.
const NAMED_IN_FULL: [&str; 7] = [
    "tests/it/sandbox.rs",
    "tests/it/sandbox/beside.rs",
    "tests/it/sandbox/forgeries.rs",
    "tests/it/sandbox/handmade.rs",
    "tests/it/sandbox/prying.rs",
    "tests/it/sandbox/quarantine.rs",
    "host/src/sandbox/tests/lies.rs",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace above").to_owned()
}

/// The tests that the table names: `judge-host-tests::it sandbox::an_instance_is_never_used_twice`.
fn named() -> Vec<String> {
    let text = fs::read_to_string(root().join("SECURITY.md")).expect("SECURITY.md");
    let (_, below) = text.split_once(HEADING).expect("the section");
    let section = below.split("\n## ").next().unwrap_or_default();
    // Below the header and its line.
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert!(rows.len() > 20, "{} rows", rows.len());
    let named = rows.iter().flat_map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        assert_eq!(cells.len(), 3, "attack, what happens, test: {row}");
        let names: Vec<String> = cells[2].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert!(!names.is_empty(), "no test: {row}");
        names
    });
    named.collect()
}

/// The tests that a file holds.
fn tests_in(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines().map(str::trim);
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            let function = lines.by_ref().find(|line| line.contains("fn ")).unwrap_or_default();
            let name = function.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
            found.extend(name.map(str::to_owned));
        }
    }
    found
}

/// Whether the test is where its name says: in the file of its module, or in that of a module above.
fn exists(name: &str) -> bool {
    let Some((binary, path)) = name.split_once(' ') else { return false };
    let Some((_, folder)) = BINARIES.iter().find(|(known, _)| *known == binary) else { return false };
    let mut modules: Vec<&str> = path.split("::").collect();
    let Some(function) = modules.pop() else { return false };
    while !modules.is_empty() {
        let module = root().join(folder).join(modules.join("/"));
        for file in [module.with_extension("rs"), module.join("mod.rs")] {
            if file.is_file() {
                return tests_in(&file).iter().any(|test| test == function);
            }
        }
        modules.pop();
    }
    false
}

#[test]
fn every_test_that_the_table_of_attacks_names_exists() {
    let missing: Vec<_> = named().into_iter().filter(|name| !exists(name)).collect();
    assert!(missing.is_empty(), "SECURITY.md names tests that there are not: {missing:#?}");
    for wrong in [
        "judge-host-tests::it sandbox::an_instance_is_often_used_twice",
        "judge-host-tests::it an_instance_is_never_used_twice",
        "judge-host sandbox::an_instance_is_never_used_twice",
        "an_instance_is_never_used_twice",
    ] {
        assert!(!exists(wrong), "the look for tests finds what is not there: {wrong}");
    }
}

#[test]
fn every_test_of_a_component_that_misbehaves_is_in_the_table_of_attacks() {
    let named = named();
    for file in NAMED_IN_FULL {
        let tests = tests_in(&root().join(file));
        assert!(!tests.is_empty(), "{file} holds no test");
        for test in tests {
            let ending = format!("::{test}");
            assert!(named.iter().any(|name| name.ends_with(&ending)), "SECURITY.md: no row names `{test}` of {file}");
        }
    }
}
