//! A key of random letters is planted, servers send it back in every place and spelling, and every byte that comes out is
//! searched for it: of every provider, fault, log level and command.

mod servers;
mod sought;

use crate::support::{CLUSTERS, Case, Ran, cache, no_probe, plugins};
use async_trait::async_trait;
use judge_host::Judge;
use judge_host::control::limit::Limit;
use judge_host::control::retry::RetryPolicy;
use judge_host::judge::{Policy, Seat, connect};
use judge_host::model::{Body, Fault, HttpResponse, Job, Preparation, Previous, Record, Settings, Step, Task};
use judge_host::provider::{Identity, Provider};
use judge_host::registry::Registry;
use judge_host::sandbox::{Sandbox, SandboxOptions};
use judge_host::transport::{Secret, TransportLimits};
use serde_json::json;
use servers::{FAULTS, Phase, echoing};
use sought::Canary;
use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How much a run says of itself.
const LEVELS: [&[&str]; 3] = [&[], &["--quiet"], &["--log-bodies"]];

/// A record for each fault; its text tells the server which.
fn records() -> Vec<(String, String)> {
    FAULTS.iter().map(|fault| (format!("r-{fault}"), format!("where is my card, fault={fault};"))).collect()
}

fn case(canary: &Canary) -> Case {
    let mut case = Case::new();
    let record = |(id, text)| json!({ "id": id, "text": text }).to_string() + "\n";
    case.file("records.jsonl", records().into_iter().map(record).collect::<String>());
    case.file("clusters.jsonl", CLUSTERS);
    case.file("tmp/of-this-run", "");
    for (name, value) in [("CANARY", canary.key.as_str()), ("RUST_LOG", "trace"), ("RUST_BACKTRACE", "1")] {
        case.env(name, value);
    }
    let folder = case.path("tmp").display().to_string();
    case.env("TMPDIR", &folder);
    case
}

/// A model that the servers have.
fn model(provider: &str) -> &'static str {
    // Of its maker and its name.
    if provider == "openrouter" { "maker/fake" } else { "fake" }
}

/// What asks a server of this provider, with the key.
fn asking<'a>(provider: &'a str, endpoint: &'a str) -> Vec<&'a str> {
    let mut args = vec!["--clusters", "clusters.jsonl", "--provider", provider];
    // The one that asks nobody takes neither.
    if provider != "lexical" {
        args.extend(["--endpoint", endpoint, "--api-key-env", "CANARY", "--model", model(provider)]);
    }
    args.extend(["--attempts", "1", "--timeout", "1s"]);
    args.extend(no_probe(provider));
    args
}

/// Runs everything that a provider has a part in, and searches what it leaves.
async fn check(provider: &str) {
    for (level, canary) in LEVELS.into_iter().zip([Canary::plain(), Canary::odd(), Canary::plain()]) {
        let server = echoing(&canary.key, Phase::Records).await;
        let case = case(&canary);
        let url = server.url();
        let run = async |command: &[&str]| {
            let ran = case.run_beside(command).await;
            canary.assert_unseen(&format!("{command:?}"), format!("{}\n{}", ran.stdout, ran.stderr).as_bytes());
            ran
        };
        let asking = [level, &asking(provider, &url)].concat();
        let files = ["--out", "rows.jsonl", "--summary", "s.json", "--trace", "t.jsonl"];
        let judge = [&["judge", "records.jsonl"], &files[..], &asking[..]].concat();
        let ran = run(&judge).await;
        assert!(ran.code == 0 || provider != "lexical" && ran.code == 1, "{provider} {level:?}: {ran:?}");
        let together = ["--batch-id", "b", "--records-per-request", "3", "--hedge", "--trace", "t2.jsonl"];
        run(&[&["judge", "records.jsonl"], &together[..], &asking[..]].concat()).await;
        run(&[&["judge", "records.jsonl", "--dry-run"], &asking[..]].concat()).await;
        run(&[&["bench", "records.jsonl", "--parallel", "4"], &asking[..]].concat()).await;
        run(&["registry", "list"]).await.code(0);
        run(&["registry", "export", "-"]).await.code(0);
        run(&["registry", "export", "rows.csv", "--outcomes", "--batch-id", "records"]).await.code(0);
        run(&["providers", "--json"]).await.code(0);
        run(&["providers", "show", provider]).await.code(0);
        check_folder(&canary, &case.path(""));
        check_folder(&canary, &cache());
        let searched = ["judge.db", "rows.csv"].iter().all(|name| case.path(name).exists());
        let is_traced = provider == "lexical" || case.read("t.jsonl").contains("credentials");
        assert!(searched && is_traced, "they were searched, too");
        if provider != "lexical" {
            let seen = server.seen();
            let header =
                |seen: &crate::support::server::Seen| seen.headers.values().any(|value| value.contains(&canary.key));
            assert!(seen.len() > 2 * FAULTS.len() && seen.iter().all(header), "the key went along with each request");
            assert!(seen.iter().all(|seen| !seen.body.contains(&canary.core)), "and in its header alone");
            shows_the_faults(&case, level, &ran);
        }
    }
    if provider != "lexical" {
        check_preparation(provider).await;
    }
}

