//! Rules worth keeping: who may know whom, how long a file and a function may be, what must not be in the code.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest file, in lines, its own unit tests not counted.
const FILE_LINES_MAX: usize = 400;
/// The longest function, in lines, from its `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;

/// Foreign crates that one room alone may name, and why.
const EDGES: &[(&str, &[&str], &str)] = &[
    ("wasmtime", &["sandbox/"], "providers are components only there"),
    ("wasmtime_wasi", &["sandbox/"], "providers are components only there"),
    ("rayon", &["sandbox/"], "threads that compute are for the compiler only"),
    ("wasmparser", &["sandbox/"], "components are looked into only there"),
    ("reqwest", &["transport/"], "HTTP is spoken only there"),
    ("nvml_wrapper", &["gauge/"], "cards are looked at only there"),
    ("rustls", &["transport/"], "HTTP is spoken only there"),
    ("hyper", &["transport/"], "HTTP is spoken only there"),
    ("hyper_util", &["transport/"], "HTTP is spoken only there"),
    ("rusqlite", &["registry/"], "the store is behind the registry"),
    ("indicatif", &["report/"], "only the report draws"),
    ("comfy_table", &["report/"], "only the report draws"),
    ("plotters", &["report/"], "only the report draws"),
    ("notify", &["provider/"], "a folder is watched only there"),
    ("minisign_verify", &["provider/"], "who signed a component is asked only there"),
    ("clap", &["cli/", "main.rs"], "flags end at the command line"),
    ("dotenvy", &["config/"], "the environment is read in one place"),
];

/// What each room may use of the others. A room that is not listed may use none.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("control", &["model"]),
    ("provider", &["model"]),
    ("transport", &["model"]),
    ("registry", &["model"]),
    ("gauge", &["model", "transport"]),
    ("conformance", &["model", "provider"]),
    ("sandbox", &["model", "provider"]),
    ("report", &["model"]),
    ("config", &["model", "cli"]),
    ("job", &["model", "control", "provider", "transport", "registry"]),
];

/// Words that must not stand in a room's code, and why.
const BANNED: &[(&str, &str)] = &[
    ("TODO", "finish it or file an issue"),
    ("FIXME", "finish it or file an issue"),
    ("unimplemented!(", "a stub is a defect"),
    ("todo!(", "a stub is a defect"),
    ("#[allow(", "use `#[expect(lint, reason = …)]`"),
    ("env::var", "config/ is the only reader of the environment"),
    (".unwrap()", "say why it cannot happen, or return the error"),
];

struct Source {
    /// Below its crate's `src/`.
    name: String,
    text: String,
}

impl Source {
    /// The lines before the unit tests that stand in the file; tests in a file of their own are no end.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> + Clone {
        let lines: Vec<&str> = self.text.lines().collect();
        let begins_tests =
            |pair: &[&str]| pair[0].starts_with("#[cfg(test)]") && pair[1].contains("mod ") && pair[1].ends_with('{');
        let end = lines.windows(2).position(begins_tests).unwrap_or(lines.len());
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line)).take(end)
    }

    fn is_test(&self) -> bool {
        self.name.ends_with("tests.rs") || self.name.contains("/tests/")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace above").to_owned()
}

fn sources(folder: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    collect(folder, folder, &mut found);
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!found.is_empty(), "no source below {}", folder.display());
    found
}

fn collect(base: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect(base, &path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let name = path.strip_prefix(base).expect("below the base").to_string_lossy().replace('\\', "/");
            found.push(Source { name, text: fs::read_to_string(&path).expect("readable source") });
        }
    }
}

/// Fails with all breaches at once: a list is mended faster than one breach a run.
fn check(breaches: impl IntoIterator<Item = String>) {
    let mut list = String::new();
    for breach in breaches {
        writeln!(list, "  {breach}").expect("a string takes everything");
    }
    assert!(list.is_empty(), "\n{list}");
}

/// The first word of a path after `prefix`, wherever it stands in the line.
fn words_after<'a>(line: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    line.match_indices(prefix).map(move |(at, _)| {
        let rest = &line[at + prefix.len()..];
        &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())]
    })
}

/// Whether a line names this crate: in a path, with or without `::` before it, or alone after `use`.
fn names_crate(line: &str, name: &str) -> bool {
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    line.match_indices(name).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + name.len()..]);
        let whole = !before.ends_with(is_word) && !after.starts_with(is_word);
        // `crate::http::` and `self::csv::` are our own rooms.
        let own = before.strip_suffix("::").is_some_and(|path| path.ends_with(is_word));
        whole && !own && (after.starts_with("::") || before.ends_with("use ") || before.ends_with("use ::"))
    })
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

#[test]
fn foreign_crates_stay_in_their_rooms() {
    let mut breaches = Vec::new();
    for source in sources(&root().join("host/src")) {
        for (number, line) in source.code().filter(|(_, line)| !is_comment(line)) {
            for (name, rooms, reason) in EDGES {
                if names_crate(line, name) && !rooms.iter().any(|room| source.name.starts_with(room)) {
                    breaches.push(format!("{}:{number}: names `{name}`: {reason}", source.name));
                }
            }
        }
    }
    check(breaches);
}

#[test]
fn rooms_know_only_whom_they_may() {
    let allowed: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut breaches = Vec::new();
    for source in sources(&root().join("host/src")) {
        let Some((room, _)) = source.name.split_once('/') else { continue };
        // The composition root and the command line wire everything.
        if matches!(room, "judge" | "cli") {
            continue;
        }
        for (number, line) in source.code().filter(|(_, line)| !is_comment(line)) {
            for used in words_after(line, "crate::") {
                if used != room && !allowed.get(room).is_some_and(|rooms| rooms.contains(&used)) {
                    breaches.push(format!("{}:{number}: `{room}` must not know `{used}`", source.name));
                }
            }
        }
    }
    check(breaches);
}

