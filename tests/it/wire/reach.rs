//! Where a provider's own choice of an endpoint leads, and the proxies that may stand before it.

use super::case;
use crate::support::{Case, guests, plugins};
use serde_json::{Value, json};
use std::fs;

const DRY: [&str; 5] = ["judge", "records.jsonl", "--clusters", "clusters.jsonl", "--dry-run"];

#[test]
fn a_strangers_default_does_not_lead_to_this_machine() {
    let case = case(1);
    let folder = guests();
    let given = ["--providers", folder.to_str().unwrap(), "--provider", "misbehaving"];
    let ran = case.run(&[&DRY[..], &given].concat()).code(2);
    assert!(
        ran.stderr.contains(
            "error: `localhost` leads to a loopback address, which only the operator may name: 127.0.0.1\n\
             hint: if you mean that server, name it: `--endpoint http://localhost:1`, or \
             `endpoint = \"http://localhost:1\"` in the provider's table of judge.toml\n"
        ),
        "{}",
        ran.stderr
    );
    case.file("judge.toml", "[provider.misbehaving]\nendpoint = \"http://localhost:1\"\n");
    let ran = case.run(&[&DRY[..], &given].concat()).code(0);
    assert!(ran.stdout.starts_with("POST http://localhost:1/judge\n"), "{}", ran.stdout);
}

#[test]
fn a_known_server_of_this_machine_is_reached_where_its_provider_is_named() {
    let case = case(1);
    case.file("alone/ollama.wasm", fs::read(plugins().join("ollama.wasm")).unwrap());
    let given = ["--providers", "alone", "--model", "m"];
    let ran = case.run(&[&DRY[..], &given].concat()).code(2);
    assert!(
        ran.stderr.contains("hint: if you mean that server, name it: `--endpoint http://localhost:11434`"),
        "{ran:?}"
    );
    for named in [&["--provider", "ollama"], &["--endpoint", "http://localhost:11434"]] {
        let ran = case.run(&[&DRY[..], &given, named].concat()).code(0);
        assert!(ran.stdout.starts_with("POST http://localhost:11434/api/chat\n"), "{}", ran.stdout);
    }
}

#[test]
fn a_metadata_service_is_reached_by_nobody() {
    let case = case(1);
    for endpoint in ["http://169.254.169.254/latest", "http://metadata.google.internal", "http://[::ffff:a9fe:a9fe]"] {
        let given = ["--provider", "openai", "--endpoint", endpoint, "--model", "m"];
        let ran = case.run(&[&DRY[..], &given].concat()).code(2);
        assert!(ran.stderr.contains("which no request may go to"), "{}", ran.stderr);
    }
}

#[test]
fn proxies_are_told_without_their_password() {
    let mut case = Case::new();
    assert!(!case.run(&["providers"]).code(0).stdout.contains("proxies:"), "none, no line");
    case.env("https_proxy", "http://me:hunter2@proxy:3128");
    case.env("ALL_PROXY", "socks5://me:hunter2@h:1080");
    case.env("NO_PROXY", "openrouter.ai");
    let ran = case.run(&["providers"]).code(0);
    let line = "\nproxies: http through none that can be used (ALL_PROXY), https through \
                http://proxy:3128 (https_proxy); without: openrouter.ai (NO_PROXY), servers on this machine\n";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
    let listed = case.run(&["providers", "--json"]).code(0);
    let entries: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    for entry in &entries {
        let before = ["openai", "anthropic"].contains(&entry["id"].as_str().unwrap());
        assert_eq!(entry["proxy"], if before { json!("http://proxy:3128") } else { Value::Null }, "{entry}");
    }
    assert!(!format!("{}{}{}", ran.stdout, ran.stderr, listed.stdout).contains("hunter2"));
}
