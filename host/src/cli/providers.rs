//! `judge-host providers`, and what is shown where no command is given: what was loaded, and what to type next.

use super::args::{ProvidersArgs, ProvidersCommand};
use super::{Ending, advice, conformance, setup, show, stdout};
use anyhow::Context;
use judge_host::config::{Layers, RunConfig};
use judge_host::conformance::{first_failure, hostile};
use judge_host::judge::proxies;
use judge_host::model::{AuthSlot, SettingSpec, Signer};
use judge_host::provider::{Catalog, Identity, Lock, short};
use judge_host::report::{Console, table};
use judge_host::sandbox::given;
use judge_host::transport::Endpoint;
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// One file of the folder, as `--json` shows it.
#[derive(Serialize)]
struct Entry {
    file: PathBuf,
    /// `loaded` or `refused`.
    state: &'static str,
    id: Option<String>,
    version: Option<String>,
    summary: Option<String>,
    digest: Option<String>,
    size_bytes: Option<u64>,
    imports: Option<Vec<String>>,
    signer: Option<Signer>,
    default_endpoint: Option<String>,
    /// The proxy before the endpoint that would be asked, without its password.
    proxy: Option<String>,
    default_model: Option<String>,
    auth: Option<AuthSlot>,
    settings: Option<Vec<SettingSpec>>,
    reason: Option<String>,
    hint: Option<String>,
}

impl Entry {
    fn of(file: PathBuf, state: &'static str) -> Entry {
        Entry {
            file,
            state,
            id: None,
            version: None,
            summary: None,
            digest: None,
            size_bytes: None,
            imports: None,
            signer: None,
            default_endpoint: None,
            proxy: None,
            default_model: None,
            auth: None,
            settings: None,
            reason: None,
            hint: None,
        }
    }

    fn loaded(identity: &Identity) -> Entry {
        let descriptor = identity.descriptor.clone();
        Entry {
            id: Some(descriptor.id),
            version: Some(descriptor.version),
            summary: Some(descriptor.summary),
            digest: Some(identity.digest.clone()),
            size_bytes: Some(identity.size_bytes),
            imports: Some(identity.imports.clone()),
            signer: Some(identity.signer.clone()),
            default_endpoint: descriptor.default_endpoint,
            default_model: descriptor.default_model,
            auth: descriptor.auth,
            settings: Some(descriptor.settings),
            ..Entry::of(identity.path.clone(), "loaded")
        }
    }
}

pub(super) async fn run(layers: &Layers, args: &ProvidersArgs, console: &Console) -> anyhow::Result<Ending> {
    let config = advice::of(layers.run())?;
    match &args.command {
        Some(ProvidersCommand::Check { file, hostile }) => return check(&config, file, *hostile, console).await,
        Some(ProvidersCommand::Test(args)) => return conformance::run(&config, args, console).await,
        Some(ProvidersCommand::Show(args)) => return show::run(layers, &config, args, console).await,
        Some(ProvidersCommand::Lock) => return lock(&config, console).await,
        None => {}
    }
    let catalog = scan(&config, console).await?;
    let mut entries = entries(&catalog);
    let proxies = proxies(layers.proxies());
    for (entry, provider) in entries.iter_mut().zip(catalog.entries().loaded()) {
        let endpoint = layers.endpoints_of(&provider.identity().descriptor).unwrap_or_default().into_iter().next();
        let endpoint = endpoint.and_then(|endpoint| Endpoint::parse(&endpoint).ok());
        entry.proxy = endpoint.and_then(|endpoint| proxies.before(&endpoint).ok().flatten());
    }
    if args.json {
        stdout::json(&entries)?;
    } else {
        let told = proxies.told().map(|told| format!("\n{told}\n")).unwrap_or_default();
        stdout::text(&(listing(&entries) + &told + &settings(&entries)))?;
    }
    if entries.is_empty() {
        console.line(&format!("hint: {}", catalog.hint()));
    }
    Ok(Ending::Done)
}

/// What `judge-host` alone says: what is loaded, and the next commands to type.
pub(super) async fn welcome(layers: &Layers, console: &Console) -> anyhow::Result<Ending> {
    let config = advice::of(layers.run())?;
    let catalog = scan(&config, console).await?;
    let entries = entries(&catalog);
    let folder = config.providers.display();
    let mut text = listing(&entries);
    if !entries.iter().any(|entry| entry.state == "loaded") {
        console.line(&format!("hint: {}", catalog.hint()));
    }
    let judge = format!("judge-host --providers {folder} judge records.jsonl --clusters clusters.jsonl");
    writeln!(text, "\nnext:")?;
    for entry in entries.iter().filter(|entry| entry.state == "loaded") {
        let id = entry.id.as_deref().unwrap_or_default();
        let model =
            if entry.default_endpoint.is_some() && entry.default_model.is_none() { " --model NAME" } else { "" };
        writeln!(text, "  {judge} --provider {id}{model} --out rows.jsonl")?;
    }
    writeln!(text, "  judge-host --providers {folder} providers           every setting of every provider")?;
    writeln!(text, "  judge-host judge --help                      every flag, with its unit and default")?;
    stdout::text(&text)?;
    Ok(Ending::Done)
}

