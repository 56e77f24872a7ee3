//! Components that come into service under a judge of the library, and what they must pass before.

use super::{ID, component, custom_section, digest, put, variant};
use crate::support::server::{Reply, Server};
use crate::support::{cache, plugins};
use judge_host::judge::{Change, Loader};
use judge_host::model::{Outcome, Record};
use judge_host::provider::Admission;
use judge_host::sandbox::{Sandbox, SandboxOptions};
use judge_host::{Judge, JudgeOptions};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// Generous, since the machine may be busy: to try a component takes a second of computing.
const PATIENCE: Duration = Duration::from_mins(4);

/// A judge, the folder that it follows, and what it told of it.
struct Followed {
    folder: TempDir,
    judge: Judge,
    changes: Receiver<Change>,
}

impl Followed {
    /// A judge by the provider of this id, which is put into a folder of its own.
    async fn open(id: &str, bytes: &[u8], server: &Server) -> Followed {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(format!("{id}.wasm")), bytes).unwrap();
        let settings = if id == "openai" { vec![("probe".to_owned(), "never".to_owned())] } else { Vec::new() };
        let mut judge = Judge::open(JudgeOptions {
            providers: folder.path().to_owned(),
            provider: id.to_owned(),
            endpoints: vec![server.url()],
            model: Some("fake".to_owned()),
            settings,
            attempts: 1,
            cache_dir: Some(cache()),
            follow: false,
            ..JudgeOptions::default()
        })
        .await
        .unwrap();
        assert!(judge.catalog().is_none(), "it follows only when it is asked to");
        let loader = loader();
        let catalog = Arc::new(loader.catalog(folder.path()).await.unwrap());
        let (tx, changes): (Sender<Change>, _) = channel();
        judge.follow(loader, catalog, move |change| drop(tx.send(change.clone())));
        Followed { folder, judge, changes }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The next change.
    async fn told(self) -> (Followed, Change) {
        let waiting = tokio::task::spawn_blocking(move || {
            let change = self.changes.recv_timeout(PATIENCE).expect("a change is told");
            (self, change)
        });
        waiting.await.unwrap()
    }

    async fn judge_one(&self, id: &str) -> Outcome {
        self.judge.judge_slice(vec![Record::new(id, "text")], None).await.unwrap().remove(0)
    }

