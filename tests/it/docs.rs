//! The pages on the providers, one each: they name the settings and defaults that the provider declares, and what they
//! say to type and to paste is taken by the host as it stands.

use crate::support::{CLUSTERS, Case, records};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace above").to_owned()
}

/// The page on a provider.
fn page(id: &str) -> String {
    let path = root().join(format!("docs/providers/{id}.md"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the shipped providers say of themselves.
fn providers() -> Vec<Value> {
    let listed = Case::new().run(&["providers", "--json"]).code(0);
    let providers: Vec<Value> = serde_json::from_str(&listed.stdout).expect("a list");
    assert_eq!(providers.len(), 6);
    providers
}

fn id(provider: &Value) -> &str {
    provider["id"].as_str().expect("a loaded provider has an id")
}

/// The lines below a heading, up to the next of its level.
fn section<'a>(page: &'a str, heading: &str) -> Vec<&'a str> {
    let below = page.lines().skip_while(|line| *line != heading).skip(1);
    below.take_while(|line| !line.starts_with("## ")).collect()
}

/// The fenced blocks of a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let starts = page.split(fence.as_str()).skip(1);
    starts.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_settings_of_a_page_are_those_of_the_provider() {
    for provider in providers() {
        let page = page(id(&provider));
        let cells = |line: &&str| {
            let mut cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
            Some((cells.next()?, cells.next()?))
        };
        let rows = section(&page, "## Settings").into_iter().filter(|line| line.starts_with("| `"));
        let written: Vec<(String, String)> = rows.filter_map(|line| cells(&line)).collect();
        let declared = provider["settings"].as_array().expect("a list").iter().map(|setting| {
            let default = setting["default_value"].as_str().map_or("none".to_owned(), |value| format!("`{value}`"));
            (format!("`{}`", setting["name"].as_str().expect("a name")), default)
        });
        assert_eq!(written, declared.collect::<Vec<_>>(), "{}", id(&provider));
    }
}

#[test]
fn a_page_names_the_endpoint_the_model_and_the_header() {
    for provider in providers() {
        let page = page(id(&provider));
        let server = section(&page, "## Server and key").join("\n");
        for told in [&provider["default_endpoint"], &provider["default_model"], &provider["auth"]["header"]] {
            if let Some(told) = told.as_str() {
                assert!(server.contains(&format!("`{told}")), "{}: {told}", id(&provider));
            }
        }
    }
}

#[test]
fn what_a_page_says_to_paste_is_taken() {
    for provider in providers() {
        let pasted = blocks(&page(id(&provider)), "toml");
        assert!(!pasted.is_empty(), "{}", id(&provider));
        for config in pasted {
            let case = Case::new();
            case.file("judge.toml", &config);
            case.file("records.jsonl", records(1));
            case.file("clusters.jsonl", CLUSTERS);
            taken(&provider, &case, &["judge", "records.jsonl", "--clusters", "clusters.jsonl"]);
        }
    }
}

#[test]
fn what_a_page_says_to_type_is_taken() {
    for provider in providers() {
        let typed = blocks(&page(id(&provider)), "sh").concat().replace("\\\n", " ");
        let command =
            typed.lines().find_map(|line| line.strip_prefix("target/release/judge-host --providers plugins "));
        let command = command.unwrap_or_else(|| panic!("{}: no command", id(&provider)));
        let from_root = |word: &str| match word.strip_prefix("examples/") {
            Some(_) => root().join(word).to_string_lossy().into_owned(),
            None => word.to_owned(),
        };
        let words: Vec<String> = command.split_whitespace().map(from_root).collect();
        assert!(words.windows(2).any(|pair| pair == ["--provider", id(&provider)]), "{command}");
        taken(&provider, &Case::new(), &words);
    }
}

/// A dry run asks no server. Where the request depends on what the server tells of its model, it ends for want of that,
/// after everything typed and pasted was read.
fn taken<S: AsRef<str>>(provider: &Value, case: &Case, words: &[S]) {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).chain(["--dry-run"]).collect();
    let ran = case.run(&words);
    if id(provider) == "triton" {
        let ran = ran.code(2);
        assert!(ran.stderr.contains("profile"), "{}", ran.stderr);
    } else {
        let ran = ran.code(0);
        let is_sent = ran.stdout.starts_with("POST ");
        assert_eq!(is_sent, id(provider) != "lexical", "{}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn the_links_of_a_page_lead_somewhere() {
    let folder = root().join("docs/providers");
    for provider in providers() {
        let page = page(id(&provider));
        let targets = page.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        for target in targets.filter(|target| !target.contains("://")) {
            assert!(folder.join(target).is_file(), "{}: {target}", id(&provider));
        }
    }
}

#[test]
fn the_readme_links_every_page() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    for provider in providers() {
        let id = id(&provider);
        assert!(readme.contains(&format!("| [{id}](docs/providers/{id}.md) |")), "{id}");
    }
}
