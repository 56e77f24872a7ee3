//! `judge-host providers show ID`: what a provider could do, as everything is configured now.

use super::args::ShowArgs;
use super::providers::scan;
use super::{Ending, advice, stdout};
use judge_host::config::{Effective, EffectiveKey, Layers, RunConfig};
use judge_host::job;
use judge_host::model::{AuthSlot, SettingSpec, Signer};
use judge_host::provider::{Identity, Lock, LockError, LockState};
use judge_host::report::Console;
use judge_host::sandbox::{BRIEF_BYTES_MAX, Limits, PROFILE_BYTES_MAX, STATE_BYTES_MAX, given};
use judge_host::transport::Endpoint;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Bytes in the units that limits are shown in.
const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// What `--json` prints.
#[derive(Serialize)]
struct Permissions {
    id: String,
    version: String,
    summary: String,
    file: PathBuf,
    size_bytes: u64,
    digest: String,
    contract: String,
    signer: Signer,
    /// How it stands to the lock file, and whether that decides.
    lock: LockState,
    locked: bool,
    /// Each with what the component has of it.
    imports: Vec<Import>,
    /// The first of them.
    endpoint: Option<String>,
    endpoints: Vec<String>,
    endpoint_from: Option<String>,
    auth: Option<Auth>,
    limits: Bounds,
    settings: Vec<SettingSpec>,
}

#[derive(Serialize)]
struct Import {
    name: String,
    given: &'static str,
}

/// Where a key would go; never the key.
#[derive(Serialize)]
struct Auth {
    header: String,
    prefix: String,
    /// The variable that the key would come from; none where no key goes along.
    variable: Option<String>,
    variable_from: Option<String>,
    is_set: bool,
    /// The vendor's variable, where it is not sent to this server.
    withheld: Option<&'static str>,
    /// Scheme, host and port that the key is bound to; of several servers with ` and ` between.
    bound_to: Option<String>,
}

/// What one call, one job and one preparation may use.
#[derive(Serialize)]
struct Bounds {
    memory_bytes: usize,
    cpu_ms: u128,
    wall_ms: u128,
    stack_bytes: usize,
    output_bytes: usize,
    log_bytes: usize,
    state_bytes: usize,
    profile_bytes: usize,
    brief_bytes: usize,
    requests_a_job: usize,
    requests_a_preparation: usize,
}

pub(super) async fn run(
    layers: &Layers,
    config: &RunConfig,
    args: &ShowArgs,
    console: &Console,
) -> anyhow::Result<Ending> {
    let catalog = scan(config, console).await?;
    let provider = advice::of(catalog.get(&args.id))?;
    let identity = provider.identity();
    let effective = advice::of(layers.effective(&identity.descriptor))?;
    let lock = lock_state(&config.providers, identity)?;
    let permissions = permissions(identity, effective, lock, config.locked);
    if args.json {
        stdout::json(&permissions)?;
    } else {
        stdout::text(&text(&permissions))?;
    }
    Ok(Ending::Done)
}

fn lock_state(folder: &Path, identity: &Identity) -> anyhow::Result<LockState> {
    match Lock::read(folder) {
        Ok(lock) => Ok(lock.state(identity)),
        Err(LockError::Missing { .. }) => Ok(LockState::NoFile),
        Err(error) => advice::of(Err(error)),
    }
}

fn permissions(identity: &Identity, effective: Effective, lock: LockState, locked: bool) -> Permissions {
    let descriptor = identity.descriptor.clone();
    let imports = identity.imports.iter();
    let import = |name: &String| Import { name: name.clone(), given: given(name).unwrap_or_default() };
    let Effective { endpoints, endpoint_from, key } = effective;
    let endpoint_from = endpoint_from.map(|origin| origin.to_string());
    Permissions {
        id: descriptor.id,
        version: descriptor.version,
        summary: descriptor.summary,
        file: identity.path.clone(),
        size_bytes: identity.size_bytes,
        digest: identity.digest.clone(),
        contract: identity.contract.clone(),
        signer: identity.signer.clone(),
        lock,
        locked,
        imports: imports.map(import).collect(),
        auth: descriptor.auth.map(|slot| auth(slot, key, &endpoints)),
        endpoint_from: endpoints
            .first()
            .map(|_| endpoint_from.unwrap_or_else(|| "the provider's own default".to_owned())),
        endpoint: endpoints.first().cloned(),
        endpoints,
        limits: Bounds::now(),
        settings: descriptor.settings,
    }
}

fn auth(slot: AuthSlot, key: EffectiveKey, endpoints: &[String]) -> Auth {
    let AuthSlot { header, prefix } = slot;
    let nothing =
        Auth { header, prefix, variable: None, variable_from: None, is_set: false, withheld: None, bound_to: None };
    match key {
        EffectiveKey::NoSlot => nothing,
        EffectiveKey::Unnamed { withheld } => Auth { withheld, ..nothing },
        EffectiveKey::In { variable, from, is_set } => {
            let parsed = endpoints.iter().filter_map(|endpoint| Endpoint::parse(endpoint).ok());
            let origins: Vec<_> = parsed.map(|endpoint| endpoint.origin()).collect();
            let bound_to = (!origins.is_empty()).then(|| origins.join(" and "));
            let from = from.map_or_else(|| "the vendor's own".to_owned(), |origin| origin.to_string());
            Auth { variable: Some(variable), variable_from: Some(from), is_set, bound_to, ..nothing }
        }
    }
}

