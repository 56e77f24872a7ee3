//! `--dry-run`: the first request as it would go over the wire. Nothing is sent, and no file is written.

use super::setup::Setup;
use super::{Ending, advice, stdout};
use judge_host::config::RunConfig;
use judge_host::job::source::{Read, Source};
use judge_host::model::{Body, HttpRequest, Record, Step};
use judge_host::registry::{ClusterDraft, Registry};
use judge_host::report::Console;
use judge_host::transport::Endpoint;
use std::fmt::Write;
use std::sync::Arc;

pub(super) async fn run(
    setup: &Setup,
    config: &RunConfig,
    clusters: Vec<ClusterDraft>,
    source: Source,
    console: &Console,
) -> anyhow::Result<Ending> {
    let registry = Arc::new(advice::of(Registry::temporary())?);
    if config.registry.exists() {
        let known = advice::of(Registry::open_read_only(&config.registry))?;
        let drafts = known.snapshot().iter().map(|cluster| ClusterDraft::from(cluster.as_ref())).collect();
        advice::of(registry.upsert(drafts).await)?;
    }
    advice::of(registry.upsert(clusters).await)?;
    let Some(record) = first_record(source)? else {
        console.note("the input holds no record to show a request for");
        return Ok(Ending::Done);
    };
    let judge = setup.judge(registry, "dry-run");
    let step = judge.first_step(record).await.map_err(|fault| {
        // A hint of the provider's own says more.
        let unprepared =
            "a dry run asks no server; if the provider needs what it learns there before a run, it can show no request";
        if fault.hint.is_none() { fault.hint(unprepared) } else { fault }
    })?;
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
    Ok(Ending::Done)
}

fn first_record(mut source: Source) -> anyhow::Result<Option<Record>> {
    match advice::of(source.next_row())? {
        None => Ok(None),
        Some(Read::Record { record, .. }) => Ok(Some(record)),
        Some(Read::Unreadable { fault, .. }) => Err(fault.into()),
    }
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
