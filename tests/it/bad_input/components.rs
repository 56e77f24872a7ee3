//! Files in the folder of providers that are none: each is refused with its reason, and the others go on.

use super::{LEXICAL, case, ids, refused, run};
use crate::support::{Case, plugins};
use std::fs;

/// A component that exports an interface of this name, empty, and imports these, empty too.
fn component(imports: &[&str], export: &str) -> Vec<u8> {
    let imports: Vec<String> = imports.iter().map(|import| format!("(import \"{import}\" (instance))")).collect();
    let imports = imports.join(" ");
    wat::parse_str(format!("(component {imports} (instance $i) (export \"{export}\" (instance $i)))")).unwrap()
}

/// A file's name and bytes, why it is refused, and what can be done.
type Slip = (&'static str, Vec<u8>, &'static str, &'static str);

fn slips() -> Vec<Slip> {
    const PROVIDER: &str = "judge:provider/provider@0.1.0";
    let lexical = fs::read(plugins().join("lexical.wasm")).unwrap();
    let cut = lexical[..lexical.len() / 2].to_vec();
    let again = "build or copy the file again";
    let without = "build it without these interfaces";
    let against = "build it against wit/judge-provider-0.1.0";
    vec![
        ("b-text.wasm", b"hello".to_vec(), "not a WebAssembly file", again),
        ("c-empty.wasm", Vec::new(), "a damaged component: the file ends after 0 bytes", again),
        ("d-cut.wasm", cut, "a damaged component: ", again),
        ("e-core.wasm", wat::parse_str("(module)").unwrap(), "a core module, not a component", "wasm32-wasip2"),
        ("f-wat.wasm", b"(component)".to_vec(), "WebAssembly text, not a binary", "wasm-tools parse FILE"),
        (
            "g-nothing.wasm",
            wat::parse_str("(component)").unwrap(),
            "not a provider: exports nothing",
            "a provider exports `judge:provider/provider`",
        ),
        (
            "h-other.wasm",
            component(&[], "acme:tool/run@1.0.0"),
            "not a provider: exports acme:tool/run@1.0.0",
            "a provider exports `judge:provider/provider`",
        ),
        (
            "i-sockets.wasm",
            component(&["wasi:sockets/tcp@0.2.0"], PROVIDER),
            "wants imports that are not given: wasi:sockets/tcp@0.2.0 (a provider has no network",
            without,
        ),
        (
            "j-http.wasm",
            component(&["wasi:http/types@0.2.0", "wasi:http/outgoing-handler@0.2.0"], PROVIDER),
            "wasi:http/types@0.2.0, wasi:http/outgoing-handler@0.2.0 (a provider makes no calls",
            without,
        ),
        (
            "k-version.wasm",
            component(&[], "judge:provider/provider@0.2.0"),
            "built for version 0.2.0 of the contract; this host speaks 0.1.0",
            against,
        ),
        ("l-types.wasm", component(&[], PROVIDER), "does not fit the contract: ", against),
        (
            "m-machine-code.wasm",
            b"\x7fELF\x02\x01\x01".to_vec(),
            "precompiled machine code, not WebAssembly",
            "give the `.wasm` component itself",
        ),
        (
            "n-bomb.wasm",
            wat::parse_str(format!("(component {})", "(core module)".repeat(1_000))).unwrap(),
            "too complex to be compiled: more than 128 core modules",
            "build it optimised",
        ),
    ]
}

/// A folder `mixed` with the lexical provider, all slips, and a second provider of the same id.
fn mixed(slips: &[Slip]) -> Case {
    let case = case();
    for name in ["a-lexical.wasm", "z-twin.wasm"] {
        case.file(&format!("mixed/{name}"), fs::read(plugins().join("lexical.wasm")).unwrap());
    }
    for (name, bytes, ..) in slips {
        case.file(&format!("mixed/{name}"), bytes);
    }
    case
}

#[test]
fn a_file_that_is_no_provider_is_refused_with_its_reason_and_the_others_load() {
    let slips = slips();
    let case = mixed(&slips);
    let ran = run(&case, "--providers mixed providers").code(0);
    assert_eq!(ran.stderr, "");
    assert!(
        ran.stdout.lines().any(|line| line.starts_with(" lexical ") && line.contains(" loaded ")),
        "{}",
        ran.stdout
    );
    let told = |name: &str, reason: &str, hint: &str| {
        let (_, after) = ran.stdout.split_once(&format!("\nrefused {name}: ")).unwrap_or_else(|| panic!("{name}"));
        let mut lines = after.lines();
        let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        assert!(first.contains(reason), "{name}: {first}");
        assert!(second.starts_with("  hint: ") && second.contains(hint), "{name}: {second}");
    };
    for (name, _, reason, hint) in &slips {
        told(name, reason, hint);
    }
    told("z-twin.wasm", "its id `lexical` is taken by `a-lexical.wasm`", "move one of the two out of the folder");

    let json = run(&case, "--providers mixed providers --json").code(0).stdout;
    let entries: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    let refused = entries.iter().filter(|entry| entry["state"] == "refused").count();
    assert_eq!((entries.len(), refused), (slips.len() + 2, slips.len() + 1));
}

#[test]
fn one_file_is_checked_by_name() {
    let slips = slips();
    let case = mixed(&slips);
    for (name, _, reason, hint) in &slips {
        let ran = refused(run(&case, &format!("providers check mixed/{name}")), reason, hint);
        assert!(ran.stderr.starts_with(&format!("error: would not be loaded: mixed/{name}\n")), "{}", ran.stderr);
    }
    for name in ["mixed/none.wasm", "mixed"] {
        refused(run(&case, &format!("providers check {name}")), "cannot read the file", "check that the file is there");
    }
    let ran = run(&case, "providers check mixed/z-twin.wasm").code(0);
    assert_eq!(ran.stderr, "it would be loaded\n", "the id is a matter of the folder, not of the file");
}

#[test]
fn what_is_called_precompiled_is_not_so_much_as_looked_at() {
    let case = case();
    case.file("mixed/a-lexical.wasm", fs::read(plugins().join("lexical.wasm")).unwrap());
    // Whatever is in it: machine code, or a component that would be loaded under another name.
    case.file("mixed/machine-code.cwasm", b"\x7fELF\x02\x01\x01");
    case.file("mixed/component.cwasm", fs::read(plugins().join("lexical.wasm")).unwrap());
    let ran = run(&case, "--providers mixed providers").code(0);
    assert!(ran.stdout.contains(" lexical ") && !ran.stdout.contains("cwasm"), "{}", ran.stdout);
    let ran = refused(
        run(&case, "providers check mixed/machine-code.cwasm"),
        "precompiled machine code",
        "give the `.wasm` component itself",
    );
    assert_eq!(ran.stdout, "");
}

#[test]
fn records_are_judged_beside_files_that_are_refused() {
    let case = mixed(&slips());
    let rows = run(&case, &format!("--providers mixed judge records.jsonl {LEXICAL}")).code(0).rows();
    assert_eq!(ids(&rows), ["r0", "r1", "r2"]);
}

#[test]
fn an_unknown_provider_is_answered_with_those_there_are() {
    let case = mixed(&slips());
    let judge = "judge records.jsonl --provider";
    refused(
        run(&case, &format!("{judge} olama")),
        "no such provider: `olama`",
        "loaded are: anthropic, lexical, ollama, openai, openrouter, triton",
    );
    refused(
        run(&case, &format!("--providers mixed {judge} sockets")),
        "no such provider: `sockets`",
        "loaded are: lexical; not loaded: b-text.wasm, c-empty.wasm",
    );
    refused(
        run(&case, "judge records.jsonl"),
        "several providers are loaded",
        "`--provider ID`; loaded: anthropic, lexical, ollama",
    );
}

#[test]
fn a_folder_without_providers_is_told_with_how_to_fill_it() {
    let case = case();
    fs::create_dir(case.path("empty")).unwrap();
    let hint = "`cargo xtask plugins` builds the bundled providers";
    for command in ["providers", "judge records.jsonl --provider lexical"] {
        let ran = run(&case, &format!("--providers none {command}"));
        refused(ran, "no such folder of providers: `none`", hint);
    }
    let ran = run(&case, "--providers records.jsonl providers");
    refused(ran, "cannot list the folder of providers: `records.jsonl`", "check that it is a folder");
    let ran = run(&case, "--providers empty judge records.jsonl --provider lexical");
    refused(ran, "no such provider: `lexical`", hint);
    refused(run(&case, "--providers empty judge records.jsonl"), "no provider is loaded", hint);
    let ran = run(&case, "--providers empty providers").code(0);
    assert!(ran.stderr.starts_with(&format!("hint: {hint}")), "{}", ran.stderr);
}