async fn check(config: &RunConfig, file: &Path, with_corpus: bool, console: &Console) -> anyhow::Result<Ending> {
    let loaded = advice::of(setup::loader(config, console)?.load(file).await);
    let provider = loaded.with_context(|| format!("would not be loaded: {}", file.display()))?;
    let entry = Entry::loaded(provider.identity());
    let entries = std::slice::from_ref(&entry);
    stdout::text(&(listing(entries) + &settings(entries)))?;
    if entry.imports.as_ref().is_some_and(Vec::is_empty) {
        stdout::text("imports none\n")?;
    }
    for import in entry.imports.iter().flatten() {
        stdout::text(&format!("imports {import} (inert): {}\n", given(import).unwrap_or_default()))?;
    }
    if let Signer::Key { .. } = &provider.identity().signer {
        stdout::text(&format!("signed by {}\n", provider.identity().signer))?;
    }
    if with_corpus {
        let cases = hostile(provider.as_ref(), &[]).await;
        if let Some(failure) = first_failure(&cases) {
            return Err(advice::error(failure, "`providers test FILE` shows them all"));
        }
        stdout::text(&format!("withstands {} hostile responses\n", cases.len()))?;
    }
    console.say("it would be loaded");
    Ok(Ending::Done)
}

/// Locks what is loaded, whatever was locked before.
async fn lock(config: &RunConfig, console: &Console) -> anyhow::Result<Ending> {
    let catalog = advice::of(setup::unlocked_loader(config, console)?.catalog(&config.providers).await)?;
    let entries = catalog.entries();
    for refused in entries.refused() {
        console.note(&format!("not locked, as it is not loaded: {}: {}", refused.path.display(), refused.reason));
    }
    if entries.loaded().next().is_none() {
        return Err(advice::error("no provider is loaded, and so none can be locked", catalog.hint()));
    }
    let lock = Lock::of(&config.providers, &entries);
    let path = advice::of(lock.write())?;
    let rows =
        lock.entries().map(|locked| vec![locked.id.clone(), locked.version.clone(), short(&locked.sha256).to_owned()]);
    stdout::text(&format!("{}\n", table(&["id", "version", "digest"], rows)))?;
    console.say(&format!("written to {}; `--locked` loads nothing else", path.display()));
    Ok(Ending::Done)
}

pub(super) async fn scan(config: &RunConfig, console: &Console) -> anyhow::Result<Catalog> {
    advice::of(setup::loader(config, console)?.catalog(&config.providers).await)
}

fn entries(catalog: &Catalog) -> Vec<Entry> {
    let table = catalog.entries();
    let loaded = table.loaded().map(|provider| Entry::loaded(provider.identity()));
    let refused = table.refused().iter().map(|file| Entry {
        reason: Some(file.reason.clone()),
        hint: file.hint.clone(),
        ..Entry::of(file.path.clone(), "refused")
    });
    loaded.chain(refused).collect()
}

fn listing(entries: &[Entry]) -> String {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let rows = entries.iter().filter(|entry| entry.state == "loaded").map(|entry| {
        vec![
            entry.id.clone().unwrap_or_default(),
            entry.version.clone().unwrap_or_default(),
            entry.digest.as_deref().map(short).unwrap_or_default().to_owned(),
            format!("{} KB", entry.size_bytes.unwrap_or_default() / 1000),
            imports(entry.imports.as_deref().unwrap_or_default()),
            entry.state.to_owned(),
            entry.summary.clone().unwrap_or_default(),
        ]
    });
    let header = ["id", "version", "digest", "size", "imports", "state", "summary"];
    let mut text = table(&header, rows);
    text.push('\n');
    for entry in entries.iter().filter(|entry| entry.state == "refused") {
        let reason = entry.reason.as_deref().unwrap_or_default();
        text = format!("{text}\nrefused {}: {reason}\n", name(&entry.file));
        if let Some(hint) = &entry.hint {
            text = format!("{text}  hint: {hint}\n");
        }
    }
    text
}

/// How much a provider imports: none is what its type proves to be harmless, the others are given empty.
fn imports(imports: &[String]) -> String {
    if imports.is_empty() { "none".to_owned() } else { format!("{} inert", imports.len()) }
}

/// What `--setting` takes, provider by provider.
fn settings(entries: &[Entry]) -> String {
    let rows = entries.iter().flat_map(|entry| {
        entry.settings.iter().flatten().map(|setting| {
            let default = setting.default_value.as_deref().unwrap_or("-").to_owned();
            vec![entry.id.clone().unwrap_or_default(), setting.name.clone(), default, setting.summary.clone()]
        })
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("\n{}\n", table(&["provider", "--setting", "default", "what it does"], rows))
}