/// That what was searched had the echoes in it, with the key taken out: else the search could find nothing.
fn shows_the_faults(case: &Case, level: &[&str], ran: &Ran) {
    let rows = crate::support::rows(&case.read("rows.jsonl"));
    let kinds: std::collections::BTreeSet<_> = rows.iter().filter_map(|row| row["error"]["kind"].as_str()).collect();
    for kind in ["credentials", "rate-limited", "timed-out", "connect", "blocked"] {
        assert!(kinds.contains(kind), "{kind} is missing: {kinds:?}");
    }
    assert!(case.read("rows.jsonl").contains("[redacted]"), "{rows:?}");
    assert!(!level.contains(&"--log-bodies") || ran.stderr.contains("[redacted]"), "{}", ran.stderr);
}

/// The same where the server fails before the first record.
async fn check_preparation(provider: &str) {
    let canary = Canary::plain();
    let case = case(&canary);
    for fault in FAULTS {
        let server = echoing(&canary.key, Phase::Preparation(fault)).await;
        let url = server.url();
        let command =
            [&["judge", "records.jsonl", "--limit", "1", "--log-bodies"], &asking(provider, &url)[..]].concat();
        let ran = case.run_beside(&command).await;
        let told = format!("{}\n{}", ran.stdout, ran.stderr);
        canary.assert_unseen(&format!("{provider} prepared with {fault}"), told.as_bytes());
        assert!(server.seen().iter().any(|seen| seen.headers.values().any(|value| value.contains(&canary.key))));
    }
    check_folder(&canary, &case.path(""));
}

fn check_folder(canary: &Canary, folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        // Other tests may clear up what they share.
        match (path.is_dir(), fs::read(&path)) {
            (true, _) => check_folder(canary, &path),
            (false, Ok(bytes)) => canary.assert_unseen(&path.display().to_string(), &bytes),
            (false, Err(_)) => {}
        }
    }
}

#[tokio::test]
async fn the_key_is_nowhere_in_what_comes_out_of_lexical() {
    check("lexical").await;
}

#[tokio::test]
async fn the_key_is_nowhere_in_what_comes_out_of_ollama() {
    check("ollama").await;
}

#[tokio::test]
async fn the_key_is_nowhere_in_what_comes_out_of_openai() {
    check("openai").await;
}

#[tokio::test]
async fn the_key_is_nowhere_in_what_comes_out_of_openrouter() {
    check("openrouter").await;
}

#[tokio::test]
async fn the_key_is_nowhere_in_what_comes_out_of_anthropic() {
    check("anthropic").await;
}

#[tokio::test]
async fn the_key_is_nowhere_in_what_comes_out_of_triton() {
    check("triton").await;
}

