use super::*;
use crate::config::{Environment, Flags};
use std::path::Path;

/// The layers of a case: flags by key, variables, and the text of judge.toml.
fn layers(flags: &[(Key, &str)], environment: Environment, file: &str) -> Layers {
    let dir = tempfile::tempdir().expect("a folder for the test");
    std::fs::write(dir.path().join("judge.toml"), file).expect("the file is written");
    let mut given = Flags::default();
    for (key, value) in flags {
        given.set(*key, Some(*value));
    }
    Layers::read(given, environment, dir.path()).expect("a good file")
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let run = Layers::read(Flags::default(), Environment::default(), Path::new("/nowhere"));
    let run = run.expect("no file").run().expect("good defaults");
    assert_eq!((run.parallel.to_string().as_str(), run.vram_gb), ("5", None));
    assert_eq!(run.attempts.get(), 4);
    assert_eq!((run.timeout.as_secs(), run.total_timeout.as_secs()), (120, 600));
    assert_eq!((run.candidates_max.get(), run.slice_size.get()), (20, 60));
    assert_eq!((run.providers.as_path(), run.registry.as_path()), (Path::new("plugins"), Path::new("judge.db")));
    assert_eq!(run.out, Output::Stdout);
    assert!(run.allow_new_cluster && !run.log_bodies && !run.hedge);
    assert_eq!((run.rpm, run.tpm, run.retry_budget_percent), (None, None, 20));
    assert_eq!((run.connect_timeout, run.outage_max), (Duration::from_secs(10), Duration::from_mins(30)));
    assert_eq!((run.dedup, run.records_per_request.get()), (Dedup::Auto, 1));
    assert_eq!((run.budget, run.budget_tokens, run.escalate_below), (None, None, None));
    assert!(run.prices.is_empty());
    assert_eq!((run.provider(), &run.cache_dir), (None, &None));
    assert!(!run.locked && run.trusted_keys.is_empty());
}

#[test]
fn the_higher_layer_wins() {
    let env = || Environment::from([("PARALLEL_INFERENCE_BATCH_SIZE", "16"), ("DEFAULT_LLM_PROVIDER", "triton")]);
    let file = "parallel = 8\nprovider = \"openai\"";
    let flags = [(Key::Parallel, "32"), (Key::Provider, "ollama")];
    for (flags, environment, file, parallel, provider) in [
        (&flags[..], env(), file, 32, Some("ollama")),
        (&[], env(), file, 16, Some("triton")),
        (&[], Environment::from([("PARALLEL_INFERENCE_BATCH_SIZE", "")]), file, 8, Some("openai")),
        (&[], Environment::default(), file, 8, Some("openai")),
        (&[], Environment::default(), "", 5, None),
    ] {
        let run = layers(flags, environment, file).run().expect("good layers");
        assert_eq!((run.start(run.parallel).get(), run.provider()), (parallel, provider));
    }
}

const PARALLEL: &str = "expected: a whole number from 1 to 4096, or `auto`, or `auto:MIN-MAX` with both from 1 to 4096 \
                        and MIN not over MAX, such as `auto:2-64`";