impl Bounds {
    fn now() -> Bounds {
        let Limits { memory_bytes, cpu, wall, stack_bytes, output_bytes, log_bytes } = Limits::default();
        Bounds {
            memory_bytes,
            cpu_ms: cpu.as_millis(),
            wall_ms: wall.as_millis(),
            stack_bytes,
            output_bytes,
            log_bytes,
            state_bytes: STATE_BYTES_MAX,
            profile_bytes: PROFILE_BYTES_MAX,
            brief_bytes: BRIEF_BYTES_MAX,
            requests_a_job: job::SENDS_MAX,
            requests_a_preparation: job::PREPARE_SENDS_MAX,
        }
    }
}

fn text(shown: &Permissions) -> String {
    let Permissions { id, version, summary, file, size_bytes, digest, contract, signer, .. } = shown;
    let mut rows = vec![
        ("file", format!("{} ({} KB)", file.display(), size_bytes / 1000)),
        ("digest", digest.clone()),
        ("contract", contract.clone()),
        ("signer", signed(signer)),
        ("lock", lock_words(shown.lock, shown.locked).to_owned()),
    ];
    if shown.imports.is_empty() {
        rows.push(("imports", "none".to_owned()));
    }
    rows.extend(shown.imports.iter().map(|import| ("imports", format!("{} (inert): {}", import.name, import.given))));
    match &shown.endpoint_from {
        Some(from) => {
            rows.extend(shown.endpoints.iter().map(|endpoint| ("endpoint", format!("{endpoint} (from {from})"))));
        }
        None => rows.push(("endpoint", "none: it sends nothing".to_owned())),
    }
    rows.push(("key", key_words(shown.auth.as_ref())));
    rows.extend(shown.limits.rows());
    rows.extend(shown.settings.iter().map(|setting| {
        let default = setting.default_value.as_deref().unwrap_or("-");
        ("setting", format!("{} [default: {default}]: {}", setting.name, setting.summary))
    }));
    let mut last = "";
    let line = |(name, value): (&'static str, String)| {
        // A name is told once for the rows under it.
        let named = if name == last { "" } else { name };
        last = name;
        format!("  {named:<9} {value}\n")
    };
    format!("{id} {version}: {summary}\n") + &rows.into_iter().map(line).collect::<String>()
}

fn signed(signer: &Signer) -> String {
    match signer {
        Signer::NotChecked => format!("{signer}: no `trusted_keys` are given"),
        Signer::Key { comment, .. } => format!("{signer}, who says: {comment}"),
    }
}

fn lock_words(state: LockState, locked: bool) -> &'static str {
    match (state, locked) {
        (LockState::Locked, true) => "as in plugins.lock, and nothing else is loaded",
        (LockState::Locked, false) => "as in plugins.lock; `--locked` would load it",
        (LockState::NoFile, _) => "no plugins.lock; `judge-host providers lock` writes it",
        (LockState::NotListed, _) => "not in plugins.lock; `--locked` would refuse it",
        (LockState::Differs, _) => "another than in plugins.lock; `--locked` would refuse it",
    }
}

fn key_words(auth: Option<&Auth>) -> String {
    let Some(Auth { header, prefix, variable, variable_from, is_set, withheld, bound_to }) = auth else {
        return "none: it has no place for one".to_owned();
    };
    match (variable, bound_to) {
        (Some(variable), Some(origin)) => {
            let from = variable_from.as_deref().unwrap_or_default();
            let state = if *is_set { "set" } else { "not set" };
            format!("{header}: {prefix}[the key in {variable} ({from}, {state})], to {origin} and nowhere else")
        }
        _ => match withheld {
            Some(variable) => format!("none: {variable} is not sent to this server unless `--api-key-env` names it"),
            None => format!("none; `--api-key-env VAR` would put one into {header}"),
        },
    }
}

impl Bounds {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let call = format!(
            "a call: {} of memory, {} ms of CPU, {} ms in all, {} of stack, {} of output, {} of log",
            bytes(self.memory_bytes),
            self.cpu_ms,
            self.wall_ms,
            bytes(self.stack_bytes),
            bytes(self.output_bytes),
            bytes(self.log_bytes)
        );
        let values = format!(
            "kept: {} of state, {} of profile, {} of brief",
            bytes(self.state_bytes),
            bytes(self.profile_bytes),
            bytes(self.brief_bytes)
        );
        let (job, preparation) = (self.requests_a_job, self.requests_a_preparation);
        let requests = format!("requests: {job} for a job, {preparation} for a preparation");
        vec![("limits", call), ("limits", values), ("limits", requests)]
    }
}

fn bytes(count: usize) -> String {
    if count.is_multiple_of(MIB) { format!("{} MiB", count / MIB) } else { format!("{} KiB", count / KIB) }
}
