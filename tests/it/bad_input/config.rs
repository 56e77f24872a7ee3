//! Wrong values and unknown names, wherever they come from: told with their origin before anything is begun.

use super::{case, refused, run};
use crate::support::Case;

const JUDGE: &str = "judge records.jsonl --provider lexical";

#[test]
fn a_wrong_flag_is_told_with_what_is_expected() {
    let case = case();
    for (flags, error, hint) in [
        ("--parallel 0", "wrong value from flag `--parallel`: `0`", "expected: a whole number from 1 to 4096"),
        ("--parallel many", "wrong value from flag `--parallel`: `many`", "a whole number from 1 to 4096"),
        ("--parallel auto:9-8", "wrong value from flag `--parallel`: `auto:9-8`", "MIN not over MAX"),
        ("--budget 5eur", "wrong value from flag `--budget`: `5eur`", "US dollars over 0"),
        (
            "--escalate-below high",
            "fewer than two providers in `provider`, but flag `--escalate-below`",
            "name a second",
        ),
        ("--endpoint http://a,http://a:80", "wrong value from flag `--endpoint`: `http://a:80`", "each server once"),
        ("--attempts 0", "wrong value from flag `--attempts`: `0`", "a whole number from 1 to 100"),
        ("--timeout soon", "wrong value from flag `--timeout`: `soon`", "such as `120s` or `2m`"),
        ("--temperature -1", "wrong value from flag `--temperature`: `-1`", "a number from 0 to 2"),
        ("--language русский", "wrong value from flag `--language`: `русский`", "a BCP 47 tag"),
        ("--setting threshold", "wrong value from flag `--setting`: `threshold`", "expected: NAME=VALUE"),
        ("--setting treshold=1", "provider `lexical` has no setting `treshold`, given by flag `--setting`", "it has: "),
        ("--limit x", "invalid value 'x' for '--limit <N>'", "`--help` shows what it takes"),
        ("--no-such-flag", "unexpected argument '--no-such-flag' found", "`--help` shows what it takes"),
    ] {
        refused(run(&case, &format!("{JUDGE} {flags}")), error, hint);
    }
    refused(run(&case, "juge"), "unrecognized subcommand 'juge'", "`--help` shows what it takes");
    refused(
        run(&case, "bench - --provider lexical"),
        "bench cannot read its records from stdin",
        "give a JSONL or CSV file",
    );
    assert!(!case.path("judge.db").exists());
}

#[test]
fn a_setting_whose_value_cannot_be_read_is_told_before_the_first_record() {
    let case = case();
    let ran = run(&case, &format!("{JUDGE} --setting threshold=high"));
    refused(ran, "threshold", "threshold");
}

#[test]
fn a_wrong_variable_is_told_by_its_name() {
    for (name, value, hint) in [
        ("PARALLEL_INFERENCE_BATCH_SIZE", "0", "a whole number from 1 to 4096"),
        ("DEFAULT_TEMPERATURE", "hot", "a number from 0 to 2"),
        ("DEFAULT_MAX_TOKENS", "none", "a whole number from 1 to"),
    ] {
        let error = format!("wrong value from environment `{name}`: `{value}`");
        let mut in_process = case();
        in_process.env(name, value);
        refused(run(&in_process, JUDGE), &error, hint);
        let in_file = case();
        in_file.file(".env", format!("{name}={value}\n"));
        refused(run(&in_file, JUDGE), &error, hint);
    }
    let mut named = case();
    named.env("DEFAULT_LLM_PROVIDER", "gpt");
    refused(
        run(&named, "judge records.jsonl"),
        "no such provider: `gpt`",
        "loaded are: anthropic, lexical, ollama, openai, openrouter, triton",
    );
}

#[test]
fn a_line_of_the_env_file_that_cannot_be_read_is_told_without_its_value() {
    let case = case();
    case.file(".env", "OPENAI_API_KEY=sk-secret and more\n");
    let ran = run(&case, &format!("{JUDGE} --clusters clusters.jsonl")).code(0);
    assert!(ran.stderr.contains("note: ./.env line 1 is no NAME=value and is ignored"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("sk-secret"), "{}", ran.stderr);
}

fn with_file(content: &str) -> Case {
    let case = case();
    case.file("judge.toml", content);
    case
}

#[test]
fn a_wrong_configuration_file_is_told_by_key_or_line() {
    for (content, error, hint) in [
        ("parallel = 0", "wrong value from `judge.toml: parallel`: `0`", "a whole number from 1 to 4096"),
        ("timeout = [1]", "wrong value from `judge.toml: timeout`: `[1]`", "one text, number, true or false"),
        ("paralel = 5", "unknown key in `judge.toml`: `paralel`", "did you mean `parallel`?"),
        ("[prices.m]\ninput = 1", "no price in `judge.toml`: `prices.\"m\".output`", "0 where they cost nothing"),
        ("colour = 5", "unknown key in `judge.toml`: `colour`", "known keys here: providers, provider, model"),
        (
            "[provider.openai]\nkey = 5",
            "unknown key in `judge.toml`: `provider.openai.key`",
            "endpoint, endpoints, metrics, model, api_key_env",
        ),
        (
            "[provider.lexical.settings]\nlimit = 5",
            "no setting `limit`, given by `judge.toml: provider.lexical",
            "it has: ",
        ),
        (
            "[provider.lexical]\napi_key_env = \"X\"",
            "provider `lexical` takes no key, but `judge.toml: provider.lexical.api_key_env` names one",
            "choose another provider",
        ),
        ("\nparallel = = 5", "`judge.toml` is not valid TOML at line 2: ", "examples/judge.toml shows every key"),
    ] {
        refused(run(&with_file(content), JUDGE), error, hint);
    }
}

#[test]
fn a_configuration_file_that_cannot_be_read_is_refused() {
    let case = case();
    case.file("folder/x", "");
    case.file("broken.toml", b"parallel = \"\xff\"");
    for name in ["none.toml", "folder", "broken.toml"] {
        let error = format!("cannot read the configuration `{name}`");
        refused(
            run(&case, &format!("--config {name} {JUDGE}")),
            &error,
            "a readable file, or name another with --config",
        );
    }
}

#[test]
fn what_is_wrong_for_a_run_is_wrong_for_a_bench_too() {
    let case = case();
    for (line, error, hint) in [
        ("bench records.jsonl --provider lexical --parallel 1,0", "flag `--parallel`: `0`", "from 1 to 4096"),
        (
            "bench records.jsonl --provider lexical --plot none/p.svg",
            "cannot write the plot: none/p.svg",
            "a folder that",
        ),
        (
            "bench records.jsonl --provider lexical --plot records.jsonl",
            "--plot would overwrite the records",
            "another file",
        ),
        ("bench none.jsonl --provider lexical", "cannot read the records: none.jsonl", "there is no file"),
        ("bench records.jsonl --provider none", "no such provider: `none`", "loaded are: "),
    ] {
        refused(run(&case, line), error, hint);
    }
}
