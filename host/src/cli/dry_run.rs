//! `--dry-run`: the first request as it would go over the wire, and what the whole input will probably take. Nothing is
//! sent, and no file is written.

use super::estimate::{Estimate, Input};
use super::setup::Setup;
use super::{Ending, advice, stdout};
use judge_host::config::RunConfig;
use judge_host::model::{Body, HttpRequest, Step};
use judge_host::registry::{ClusterDraft, Registry};
use judge_host::report::Console;
use judge_host::transport::Endpoint;
use std::fmt::Write;
use std::sync::Arc;

pub(super) async fn run(
    setup: &Setup,
    config: &RunConfig,
    clusters: Vec<ClusterDraft>,
    input: Input,
    console: &Console,
) -> anyhow::Result<Ending> {
    let registry = Arc::new(advice::of(Registry::temporary())?);
    let known = config.registry.exists().then(|| advice::of(Registry::open_read_only(&config.registry))).transpose()?;
    if let Some(known) = &known {
        let drafts = known.snapshot().iter().map(|cluster| ClusterDraft::from(cluster.as_ref())).collect();
        advice::of(registry.upsert(drafts).await)?;
    }
    advice::of(registry.upsert(clusters).await)?;
    let is_stdin = input.is_stdin;
    let judge = setup.judge(registry, "dry-run");
    let estimate = Estimate::of(input, &judge, known.as_ref(), |step| show(setup, step, console)).await?;
    if is_stdin {
        console.note("the records on stdin are read, and gone: the run needs them again");
    }
    if estimate.is_empty() {
        console.note(if estimate.already_done() > 0 {
            "every record of the input is judged already"
        } else {
            "the input holds no record to show a request for"
        });
    } else if estimate.sends() {
        let first = setup.first();
        for line in estimate.told(&first.settings, first.prices.as_ref()) {
            console.note(&line);
        }
    }
    Ok(Ending::Done)
}

/// The first step of the input's first record.
fn show(setup: &Setup, step: &Step, console: &Console) -> anyhow::Result<()> {
    match step {
        Step::Send(outgoing) => {
            stdout::text(&wire(setup, &outgoing.request)?)?;
            console.note(
                "a dry run: nothing was sent; what the provider learns from its server before a run is not in it",
            );
        }
        Step::Done(_) => {
            console.note(&format!("provider `{}` sends nothing: it judges by itself", setup.first().id()));
        }
    }
    Ok(())
}

/// Request line, headers, an empty line, the body.
fn wire(setup: &Setup, request: &HttpRequest) -> anyhow::Result<String> {
    let url = match setup.first().endpoints.first() {
        Some(endpoint) => Endpoint::parse(endpoint)?.join(&request.path_and_query)?.to_string(),
        None => request.path_and_query.clone(),
    };
    let mut text = format!("{} {url}\n", request.method);
    for (name, value) in &request.headers {
        writeln!(text, "{name}: {}", String::from_utf8_lossy(value))?;
    }
    let first = setup.first();
    if let Some(slot) = first.provider.identity().descriptor.auth.as_ref().filter(|_| first.has_key) {
        writeln!(text, "{}: {}[redacted]", slot.header, slot.prefix)?;
    }
    match &request.body {
        None => {}
        Some(Body::Text(body)) => writeln!(text, "\n{body}")?,
        Some(Body::Binary(bytes)) => writeln!(text, "\n[{} bytes]", bytes.len())?,
    }
    Ok(text)
}