#[test]
fn wrong_values_are_told_with_their_origin() {
    let none = Environment::default;
    let env = |name, value| Environment::from([(name, value)]);
    for (layers, error, hint) in [
        (layers(&[(Key::Parallel, "0")], none(), ""), "wrong value from flag `--parallel`: `0`", PARALLEL),
        (
            layers(&[], env("PARALLEL_INFERENCE_BATCH_SIZE", "many"), ""),
            "wrong value from environment `PARALLEL_INFERENCE_BATCH_SIZE`: `many`",
            PARALLEL,
        ),
        (layers(&[], none(), "parallel = 4097"), "wrong value from `judge.toml: parallel`: `4097`", PARALLEL),
        (
            layers(&[(Key::VramGb, "0")], none(), ""),
            "wrong value from flag `--vram-gb`: `0`",
            "expected: a whole number from 1 to 4096",
        ),
        (
            layers(&[(Key::Attempts, "101")], none(), ""),
            "wrong value from flag `--attempts`: `101`",
            "expected: a whole number from 1 to 100",
        ),
        (
            layers(&[], env("DEFAULT_TEMPERATURE", "hot"), ""),
            "wrong value from environment `DEFAULT_TEMPERATURE`: `hot`",
            "expected: a number from 0 to 2",
        ),
        (
            layers(&[], env("DEFAULT_MAX_TOKENS", "0"), ""),
            "wrong value from environment `DEFAULT_MAX_TOKENS`: `0`",
            "expected: a whole number from 1 to 4294967295",
        ),
        (
            layers(&[], none(), "timeout = \"soon\""),
            "wrong value from `judge.toml: timeout`: `soon`",
            "expected: a time over 0 and up to 24h, such as `120s` or `2m`; a bare number is seconds",
        ),
        (
            layers(&[], none(), "log_bodies = \"maybe\""),
            "wrong value from `judge.toml: log_bodies`: `maybe`",
            "expected: `true` or `false`",
        ),
        (
            layers(&[(Key::Language, "по-русски")], none(), ""),
            "wrong value from flag `--language`: `по-русски`",
            "expected: a BCP 47 tag such as `ru` or `pt-BR`",
        ),
        (
            layers(&[], none(), "trusted_keys = [\"untrusted comment\"]"),
            "wrong value from `judge.toml: trusted_keys`: `untrusted comment`",
            "expected: minisign public keys, each `RW…` (56 characters) or `NAME=RW…`",
        ),
        (
            layers(&[], none(), "trusted_keys = []"),
            "wrong value from `judge.toml: trusted_keys`: ``",
            "expected: minisign public keys, each `RW…` (56 characters) or `NAME=RW…`",
        ),
        (
            layers(&[(Key::BatchId, " ")], none(), ""),
            "wrong value from flag `--batch-id`: ` `",
            "expected: a text that is not empty",
        ),
    ] {
        let told = layers.run().expect_err(error);
        assert_eq!((told.to_string().as_str(), told.hint().as_deref()), (error, Some(hint)));
    }
}

#[test]
fn trusted_keys_are_a_list_with_or_without_names() {
    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    let key = |name: Option<&str>| TrustedKey { name: name.map(str::to_owned), base64: KEY.to_owned() };
    let listed = format!("trusted_keys = [\"{KEY}\", \"release={KEY}\"]");
    let flag = format!(" {KEY},ci = {KEY} ");
    for (layers, expected) in [
        (layers(&[], Environment::default(), &listed), vec![key(None), key(Some("release"))]),
        (layers(&[(Key::TrustedKeys, &flag)], Environment::default(), ""), vec![key(None), key(Some("ci"))]),
    ] {
        assert_eq!(layers.run().expect("good keys").trusted_keys, expected);
    }
}

#[test]
fn the_default_total_gives_way_to_a_longer_timeout() {
    for (flags, timeout, total) in [
        (&[(Key::Timeout, "20m")][..], 1200, 1200),
        (&[(Key::Timeout, "20m"), (Key::TotalTimeout, "5m")][..], 1200, 300),
        (&[(Key::Timeout, "30")][..], 30, 600),
    ] {
        let run = layers(flags, Environment::default(), "").run().expect("good layers");
        assert_eq!((run.timeout.as_secs(), run.total_timeout.as_secs()), (timeout, total));
    }
}

#[test]
fn the_cache_lies_where_caches_lie() {
    for (environment, expected) in [
        (Environment::from([("XDG_CACHE_HOME", "/xdg"), ("HOME", "/home/me")]), Some("/xdg/judge-host")),
        (Environment::from([("HOME", "/home/me")]), Some("/home/me/.cache/judge-host")),
        (Environment::from([("XDG_CACHE_HOME", "relative"), ("HOME", "/h")]), Some("/h/.cache/judge-host")),
        (Environment::default(), None),
    ] {
        let run = layers(&[], environment, "").run().expect("good layers");
        assert_eq!(run.cache_dir.as_deref(), expected.map(Path::new));
    }
}

