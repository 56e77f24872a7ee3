//! `providers test`: a provider is held to recorded exchanges, and survives hostile responses.

use crate::support::{Case, guests, plugins};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A provider of the workspace, and the folder of its vectors.
fn ours() -> Vec<(PathBuf, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace above").to_owned();
    let folders = fs::read_dir(root.join("guest-providers")).expect("the providers").map(|entry| entry.unwrap().path());
    let providers = folders.filter(|folder| folder.is_dir() && !folder.ends_with("sdk"));
    let mut found: Vec<_> = providers
        .map(|folder| {
            let id = folder.file_name().unwrap().to_string_lossy().into_owned();
            (plugins().join(format!("{id}.wasm")), folder.join("vectors"))
        })
        .collect();
    found.sort();
    found
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of the workspace is Unicode")
}

/// What `--json` prints for one of ours.
fn tested(component: &Path, vectors: &Path) -> Value {
    let case = Case::new();
    let ran = case.run(&["providers", "test", text(component), "--vectors", text(vectors), "--json"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    let failed: Vec<&Value> =
        report["cases"].as_array().unwrap().iter().filter(|case| !case["failure"].is_null()).collect();
    assert!(failed.is_empty(), "{}: {failed:#?}", component.display());
    ran.code(0);
    report
}

#[test]
fn all_of_ours_pass() {
    let ours = ours();
    assert_eq!(ours.len(), 6);
    for (component, vectors) in ours {
        let report = tested(&component, &vectors);
        let cases = report["cases"].as_array().unwrap();
        let recorded = cases.iter().filter(|case| case["group"] != "hostile corpus").count();
        assert!(recorded >= 3, "{} has vectors", component.display());
        assert!(cases.len() - recorded >= 784, "{} saw the corpus", component.display());
        assert_eq!(report["failed"], 0);
    }
}

#[test]
fn the_recorded_exchanges_of_ours_lie_beside_them() {
    for (component, vectors) in ours() {
        let ran = Case::new().run(&["providers", "test", text(&component), "--json"]).code(0);
        assert!(!ran.stderr.contains("no recorded exchanges"), "{}", ran.stderr);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        let groups = report["cases"].as_array().unwrap().iter().map(|case| case["group"].as_str().unwrap());
        let repeated: BTreeSet<&str> = groups.filter(|group| !group.starts_with("hostile corpus")).collect();
        let files = fs::read_dir(&vectors).unwrap().map(|entry| entry.unwrap().path());
        let files: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|end| end == "json")).collect();
        let recorded: BTreeSet<&str> = files.iter().map(|file| file.file_stem().unwrap().to_str().unwrap()).collect();
        assert_eq!(repeated, recorded, "{}", component.display());
    }
    // A folder that ends in `.vectors` is no component, and is not refused as one.
    let listed = Case::new().run(&["providers", "--json"]).code(0).stdout;
    let entries: Vec<Value> = serde_json::from_str(&listed).unwrap();
    assert_eq!((entries.len(), entries.iter().filter(|entry| entry["state"] == "loaded").count()), (6, 6), "{listed}");
}

