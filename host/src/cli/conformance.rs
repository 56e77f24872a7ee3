//! `judge-host providers test`: recorded exchanges and hostile responses, case by case. No network, no key.

use super::args::TestArgs;
use super::{Ending, advice, setup, stdout};
use anyhow::Context;
use judge_host::config::RunConfig;
use judge_host::conformance::{Case, VectorFile, hostile, read_folder, run as repeat};
use judge_host::provider::Provider;
use judge_host::report::Console;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    provider: &'a str,
    version: &'a str,
    digest: &'a str,
    passed: usize,
    failed: usize,
    cases: &'a [Case],
}

pub(super) async fn run(config: &RunConfig, args: &TestArgs, console: &Console) -> anyhow::Result<Ending> {
    let provider = advice::of(setup::loader(config, console)?.load(&args.file).await)
        .with_context(|| format!("would not be loaded: {}", args.file.display()))?;
    let mut vectors = vectors(args, console)?;
    let mut cases = Vec::new();
    for file in &mut vectors {
        cases.extend(repeat(provider.as_ref(), file).await);
        if args.update {
            advice::of(file.write())?;
        }
    }
    cases.extend(hostile(provider.as_ref(), &vectors).await);
    if args.json {
        stdout::json(&report(provider.as_ref(), &cases))?;
    } else {
        stdout::text(&listing(&cases))?;
    }
    if args.update {
        let written = vectors.len();
        console.note(&format!("{written} vectors hold now what the provider did: read them before you believe them"));
        return Ok(Ending::Done);
    }
    Ok(if cases.iter().all(Case::passed) { Ending::Done } else { Ending::SomeFailed })
}

/// The vectors of the folder that is named, else of the one beside the component.
fn vectors(args: &TestArgs, console: &Console) -> anyhow::Result<Vec<VectorFile>> {
    let beside: PathBuf = args.file.with_extension("vectors");
    match &args.vectors {
        Some(folder) => advice::of(read_folder(folder)),
        None if beside.is_dir() => advice::of(read_folder(&beside)),
        None => {
            let beside = beside.display();
            console
                .note(&format!("no recorded exchanges: neither `--vectors DIR` nor {beside}; only the hostile corpus"));
            Ok(Vec::new())
        }
    }
}

fn report<'a>(provider: &'a dyn Provider, cases: &'a [Case]) -> Report<'a> {
    let identity = provider.identity();
    let passed = cases.iter().filter(|case| case.passed()).count();
    Report {
        provider: &identity.descriptor.id,
        version: &identity.descriptor.version,
        digest: &identity.digest,
        passed,
        failed: cases.len() - passed,
        cases,
    }
}

/// The counts of each group, then each case that failed, then the sum.
fn listing(cases: &[Case]) -> String {
    let mut groups: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for case in cases {
        let (passed, all) = groups.entry(&case.group).or_default();
        *passed += usize::from(case.passed());
        *all += 1;
    }
    let group = |(name, (passed, all)): (&&str, &(usize, usize))| {
        let word = if passed == all { "pass" } else { "FAIL" };
        format!("{word}  {name}: {passed} of {all}\n")
    };
    let failure = |case: &Case| {
        let failure = case.failure.as_ref()?;
        Some(format!("\nFAIL  {}: {}\n      {failure}\n", case.group, case.about))
    };
    let failures: Vec<String> = cases.iter().filter_map(failure).collect();
    let sum = format!("\n{} cases, {} failed\n", cases.len(), failures.len());
    groups.iter().map(group).chain(failures).chain([sum]).collect()
}