#[test]
fn a_chain_is_a_list_in_the_file_and_has_commas_elsewhere() {
    for (layers, expected) in [
        (layers(&[], Environment::default(), "provider = \"ollama,openai\""), &["ollama", "openai"][..]),
        (layers(&[], Environment::default(), "provider = [\"ollama\", \"openai\"]"), &["ollama", "openai"]),
        (layers(&[], Environment::default(), "[provider]\ndefault = [\"openai:m\"]"), &["openai"]),
        (layers(&[], Environment::from([("DEFAULT_LLM_PROVIDER", "a,b")]), "provider = \"c\""), &["a", "b"]),
        (layers(&[(Key::Provider, "c")], Environment::from([("DEFAULT_LLM_PROVIDER", "a,b")]), ""), &["c"]),
    ] {
        let run = layers.run().expect("good layers");
        assert_eq!(run.chain.iter().map(|link| link.id.as_str()).collect::<Vec<_>>(), expected);
        assert_eq!(run.provider(), expected.first().copied());
    }
}

#[test]
fn a_model_that_no_provider_would_take_is_told() {
    let told = layers(&[(Key::Provider, "a:m,b:n"), (Key::Model, "x")], Environment::default(), "").run();
    let told = told.expect_err("all have models");
    assert_eq!(told.to_string(), "wrong value from flag `--model`: `x`");
    assert_eq!(
        told.hint().as_deref(),
        Some("expected: none: every provider in `provider` is named with its own model")
    );
}

#[test]
fn auto_begins_with_what_the_card_bears_within_its_bounds() {
    for (file, start) in [
        ("parallel = \"auto\"", 5),
        ("parallel = \"auto\"\nvram_gb = 8", 3),
        ("parallel = \"auto\"\nvram_gb = 80", 10),
        ("parallel = \"auto:12-64\"\nvram_gb = 24", 12),
        ("parallel = \"auto:1-2\"", 2),
        ("parallel = 7\nvram_gb = 24", 7),
    ] {
        let run = layers(&[], Environment::default(), file).run().expect("good layers");
        assert_eq!(run.start(run.parallel).get(), start, "{file}");
    }
}

#[test]
fn pace_and_spending_are_read_from_every_layer() {
    let file = "rpm = 60\ntpm = 90000\nretry_budget = 30\nconnect_timeout = \"5s\"\noutage_max = \"1h\"\nhedge = true\n\
                dedup = \"on\"\nbudget = \"$5\"\nbudget_tokens = \"2M\"\nescalate_below = \"high\"\n\
                records_per_request = 8\nprovider = \"a,b\"\n[prices.m]\ninput = 1\noutput = 2";
    let run = layers(&[], Environment::default(), file).run().expect("good layers");
    assert_eq!((run.rpm.map(NonZeroU32::get), run.tpm.map(NonZeroU32::get)), (Some(60), Some(90_000)));
    assert_eq!((run.retry_budget_percent, run.hedge, run.dedup), (30, true, Dedup::On));
    assert_eq!((run.connect_timeout.as_secs(), run.outage_max.as_secs()), (5, 3600));
    assert_eq!((run.budget, run.budget_tokens.map(NonZeroU64::get)), (Some(MicroUsd(5_000_000)), Some(2_000_000)));
    assert_eq!((run.escalate_below, run.records_per_request.get()), (Some(Confidence::High), 8));
    assert_eq!(run.prices["m"].output, MicroUsd(2_000_000));
    let flags = [(Key::Budget, "0.5usd"), (Key::EscalateBelow, "medium"), (Key::RetryBudget, "0%")];
    let run = layers(&flags, Environment::default(), file).run().expect("good layers");
    assert_eq!((run.budget, run.retry_budget_percent), (Some(MicroUsd(500_000)), 0));
    assert_eq!(run.escalate_below, Some(Confidence::Medium));
}

