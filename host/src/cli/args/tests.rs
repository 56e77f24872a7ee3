use super::*;
use clap::CommandFactory;
use clap::error::ErrorKind;
use judge_host::config::SPECS;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_definitions_are_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_key_has_its_flag_and_the_help_teaches_it() {
    let mut root = Cli::command();
    root.build();
    let judge = root.find_subcommand("judge").expect("the command judge");
    for spec in &SPECS {
        let flag = spec.flag.trim_start_matches("--");
        let argument = judge.get_arguments().find(|argument| argument.get_long() == Some(flag)).expect(spec.flag);
        assert_eq!(argument.get_help().map(ToString::to_string), Some(spec.key.help()), "{flag}");
    }
}

#[test]
fn bench_takes_what_judge_takes_to_judge_with() {
    let mut root = Cli::command();
    root.build();
    let names = |command: &str| {
        let command = root.find_subcommand(command).expect(command);
        command.get_arguments().filter_map(|argument| argument.get_long()).collect::<Vec<_>>()
    };
    let own_to_judge = ["registry", "durability", "batch-id", "out", "rejudge", "dry-run", "summary", "trace", "force"];
    for flag in names("judge") {
        assert_eq!(names("bench").contains(&flag), !own_to_judge.contains(&flag), "{flag}");
    }
}

#[test]
fn flags_reach_their_keys() {
    let line = "judge-host --providers p judge in.csv --config c.toml --quiet --provider ollama --endpoint http://h --endpoint http://i,http://j --metrics http://h/m --model m \
                --api-key-env K --allow-plain-http --setting a=1 --setting b=2 --clusters c --registry r --durability fast --births free --batch-id b --out o --parallel 8 \
                --limit 9 --instructions i --language ru --timeout 1s --total-timeout 2s --attempts 3 \
                --candidates-max 4 --no-new-cluster --temperature 0.5 --max-output-tokens 6 --seed 7 --slice-size 60 \
                --log-bodies --vram-gb 16 --rpm 60 --tpm 90000 --retry-budget 30% --connect-timeout 5s --outage-max 1h --hedge \
                --dedup on --budget 5usd --budget-tokens 2M --escalate-below high --records-per-request 8 --trace t.jsonl --cache-dir d --locked --trusted-keys RW,n=RW --rejudge --dry-run --summary s.json --force";
    let cli = parse(line).expect("a good line");
    let flags = cli.flags();
    for (key, value) in [
        (Key::Providers, "p"),
        (Key::Provider, "ollama"),
        (Key::Model, "m"),
        (Key::Parallel, "8"),
        (Key::VramGb, "16"),
        (Key::Hedge, "true"),
        (Key::Rpm, "60"),
        (Key::Tpm, "90000"),
        (Key::RetryBudget, "30%"),
        (Key::ConnectTimeout, "5s"),
        (Key::OutageMax, "1h"),
        (Key::Dedup, "on"),
        (Key::Budget, "5usd"),
        (Key::BudgetTokens, "2M"),
        (Key::EscalateBelow, "high"),
        (Key::RecordsPerRequest, "8"),
        (Key::Registry, "r"),
        (Key::Durability, "fast"),
        (Key::BatchId, "b"),
        (Key::Out, "o"),
        (Key::Clusters, "c"),
        (Key::Instructions, "i"),
        (Key::Language, "ru"),
        (Key::Timeout, "1s"),
        (Key::TotalTimeout, "2s"),
        (Key::Attempts, "3"),
        (Key::CandidatesMax, "4"),
        (Key::NewCluster, "false"),
        (Key::Births, "free"),
        (Key::Temperature, "0.5"),
        (Key::MaxOutputTokens, "6"),
        (Key::Seed, "7"),
        (Key::SliceSize, "60"),
        (Key::LogBodies, "true"),
        (Key::CacheDir, "d"),
        (Key::Locked, "true"),
        (Key::TrustedKeys, "RW,n=RW"),
    ] {
        assert_eq!(flags.get(key), Some(value), "{key:?}");
    }
    assert!(SPECS.iter().all(|spec| flags.get(spec.key).is_some()), "no key is missing above");
    assert_eq!(flags.config, Some(PathBuf::from("c.toml")));
    assert_eq!((flags.metrics.as_deref(), flags.api_key_env.as_deref()), (Some("http://h/m"), Some("K")));
    assert_eq!(flags.endpoints, ["http://h", "http://i,http://j"]);
    assert!(flags.allow_plain_http);
    assert_eq!(flags.settings, ["a=1", "b=2"]);
    let Some(Command::Judge(judge)) = cli.command else { panic!("judge was asked for") };
    assert!(cli.quiet && judge.rejudge && judge.dry_run && judge.force);
    assert_eq!((judge.knobs.limit, judge.summary), (Some(9), Some(PathBuf::from("s.json"))));
    assert_eq!(judge.trace, Some(PathBuf::from("t.jsonl")));
}