    fn serving(&self) -> String {
        self.judge.provider().identity().digest.clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn records_in_flight_end_on_the_component_that_they_began_with_and_it_is_freed_then() {
    // The first call is answered when the test opens the gate, by letting it go.
    let (gate, shut) = channel::<()>();
    let (calls, shut) = (Arc::new(AtomicUsize::new(0)), Mutex::new(shut));
    let counted = Arc::clone(&calls);
    let server = Server::start(move |_| {
        if counted.fetch_add(1, SeqCst) == 0 {
            let _ = shut.lock().unwrap().recv();
        }
        Reply::ok("ok")
    })
    .await;
    let followed = Followed::open(ID, &variant(0), &server).await;
    let old = Arc::downgrade(&followed.judge.provider());
    let slow = followed.judge.judge_stream(futures_util::stream::iter([Record::new("slow", "text")]), Some(1));
    while calls.load(SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    put(&followed.path("misbehaving.wasm"), &variant(1));
    let (followed, change) = followed.told().await;
    let Change::Loaded { before, in_use: true, .. } = change else { panic!("{change:?}") };
    assert_eq!((before, followed.serving()), (Some(digest(&variant(0))), digest(&variant(1))));
    let quick = followed.judge_one("quick").await;
    assert_eq!((quick.component_digest, quick.result.is_ok()), (digest(&variant(1)), true));
    assert!(old.upgrade().is_some(), "the record in flight holds it");
    drop(gate);
    let outcomes: Vec<_> = futures_util::StreamExt::collect(slow).await;
    let [Ok(slow)] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!((slow.component_digest.clone(), slow.result.is_ok()), (digest(&variant(0)), true));
    assert!(old.upgrade().is_none(), "nobody holds it any more");
}

#[tokio::test]
async fn one_that_cannot_start_with_the_server_leaves_the_one_before_in_service() {
    let locked_out = Arc::new(AtomicBool::new(false));
    let is_locked_out = Arc::clone(&locked_out);
    let server = Server::start(move |seen| {
        if is_locked_out.load(SeqCst) {
            return Reply::status(401, "{\"error\":{\"message\":\"no\"}}");
        }
        assert!(seen.line.starts_with("GET "), "nothing is judged here: {}", seen.line);
        Reply::ok("{\"object\":\"list\",\"data\":[{\"id\":\"fake\",\"object\":\"model\"}]}")
    })
    .await;
    let bytes = fs::read(plugins().join("openai.wasm")).unwrap();
    let newer = [bytes.clone(), custom_section("newer")].concat();
    let followed = Followed::open("openai", &bytes, &server).await;
    let asked = server.seen().len();
    assert!(asked > 0, "its preparation asks the server");

    locked_out.store(true, SeqCst);
    put(&followed.path("openai.wasm"), &newer);
    let (followed, change) = followed.told().await;
    let Change::Refused { file, serving: Some((_, serving)), again: false } = change else { panic!("{change:?}") };
    assert!(file.reason.starts_with("it cannot start with its server: credentials"), "{}", file.reason);
    assert!(file.hint.is_some());
    assert_eq!((&serving, &followed.serving()), (&digest(&bytes), &digest(&bytes)));
    assert_eq!(followed.judge.catalog().unwrap().entries().refused(), [file]);
    assert!(server.seen().len() > asked, "it was let at the run's server");

    // The server has come to its senses, and the file is touched: the same bytes are tried again.
    locked_out.store(false, SeqCst);
    put(&followed.path("openai.wasm"), &newer);
    let (followed, change) = followed.told().await;
    assert!(matches!(change, Change::Loaded { in_use: true, .. }), "{change:?}");
    assert_eq!(followed.serving(), digest(&newer));
    assert!(followed.judge.catalog().unwrap().entries().refused().is_empty());
}

#[tokio::test]
async fn one_that_does_not_withstand_hostile_responses_is_refused() {
    let server = Server::start(|_| Reply::ok("ok")).await;
    let followed = Followed::open(ID, &variant(0), &server).await;
    put(&followed.path("minimal.wasm"), &traps());
    let (followed, change) = followed.told().await;
    let Change::Refused { file, serving: None, .. } = change else { panic!("{change:?}") };
    assert!(file.reason.starts_with("fails ") && file.reason.contains(" hostile responses, first "), "{}", file.reason);
    assert_eq!(server.seen().len(), 0, "nothing of it was sent");
    assert_eq!(followed.serving(), digest(&variant(0)));
}

/// A provider that traps in whatever it is asked but its name.
fn traps() -> Vec<u8> {
    let text = include_str!("../../guests/minimal.wat");
    let text = [
        ("VERSION", "0.1.0"),
        ("PAGES", "1"),
        ("IMPORTS", ""),
        ("DESCRIBE", ""),
        ("PREPARE", ""),
        ("BRIEF", ""),
        ("BUILD", ""),
        ("PARSE", ""),
    ]
    .iter()
    .fold(text.to_owned(), |text, (word, put)| text.replace(word, put));
    wat::parse_str(text).unwrap()
}

#[tokio::test]
async fn a_judge_that_is_opened_follows_its_folder() {
    let server = Server::start(|_| Reply::ok("ok")).await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.wasm"), variant(0)).unwrap();
    let options = |follow| JudgeOptions {
        providers: folder.path().to_owned(),
        provider: ID.to_owned(),
        endpoints: vec![server.url()],
        cache_dir: Some(cache()),
        follow,
        ..JudgeOptions::default()
    };
    assert!(JudgeOptions::default().follow);
    let (judge, other) = (Judge::open(options(true)).await.unwrap(), Judge::open(options(false)).await.unwrap());
    put(&folder.path().join("a.wasm"), &variant(1));
    let is_new = |judge: &Judge| judge.provider().identity().digest == digest(&variant(1));
    let waiting = async {
        while !is_new(&judge) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the newer one comes into service");
    let outcomes = judge.judge_slice(vec![Record::new("r", "text")], None).await.unwrap();
    assert_eq!(outcomes[0].component_digest, digest(&variant(1)));
    assert!(!is_new(&other), "one that does not follow stays as it was opened");
}

#[tokio::test]
async fn a_folder_that_is_lost_leaves_everything_as_it_is_loaded() {
    let server = Server::start(|_| Reply::ok("ok")).await;
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("plugins");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("custom.wasm"), component("custom_provider.wasm")).unwrap();
    fs::write(inner.join("a.wasm"), variant(0)).unwrap();
    let mut judge = Judge::open(JudgeOptions {
        providers: inner.clone(),
        provider: ID.to_owned(),
        endpoints: vec![server.url()],
        cache_dir: Some(cache()),
        follow: false,
        ..JudgeOptions::default()
    })
    .await
    .unwrap();
    let (loader, lost) = (loader(), Arc::new(tokio::sync::Notify::new()));
    let catalog = Arc::new(loader.catalog(&inner).await.unwrap());
    let bell = Arc::clone(&lost);
    judge.follow(loader, catalog, move |change| {
        assert!(matches!(change, Change::Lost(_)), "{change:?}");
        bell.notify_one();
    });
    // In one step, so that no file is seen to go.
    fs::rename(&inner, folder.path().join("elsewhere")).unwrap();
    tokio::time::timeout(PATIENCE, lost.notified()).await.expect("it is told");
    assert_eq!(judge.catalog().unwrap().entries().loaded().count(), 2);
    let outcomes = judge.judge_slice(vec![Record::new("r", "text")], None).await.unwrap();
    assert!(outcomes[0].result.is_ok());
}

fn loader() -> Loader {
    let options = SandboxOptions { cache_dir: Some(cache()), ..SandboxOptions::default() };
    Loader::new(Sandbox::new(options).unwrap(), Admission::default())
}