#[test]
fn wrong_pace_and_spending_are_told_with_their_origin() {
    for (key, value, hint) in [
        (Key::Rpm, "0", "expected: a whole number from 1 to 4294967295"),
        (Key::Tpm, "4294967296", "expected: a whole number from 1 to 4294967295"),
        (Key::RetryBudget, "101%", "expected: a share from 0 to 100 in whole percent"),
        (Key::ConnectTimeout, "0s", "expected: a time over 0 and up to 24h"),
        (Key::OutageMax, "25h", "expected: a time over 0 and up to 24h"),
        (Key::Hedge, "maybe", "expected: `true` or `false`"),
        (Key::Dedup, "true", "expected: `auto`, `on` or `off`"),
        (Key::Budget, "5eur", "expected: US dollars over 0"),
        (Key::BudgetTokens, "0", "expected: a whole number of tokens from 1"),
        (Key::EscalateBelow, "low", "expected: `high` or `medium`"),
        (Key::RecordsPerRequest, "65", "expected: a whole number from 1 to 64"),
    ] {
        let told = layers(&[(key, value)], Environment::default(), "").run().expect_err(value);
        assert_eq!(told.to_string(), format!("wrong value from flag `{}`: `{value}`", key.spec().flag));
        assert!(told.hint().expect("a hint").starts_with(hint), "{:?}", told.hint());
    }
    let told = layers(&[], Environment::default(), "[prices.m]\ninput = -1\noutput = 1").run().expect_err("a price");
    assert_eq!(told.to_string(), "wrong value from `judge.toml: prices.\"m\".input`: `-1`");
}

#[test]
fn connecting_takes_no_longer_than_an_attempt_or_a_record() {
    for (flags, seconds) in [
        (&[][..], Some(10)),
        (&[(Key::Timeout, "3s")][..], Some(3)),
        (&[(Key::TotalTimeout, "2s")], Some(2)),
        (&[(Key::ConnectTimeout, "3s"), (Key::Timeout, "3s")], Some(3)),
        (&[(Key::ConnectTimeout, "4s"), (Key::Timeout, "3s")], None),
        (&[(Key::ConnectTimeout, "3s"), (Key::TotalTimeout, "2s")], None),
    ] {
        let run = layers(flags, Environment::default(), "").run();
        assert_eq!(run.as_ref().ok().map(|run| run.connect_timeout.as_secs()), seconds, "{flags:?}");
        if let Err(told) = run {
            assert!(told.to_string().starts_with("wrong value from flag `--connect-timeout`"), "{told}");
            assert!(told.hint().expect("a hint").starts_with("expected: a time not over the longest"), "{told}");
        }
    }
}

#[test]
fn escalation_needs_somebody_to_escalate_to() {
    let flag = (Key::EscalateBelow, "high");
    let in_file = "escalate_below = \"high\"\n";
    for (flags, file, expected) in [
        (&[flag, (Key::Provider, "a,b")][..], "", Ok(Some(Confidence::High))),
        (&[flag, (Key::Provider, "a:small,a:large")], "", Ok(Some(Confidence::High))),
        (&[flag], "", Err("flag `--escalate-below`")),
        (&[flag, (Key::Provider, "a")], "", Err("flag `--escalate-below`")),
        (&[flag], "provider = \"a\"", Err("flag `--escalate-below`")),
        (&[], in_file, Err("`judge.toml: escalate_below`")),
        (&[(Key::Provider, "a")], in_file, Ok(None)),
    ] {
        let found = layers(flags, Environment::default(), file).run().map(|run| run.escalate_below);
        let error = |who| format!("fewer than two providers in `provider`, but {who} escalates from one to the next");
        assert_eq!(found.map_err(|told| told.to_string()), expected.map_err(error), "{flags:?} {file}");
    }
}