/// One vector on the misbehaving provider, with its failures.
fn misbehaved(vector: &Value) -> Vec<String> {
    let case = Case::new();
    fs::create_dir(case.path("vectors")).unwrap();
    case.file("vectors/one.json", vector.to_string());
    let component = guests().join("guest_misbehaving.wasm");
    let ran = case.run(&["providers", "test", text(&component), "--vectors", "vectors", "--json"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    let own = report["cases"].as_array().unwrap().iter().filter(|case| case["group"] == "one");
    own.filter_map(|case| case["failure"].as_str().map(str::to_owned)).collect()
}

const REQUEST: &str = r#"{"method":"POST","path":"/judge","headers":{"accept":"application/json"},"body":"judge"}"#;

#[test]
fn a_provider_that_does_something_else_fails_by_name() {
    let request: Value = serde_json::from_str(REQUEST).unwrap();
    let skip = json!({ "verdicts": [{ "record_id": "r1", "decision": "skip", "confidence": "low", "rationale": "" }] });
    let ok = json!({ "about": "a skip", "exchange": [{ "status": 200, "body": "ok" }], "answer": skip });
    let vector = |request: &Value, case: &Value| json!({ "about": "x", "request": request, "cases": [case] });
    assert_eq!(misbehaved(&vector(&request, &ok)), [""; 0]);

    let mut other = request.clone();
    other["body"] = "Judge".into();
    let failures = misbehaved(&vector(&other, &ok));
    assert_eq!(failures, ["request: .body differs at byte 0: \"judge\", wanted \"Judge\""]);

    let mut surer = ok.clone();
    surer["answer"]["verdicts"][0]["confidence"] = "high".into();
    assert!(misbehaved(&vector(&request, &surer))[0].contains("[0].confidence differs"));

    let fault = json!({ "about": "x", "exchange": [{ "status": 200, "body": "ok" }], "fault": { "kind": "other" } });
    assert!(misbehaved(&vector(&request, &fault))[0].contains("should end in `fault`, and ends in `answer`"));

    let longer = json!({ "about": "x", "exchange": [{ "status": 200, "body": "ok" }, request], "answer": skip });
    assert!(misbehaved(&vector(&request, &longer))[0].contains("ends before the vector does"));

    let trap = json!({ "about": "x", "settings": { "extra": { "verb": "panic" } }, "request": request });
    assert!(misbehaved(&trap)[0].contains("ends in `fault`: {\"kind\":\"trap\""));
}

#[test]
fn a_strangers_provider_is_tried_without_vectors() {
    let component = guests().join("custom_provider.wasm");
    let ran = Case::new().run(&["providers", "test", text(&component)]).code(0);
    assert!(ran.stdout.contains("pass  hostile corpus: 784 of 784"), "{}", ran.stdout);
    assert!(ran.stderr.contains("no recorded exchanges"), "{}", ran.stderr);
    let ran = Case::new().run(&["providers", "check", text(&component), "--hostile"]).code(0);
    assert!(ran.stdout.contains("withstands 784 hostile responses"), "{}", ran.stdout);
}

#[test]
fn half_of_the_corpus_is_not_told_as_the_whole() {
    // Triton's provider knows what to send only after it has asked the server for the tensors.
    let case = Case::new();
    case.file("triton.wasm", fs::read(plugins().join("triton.wasm")).unwrap());
    let ran = case.run(&["providers", "test", "triton.wasm"]).code(0);
    assert!(ran.stdout.contains("pass  hostile corpus, in the preparation alone"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\n392 cases, 0 failed\n"), "{}", ran.stdout);
    let report: Value =
        serde_json::from_str(&case.run(&["providers", "test", "triton.wasm", "--json"]).code(0).stdout).unwrap();
    assert_eq!((&report["passed"], report["cases"].as_array().map(Vec::len)), (&json!(392), Some(392)));
}

#[test]
fn updating_writes_what_the_provider_did() {
    let case = Case::new();
    fs::create_dir(case.path("v")).unwrap();
    case.file("v/one.json", r#"{"about":"x","cases":[{"about":"y","exchange":[{"status":500,"body":"no"}]}]}"#);
    let component = guests().join("guest_misbehaving.wasm");
    let args = ["providers", "test", text(&component), "--vectors", "v"];
    case.run(&args).code(1);
    case.run(&[&args[..], &["--update"]].concat()).code(0);
    let written: Value = serde_json::from_str(&case.read("v/one.json")).unwrap();
    assert_eq!(written["cases"][0]["fault"]["kind"], "unavailable");
    assert_eq!(written["request"].to_string(), serde_json::from_str::<Value>(REQUEST).unwrap().to_string());
    case.run(&args).code(0);
}

#[test]
fn what_is_no_vector_is_told_with_its_place() {
    let component = guests().join("guest_misbehaving.wasm");
    for (file, told) in [("{", "line 1 column 1"), (r#"{"about":"x","cassettes":[]}"#, "cassettes"), ("{}", "about")] {
        let case = Case::new();
        fs::create_dir(case.path("v")).unwrap();
        case.file("v/one.json", file);
        let ran = case.run(&["providers", "test", text(&component), "--vectors", "v"]).code(2);
        assert!(ran.stderr.contains("v/one.json") && ran.stderr.contains(told), "{file}: {}", ran.stderr);
        assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
    }
    let ran = Case::new().run(&["providers", "test", text(&component), "--vectors", "nowhere"]).code(2);
    assert!(ran.stderr.contains("nowhere") && ran.stderr.contains("hint: "), "{}", ran.stderr);
}