#[test]
fn what_was_not_given_is_left_to_the_other_layers() {
    let flags = parse("judge-host judge").expect("a good line").flags();
    assert!(SPECS.iter().all(|spec| flags.get(spec.key).is_none()));
}

#[test]
fn lines_that_others_script_against_are_understood() {
    for line in [
        "judge-host",
        "judge-host --providers ./plugins",
        "judge-host --providers ./plugins --config judge.toml judge -",
        "judge-host judge",
        "judge-host judge in.jsonl --out - --temperature -1",
        "judge-host providers",
        "judge-host providers --json --providers ./plugins",
        "judge-host providers check a.wasm",
        "judge-host providers check a.wasm --hostile",
        "judge-host providers show ollama --json",
        "judge-host providers show openai --endpoint http://h --api-key-env K",
        "judge-host providers lock",
        "judge-host --locked judge in.jsonl",
        "judge-host judge in.jsonl --locked --trusted-keys RW",
        "judge-host providers test a.wasm --vectors v --json",
        "judge-host providers test a.wasm --update",
        "judge-host registry list --limit 10 --json --registry a.db",
        "judge-host registry --registry a.db export -",
        "judge-host registry export rows.csv --format csv --outcomes --batch-id b",
        "judge-host registry import cluster_registry.json",
        "judge-host judge in.jsonl --provider ollama:qwen3:8b,openai",
        "judge-host judge in.jsonl --parallel auto:2-64 --vram-gb 16",
        "judge-host judge in.jsonl --budget $5 --escalate-below high --hedge --trace t.jsonl",
        "judge-host bench in.jsonl --parallel 1,5,auto --plot levels.svg",
        "judge-host bench in.jsonl --parallel 1,5,64 --json --limit 100 --provider ollama",
    ] {
        assert!(parse(line).is_ok(), "{line}: {}", parse(line).expect_err("it failed"));
    }
}

#[test]
fn the_levels_of_a_bench_are_a_list() {
    let cli = parse("judge-host bench in.jsonl --parallel 1,5,64").expect("a good line");
    let Some(Command::Bench(bench)) = cli.command else { panic!("bench was asked for") };
    assert_eq!(bench.parallel, ["1", "5", "64"]);
}

#[test]
fn lines_that_mean_nothing_are_refused() {
    for (line, kind) in [
        ("judge-host registry", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
        ("judge-host registry export", ErrorKind::MissingRequiredArgument),
        ("judge-host registry export - --outcomes", ErrorKind::MissingRequiredArgument),
        ("judge-host registry export - --batch-id b", ErrorKind::MissingRequiredArgument),
        ("judge-host registry export - --format xml", ErrorKind::InvalidValue),
        ("judge-host providers check", ErrorKind::MissingRequiredArgument),
        ("judge-host providers show", ErrorKind::MissingRequiredArgument),
        ("judge-host judge --limit some", ErrorKind::ValueValidation),
        ("judge-host judge --paralel 5", ErrorKind::UnknownArgument),
        ("judge-host judgement", ErrorKind::InvalidSubcommand),
    ] {
        assert_eq!(parse(line).map(|_| ()).map_err(|error| error.kind()), Err(kind), "{line}");
    }
}

#[test]
fn help_shows_examples() {
    for (line, expected) in [
        ("judge-host --help", "judge-host --providers ./plugins\n"),
        ("judge-host judge --help", "--provider ollama --model qwen3:8b --parallel 16"),
    ] {
        let help = parse(line).expect_err("help is no run").to_string();
        assert!(help.contains(expected), "{help}");
    }
}
