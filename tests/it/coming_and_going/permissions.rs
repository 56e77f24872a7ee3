//! `providers show ID`: what a provider could do, and never a key.

use crate::support::{Case, Ran};
use serde_json::Value;

const KEY: &str = "sk-verysecret";

fn show(case: &Case, line: &str) -> Ran {
    let line = format!("providers show {line}");
    let ran = case.run(&line.split_whitespace().collect::<Vec<_>>());
    assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "{}{}", ran.stdout, ran.stderr);
    ran
}

/// The value of a row.
fn row(ran: &Ran, name: &str) -> String {
    let row = ran.stdout.lines().find_map(|line| line.strip_prefix(&format!("  {name:<9} ")));
    row.unwrap_or_else(|| panic!("no row `{name}`: {}", ran.stdout)).to_owned()
}

#[test]
fn shows_file_digest_contract_signer_lock_and_limits() {
    let case = Case::new();
    let ran = show(&case, "openai").code(0);
    assert_eq!(ran.stderr, "");
    assert!(row(&ran, "file").contains("openai.wasm ("));
    assert_eq!(row(&ran, "digest").len(), 64);
    assert_eq!(row(&ran, "contract"), "0.1.0");
    assert_eq!(row(&ran, "signer"), "not checked: no `trusted_keys` are given");
    assert!(row(&ran, "lock").starts_with("no plugins.lock; "));
    assert_eq!(
        row(&ran, "limits"),
        "a call: 64 MiB of memory, 500 ms of CPU, 5000 ms in all, 512 KiB of stack, 8 MiB of output, 4 KiB of log"
    );
    assert!(ran.stdout.contains("requests: 3 for a job, 8 for a preparation"), "{}", ran.stdout);
    assert!(row(&ran, "setting").contains(" [default: "));
}

#[test]
fn each_import_is_shown_with_what_is_given_of_it_and_none_as_none() {
    let case = Case::new();
    let ran = show(&case, "lexical --json").code(0);
    let shown: Value = serde_json::from_str(&ran.stdout).unwrap();
    let imports = shown["imports"].as_array().unwrap().clone();
    assert!(imports.iter().all(|import| !import["given"].as_str().unwrap().is_empty()), "{imports:?}");
    let told = row(&show(&case, "lexical"), "imports");
    assert!(told == "none" || told.contains(" (inert): "), "{told}");
    assert_eq!(told == "none", imports.is_empty());
}

#[test]
fn says_where_requests_go_which_key_goes_along_and_who_said_so() {
    let mut case = Case::new();
    case.file("judge.toml", "[provider.ollama]\nendpoint = \"http://gpu:11434\"\n");
    let own = show(&case, "openai").code(0);
    assert_eq!(row(&own, "endpoint"), "https://api.openai.com/v1 (from the provider's own default)");
    assert_eq!(
        row(&own, "key"),
        "authorization: Bearer [the key in OPENAI_API_KEY (the vendor's own, not set)], to https://api.openai.com and \
         nowhere else"
    );
    case.env("OPENAI_API_KEY", KEY);
    case.env("MINE", KEY);
    assert!(row(&show(&case, "openai"), "key").contains("(the vendor's own, set)"));
    let elsewhere = show(&case, "openai --endpoint http://gpu:8000/v1").code(0);
    assert_eq!(row(&elsewhere, "endpoint"), "http://gpu:8000/v1 (from flag `--endpoint`)");
    assert_eq!(
        row(&elsewhere, "key"),
        "none: OPENAI_API_KEY is not sent to this server unless `--api-key-env` names it"
    );
    let named = show(&case, "openai --endpoint http://gpu:8000/v1 --api-key-env MINE").code(0);
    assert_eq!(
        row(&named, "key"),
        "authorization: Bearer [the key in MINE (flag `--api-key-env`, set)], to http://gpu:8000 and nowhere else"
    );
    let several = show(&case, "openai --endpoint http://gpu1:8000,http://gpu2:8000 --api-key-env MINE").code(0);
    assert!(row(&several, "key").ends_with("to http://gpu1:8000 and http://gpu2:8000 and nowhere else"));
    assert!(several.stdout.contains("            http://gpu2:8000 (from flag `--endpoint`)\n"), "{}", several.stdout);
    case.env("DEFAULT_LLM_PROVIDER", "lexical");
    let beside = show(&case, "openai --endpoint http://gpu:8000").code(0);
    assert_eq!(row(&beside, "endpoint"), "http://gpu:8000 (from flag `--endpoint`)");
    let file = show(&case, "ollama").code(0);
    assert_eq!(row(&file, "endpoint"), "http://gpu:11434 (from `judge.toml: provider.ollama.endpoint`)");
    case.env("OLLAMA_API_URL", "http://other:1");
    assert_eq!(row(&show(&case, "ollama"), "endpoint"), "http://other:1 (from environment `OLLAMA_API_URL`)");
    let lexical = show(&case, "lexical").code(0);
    assert_eq!(row(&lexical, "endpoint"), "none: it sends nothing");
    assert_eq!(row(&lexical, "key"), "none: it has no place for one");
}

#[test]
fn the_json_has_the_fields_that_others_script_against() {
    const FIELDS: &str = "id version summary file size_bytes digest contract signer lock locked imports endpoint \
                          endpoints endpoint_from auth limits settings";
    let case = Case::new();
    let shown: Value = serde_json::from_str(&show(&case, "openai --json").code(0).stdout).unwrap();
    let fields: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, FIELDS.split_whitespace().collect::<Vec<_>>());
    assert_eq!((&shown["lock"], &shown["locked"]), (&"no-file".into(), &false.into()));
    assert_eq!(shown["signer"]["state"], "not-checked");
    assert_eq!(shown["auth"]["bound_to"], "https://api.openai.com");
    assert_eq!((&shown["limits"]["memory_bytes"], &shown["limits"]["cpu_ms"]), (&67_108_864.into(), &500.into()));
}

#[test]
fn an_unknown_one_is_answered_with_those_there_are() {
    let ran = show(&Case::new(), "olama").code(2);
    assert!(ran.stderr.contains("no such provider: `olama`\nhint: loaded are: anthropic, lexical"), "{}", ran.stderr);
}

#[test]
fn how_it_stands_to_the_lock_file_is_told() {
    let case = super::case();
    let run = |line: &str| case.run(&line.split_whitespace().collect::<Vec<_>>());
    let lock = |flag: &str| row(&run(&format!("--providers p {flag} providers show {}", super::ID)), "lock");
    assert!(lock("").starts_with("no plugins.lock"));
    run("--providers p providers lock").code(0);
    assert_eq!(lock(""), "as in plugins.lock; `--locked` would load it");
    assert_eq!(lock("--locked"), "as in plugins.lock, and nothing else is loaded");
    super::put(&case.path("p/misbehaving.wasm"), &super::variant(1));
    assert_eq!(lock(""), "another than in plugins.lock; `--locked` would refuse it");
    super::put(&case.path("p/custom.wasm"), &super::component("custom_provider.wasm"));
    let custom = run("--providers p providers --json");
    let entries: Vec<Value> = serde_json::from_str(&custom.stdout).unwrap();
    let other = entries.iter().map(|entry| entry["id"].as_str().unwrap()).find(|id| *id != super::ID).unwrap();
    let told = row(&run(&format!("--providers p providers show {other}")), "lock");
    assert_eq!(told, "not in plugins.lock; `--locked` would refuse it");
}