#[test]
fn the_code_holds_nothing_that_is_banned() {
    let mut breaches = Vec::new();
    for source in sources(&root().join("host/src")).iter().filter(|source| !source.is_test()) {
        for (number, line) in source.code() {
            for (word, reason) in BANNED {
                let is_reader = *word == "env::var" && source.name.starts_with("config/");
                if line.contains(word) && !is_reader && !is_comment(line) {
                    breaches.push(format!("{}:{number}: `{word}`: {reason}", source.name));
                }
            }
        }
    }
    check(breaches);
}

#[test]
fn files_and_functions_stay_short() {
    let mut breaches = Vec::new();
    for folder in ["host/src", "relevance/src", "guest-providers", "tests/kit/src", "xtask/src"] {
        for source in sources(&root().join(folder)) {
            let lines = source.code().count();
            if lines > FILE_LINES_MAX {
                breaches.push(format!("{folder}/{}: {lines} lines", source.name));
            }
            breaches.extend(
                long_functions(&source)
                    .map(|(number, lines)| format!("{folder}/{}:{number}: a function of {lines} lines", source.name)),
            );
        }
    }
    check(breaches);
}

/// Functions over the limit: where they start, and how long they are. Relies on rustfmt: a function ends at the
/// first closing brace that is indented like its `fn`.
fn long_functions(source: &Source) -> impl Iterator<Item = (usize, usize)> {
    let lines: Vec<_> = source.code().collect();
    let starts = lines.clone().into_iter().filter(|(_, line)| {
        let head = line.trim_start();
        !is_comment(line) && (head.starts_with("fn ") || head.contains(" fn ")) && !line.trim_end().ends_with(';')
    });
    starts.filter_map(move |(number, line)| {
        let indent = line.len() - line.trim_start().len();
        let closing = format!("{}}}", " ".repeat(indent));
        if line.trim_end().ends_with('}') {
            return None;
        }
        let end = lines[number..].iter().find(|(_, line)| line.trim_end() == closing).map(|(end, _)| *end)?;
        let length = end - number + 1;
        (length > FUNCTION_LINES_MAX).then_some((number, length))
    })
}

#[test]
fn the_look_for_crates_finds_every_spelling_and_nothing_else() {
    for (line, found) in [
        ("use reqwest::Client;", true),
        ("use ::reqwest as http;", true),
        ("fn of(error: &::reqwest::Error)", true),
        ("    error: reqwest::Error,", true),
        ("use crate::reqwest::Client;", false),
        ("let my_reqwest = my_reqwest::get();", false),
        ("use reqwest_middleware::Client;", false),
    ] {
        assert_eq!(names_crate(line, "reqwest"), found, "{line}");
    }
    let text = "#[cfg(test)]\nmod tests;\nuse a::b;\n\n#[cfg(test)]\nmod inline {\n    use c::d;\n}\n";
    let source = Source { name: "x.rs".into(), text: text.into() };
    assert_eq!(source.code().last(), Some((4, "")), "code goes on after tests in a file of their own");
}

#[test]
fn the_measure_of_functions_measures() {
    let body = "    let x = 1;\n".repeat(FUNCTION_LINES_MAX);
    let text = format!("fn short() {{\n    let x = 1;\n}}\n\nfn long() {{\n{body}}}\n");
    let source = Source { name: "x.rs".into(), text };
    assert_eq!(long_functions(&source).collect::<Vec<_>>(), [(5, FUNCTION_LINES_MAX + 2)]);
}

#[test]
fn the_contract_documents_every_item() {
    let wit = fs::read_to_string(root().join("wit/judge-provider-0.1.0/provider.wit")).expect("the contract");
    let mut breaches = Vec::new();
    let mut documented = false;
    for (index, line) in wit.lines().enumerate().map(|(index, line)| (index + 1, line.trim())) {
        let is_item = !matches!(line, "" | "}") && !line.starts_with("//") && !line.starts_with("package");
        if line.starts_with("///") {
            documented = true;
        } else if is_item {
            if !documented && !line.starts_with("export provider") {
                breaches.push(format!("provider.wit:{index}: no sentence on `{line}`"));
            }
            documented = false;
        }
    }
    check(breaches);
}

#[test]
fn every_manifest_names_the_licence() {
    for manifest in ["host", "relevance", "guest-providers/sdk", "tests", "xtask"] {
        let text = fs::read_to_string(root().join(manifest).join("Cargo.toml")).expect("a manifest");
        assert!(text.contains("license.workspace = true"), "{manifest}");
    }
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(root().join(licence).is_file(), "{licence}");
    }
}

#[test]
fn the_readme_names_every_key_of_the_configuration() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let documented =
        |name: &str| readme.lines().any(|line| line.starts_with('|') && line.contains(&format!("`{name}`")));
    check(judge_host::config::SPECS.iter().flat_map(|spec| {
        let names = [Some(spec.name), Some(spec.flag), spec.variable];
        names
            .into_iter()
            .flatten()
            .filter(|name| !documented(name))
            .map(|name| format!("README.md: no row for `{name}`"))
    }));
}

#[test]
fn the_links_of_the_documents_lead_somewhere() {
    let mut breaches = Vec::new();
    for name in ["README.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md", "examples/banking77/README.md"] {
        let path = root().join(name);
        let text = fs::read_to_string(&path).expect("a document");
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split([')', '#']).next().unwrap_or_default();
            let is_file = !target.is_empty() && !target.contains("://");
            if is_file && !path.parent().expect("a folder").join(target).exists() {
                breaches.push(format!("{name}: leads nowhere: {target}"));
            }
        }
    }
    check(breaches);
}