/// A provider that notes all that the host hands to it. A component's memory holds what it brought along, what it was
/// handed through this trait, and what it made of both: it has no other door, as its imports show.
struct Watched {
    inner: Arc<dyn Provider>,
    handed: Arc<Mutex<Vec<u8>>>,
}

impl Watched {
    fn note(&self, handed: &(impl Debug + ?Sized)) {
        self.handed.lock().expect("nobody panics").extend(format!("{handed:?}\n").into_bytes());
    }

    fn note_response(&self, response: &HttpResponse) {
        // As bytes: `Debug` would escape what is sought, and shows a body that is no text as numbers.
        let mut handed = self.handed.lock().expect("nobody panics");
        for (name, value) in &response.headers {
            handed.extend_from_slice(name.as_bytes());
            handed.extend_from_slice(value);
        }
        handed.extend_from_slice(response.body.as_bytes());
    }
}

#[async_trait]
impl Provider for Watched {
    fn identity(&self) -> &Identity {
        self.inner.identity()
    }

    async fn prepare(&self, settings: &Settings, previous: Option<Previous>) -> Result<Preparation, Fault> {
        self.note(&(settings, &previous));
        if let Some(previous) = &previous {
            self.note_response(&previous.response);
        }
        self.inner.prepare(settings, previous).await
    }

    async fn brief(&self, task: &Task) -> Result<Body, Fault> {
        self.note(task);
        self.inner.brief(task).await
    }

    async fn build_request(&self, job: &Job) -> Result<Step, Fault> {
        self.note(job);
        self.inner.build_request(job).await
    }

    async fn parse_response(&self, job: &Job, state: Vec<u8>, response: HttpResponse) -> Result<Step, Fault> {
        self.note(&(job, String::from_utf8_lossy(&state)));
        self.note_response(&response);
        self.inner.parse_response(job, state, response).await
    }
}

#[tokio::test]
async fn a_component_is_handed_nothing_of_the_key() {
    let sandbox = Sandbox::new(SandboxOptions { cache_dir: Some(cache()), ..SandboxOptions::default() }).unwrap();
    for provider in ["ollama", "openai", "openrouter", "anthropic", "triton"] {
        let inner = sandbox.load(&plugins().join(format!("{provider}.wasm"))).await.unwrap();
        for canary in [Canary::plain(), Canary::odd()] {
            let server = echoing(&canary.key, Phase::Records).await;
            let limits = TransportLimits { attempt: Duration::from_secs(1), ..TransportLimits::default() };
            let descriptor = &inner.identity().descriptor;
            let transport = connect(descriptor, Some(&server.url()), Some(Secret::new(&*canary.key)), limits).unwrap();
            let handed = Arc::<Mutex<Vec<u8>>>::default();
            let watched = Arc::new(Watched { inner: Arc::clone(&inner), handed: Arc::clone(&handed) });
            let registry = Arc::new(Registry::temporary().unwrap());
            let settings = Settings { model: model(provider).to_owned(), ..Settings::default() };
            let seat = Seat::new(watched, settings, transport);
            let mut judge = Judge::new([seat], registry, policy(), "b".to_owned());
            judge.prepare().await.unwrap();
            let records = records().into_iter().map(|(id, text)| Record::new(id, text)).collect();
            let outcomes = judge.judge_slice(records, Some(8)).await.unwrap();
            assert_eq!(outcomes.len(), FAULTS.len());
            let handed = handed.lock().unwrap();
            canary.assert_unseen(&format!("what {provider} was handed"), &handed);
            let redacted = handed.windows(10).filter(|window| *window == b"[redacted]").count();
            assert!(redacted > FAULTS.len(), "the answers had the key in them: {redacted}");
        }
    }
}

fn policy() -> Policy {
    Policy {
        retry: RetryPolicy { attempts_max: 1, ..RetryPolicy::default() },
        total_timeout: Duration::from_mins(1),
        limit: Limit::fixed(8),
        ..Policy::default()
    }
}
